// SPDX-License-Identifier: Apache-2.0

package sweep_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/goqat/goqat/sweep"
)

// recorder puts a program called name before all others that notes its arguments, and returns the file of the notes.
func recorder(t *testing.T, dir string, names ...string) string {
	t.Helper()
	notes := filepath.Join(dir, "notes")
	for _, name := range names {
		script := fmt.Sprintf("#!/bin/sh\necho \"%s $*\" >> %s\n", name, notes)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return notes
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Split(strings.TrimSpace(string(text)), "\n")
	slices.Sort(list)
	return list
}

// The scripts do every part of the grid, once each.
func TestScripts(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	notes := recorder(t, dir, "qat", "srun")
	run := func(env []string, args ...string) {
		t.Helper()
		c := exec.Command(bash, args...)
		c.Env = append(append(os.Environ(), "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH")), env...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	run(nil, "local.sh", "3")
	want := []string{"qat sweep grid.yaml --part 0/3 --set threads=1", "qat sweep grid.yaml --part 1/3 --set threads=1", "qat sweep grid.yaml --part 2/3 --set threads=1",
		"qat table runs/grid --csv grid.csv --chart grid.svg"}
	if got := lines(t, notes); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if err := os.Remove(notes); err != nil {
		t.Fatal(err)
	}
	run([]string{"SLURM_ARRAY_TASK_ID=5", "SLURM_ARRAY_TASK_COUNT=6", "SLURM_CPUS_PER_TASK=4"}, "slurm.sh")
	if got := lines(t, notes); !slices.Equal(got, []string{"srun --cpus-per-task=4 qat sweep grid.yaml --part 5/6 --set threads=4"}) {
		t.Errorf("%q", got)
	}
}

// The grid is one, and the job of Kubernetes has as many completions as parts.
func TestFiles(t *testing.T) {
	trainings, err := sweep.Read("grid.yaml", sweep.Options{Out: t.TempDir()})
	if err != nil || len(trainings) != 18 || filepath.Base(trainings[17].Folder) != "lsq-weight_bits2-3" {
		t.Fatalf("%d trainings, %v", len(trainings), err)
	}
	text, err := os.ReadFile("kubernetes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job struct {
		Spec struct {
			CompletionMode string `yaml:"completionMode"`
			Completions    int
			Template       struct {
				Spec struct{ Containers []struct{ Command []string } }
			}
		}
	}
	if err := yaml.Unmarshal(text, &job); err != nil {
		t.Fatal(err)
	}
	command := job.Spec.Template.Spec.Containers[0].Command
	if want := fmt.Sprintf("$(JOB_COMPLETION_INDEX)/%d", job.Spec.Completions); job.Spec.CompletionMode != "Indexed" || command[len(command)-1] != want {
		t.Errorf("%+v", job)
	}
}
