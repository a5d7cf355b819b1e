// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/pipeline"
)

// hidden are files of a user that look like temporary ones.
var hidden = []string{".pre-commit-config.yaml", ".git-credentials", ".checkpoint-last.safetensors-notes"}

func plant(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range hidden {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func checkPlanted(t *testing.T, folder string) {
	t.Helper()
	for _, name := range hidden {
		if string(read(t, folder, name)) != name {
			t.Errorf("%s is another file", name)
		}
	}
}

// TestRunLeavesFilesOfTheUser gives a new run a folder with files, which it refuses, and
// puts files in the folder of a run that is resumed: all of them stay.
func TestRunLeavesFilesOfTheUser(t *testing.T) {
	r := small(t)
	plant(t, r.Out)
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("a new run in a folder with files: %v", err)
	}
	checkPlanted(t, r.Out)

	r = small(t)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := pipeline.Train(ctx, r, pipeline.Options{On: logged(cancelAt{"float 1/2", cancel})}); err == nil {
		t.Fatal("the run was not interrupted")
	}
	plant(t, r.Out)
	left := filepath.Join(r.Out, ".checkpoint-last.safetensors.partial") // of a kill
	if err := os.WriteFile(left, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.Train(t.Context(), r, pipeline.Options{Resume: true}); err != nil {
		t.Fatal(err)
	}
	checkPlanted(t, r.Out)
	if _, err := os.Stat(left); err == nil {
		t.Error("a temporary file of the run is still there")
	}
}

// TestReplacedFolderStopsRun replaces the folder of a run by another: the run ends
// with an error and writes nothing there.
func TestReplacedFolderStopsRun(t *testing.T) {
	r := small(t)
	replace := func() {
		if err := os.RemoveAll(r.Out); err != nil {
			t.Error(err)
		}
		if err := os.Mkdir(r.Out, 0o755); err != nil {
			t.Error(err)
		}
	}
	_, err := pipeline.Train(t.Context(), r, pipeline.Options{On: logged(cancelAt{"float 1/2", replace})})
	if err == nil || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("error %v, want that the folder was replaced", err)
	}
	if files, _ := os.ReadDir(r.Out); len(files) > 0 {
		t.Errorf("the run wrote %s in the folder of another", files[0].Name())
	}
}
