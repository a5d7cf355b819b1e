// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
)

// resume goes on with a run and returns what it told and its error.
func resume(t *testing.T, folder string, accept bool) (string, error) {
	t.Helper()
	r, err := pipeline.LoadRun(folder)
	if err != nil {
		return "", err
	}
	var log strings.Builder
	_, err = pipeline.Train(t.Context(), r, pipeline.Options{Resume: true, AcceptChanges: accept, On: logged(&log)})
	return log.String(), err
}

// rename moves a file or fails the test.
func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestResumeNamesWhatChanged changes the data, the recipe or the kernels of a run: it
// stops with the name of the change and leaves the run as it was, unless the changes
// are accepted. Without a change it goes on.
func TestResumeNamesWhatChanged(t *testing.T) {
	for _, c := range []struct {
		name, want string
		change     func(t *testing.T, data, folder string)
	}{
		{"nothing", "", func(*testing.T, string, string) {}},
		{"an image is added", "the data has changed", func(t *testing.T, data, _ string) {
			if err := os.WriteFile(filepath.Join(data, "a", "new.png"), read(t, data, "b/0.png"), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"two labels are swapped", "the data has changed", func(t *testing.T, data, _ string) {
			rename(t, filepath.Join(data, "a", "3.png"), filepath.Join(data, "kept.png"))
			rename(t, filepath.Join(data, "b", "3.png"), filepath.Join(data, "a", "3.png"))
			rename(t, filepath.Join(data, "kept.png"), filepath.Join(data, "b", "3.png"))
		}},
		{"config.yaml is edited", "batch: 3, was 4", func(t *testing.T, _, folder string) {
			edited := strings.Replace(string(read(t, folder, "config.yaml")), "\nbatch: 4\n", "\nbatch: 3\n", 1)
			if err := os.WriteFile(filepath.Join(folder, "config.yaml"), []byte(edited), 0o644); err != nil {
				t.Fatal(err)
			}
		}},
		{"other kernels", "other kernels compute: portable", func(t *testing.T, _, _ string) {
			before := kernel.SetTier(kernel.Portable)
			if before == kernel.Portable {
				t.Skip("this processor has one kind of kernels")
			}
			t.Cleanup(func() { kernel.SetTier(before) })
		}},
		{"tiles of AMX", "other kernels compute: amx, was ", func(t *testing.T, _, _ string) { t.Cleanup(kernel.EmulateTiles()) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := shades(t, "a", "b")
			folder := trained(t, small(t, "model=mlp", "float.epochs=1", "qat.epochs=1", "batch=4", "data.name="+data)).Folder
			c.change(t, data, folder)
			config, model := read(t, folder, "config.yaml"), read(t, folder, "model.qmodel")
			_, err := resume(t, folder, false)
			if c.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, pipeline.ErrChanges) {
				t.Errorf("error %v, want %q", err, c.want)
			}
			if string(config) != string(read(t, folder, "config.yaml")) || string(model) != string(read(t, folder, "model.qmodel")) {
				t.Error("the refused run has changed files")
			}
			if log, err := resume(t, folder, true); err != nil || !strings.Contains(log, c.want) {
				t.Errorf("accepted: error %v, told:\n%s", err, log)
			}
		})
	}
}
