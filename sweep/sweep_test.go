// SPDX-License-Identifier: Apache-2.0

package sweep_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/share"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/sweep"
	"github.com/goqat/goqat/table"
)

const grid = `
model: {name: lenet, width: 0.1}
data: {name: fashion-sample, train_limit: 320, test_limit: 100}
float: {epochs: 1}
qat: {epochs: 1, method: [pact, lsq], batchnorm_freeze: 1}
seed: [1, 2]
`

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bits.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, file string, o sweep.Options) []*sweep.Training {
	t.Helper()
	list, err := sweep.Read(file, o)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func states(list []*sweep.Training) (s []string) {
	for _, t := range list {
		s = append(s, t.State)
	}
	return s
}

// Parts make the grid, each training once; one that is interrupted goes on to the same
// model; what is done is left alone; the table has a row for each method.
func TestSweep(t *testing.T) {
	t.Parallel()
	file, out, whole := write(t, grid), t.TempDir(), t.TempDir()
	var folders []string
	for _, run := range read(t, file, sweep.Options{Out: out}) {
		folders = append(folders, filepath.Base(run.Folder))
	}
	if want := []string{"pact-1", "pact-2", "lsq-1", "lsq-2"}; !slices.Equal(folders, want) {
		t.Fatalf("%v, not %v", folders, want)
	}
	one := sweep.Options{Out: out, Part: share.Part{Index: 1, Of: 2}}
	ctx, cancel := context.WithCancel(t.Context())
	list := read(t, file, one)
	err := sweep.Train(ctx, list, func(e pipeline.Event) {
		if s, ok := e.(pipeline.Step); ok && s.Batch == 2 {
			cancel()
		}
	}, nil)
	if !errors.Is(err, context.Canceled) || !slices.Equal(states(list), []string{sweep.Begun, sweep.ToDo}) {
		t.Fatal(err, states(list))
	}
	if list = read(t, file, one); !slices.Equal(states(list), []string{sweep.Begun, sweep.ToDo}) {
		t.Fatal(states(list))
	}
	if err := sweep.Train(t.Context(), list, nil, nil); err != nil || !slices.Equal(states(list), []string{sweep.Done, sweep.Done}) || list[0].Accuracy == nil {
		t.Fatal(err, states(list))
	}
	var begun []string
	all := read(t, file, sweep.Options{Out: out})
	if err := sweep.Train(t.Context(), all, nil, func(i int, r *sweep.Training) { begun = append(begun, fmt.Sprint(i, r.State)) }); err != nil {
		t.Fatal(err)
	}
	if want := []string{"0to do", "2to do"}; !slices.Equal(begun, want) {
		t.Errorf("%v were trained, not %v", begun, want)
	}
	again := read(t, file, sweep.Options{Out: whole, Set: []string{"threads=1"}})[1:2]
	if err := sweep.Train(t.Context(), again, nil, nil); err != nil {
		t.Fatal(err)
	}
	a, err := os.ReadFile(filepath.Join(out, "pact-2", "model.qmodel"))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(whole, "pact-2", "model.qmodel")); err != nil || !bytes.Equal(a, b) {
		t.Errorf("the run that was interrupted has another model: %v", err)
	}
	lines, err := table.Read(out, nil)
	if err != nil || len(lines) != 2 || lines[0].Name != "lsq" || len(lines[1].Seeds) != 2 {
		t.Errorf("%+v, %v", lines, err)
	}
	other := write(t, strings.Replace(grid, "0.1", "0.2", 1))
	if _, err := sweep.Read(other, sweep.Options{Out: out}); err == nil || !strings.Contains(err.Error(), "pact-1 holds a training of another recipe: model.width: 0.2, was 0.1") {
		t.Error(err)
	}
}

// A training that fails is named, and the others are done; one in a folder that another
// process holds is left to it. Wrong recipes are refused before anything is trained.
func TestFailures(t *testing.T) {
	t.Parallel()
	out := t.TempDir()
	file := write(t, strings.NewReplacer("[1, 2]", "1", "[pact, lsq]", "pact", "fashion-sample", "[missing, fashion-sample]").Replace(grid))
	list := read(t, file, sweep.Options{Out: out})
	err := sweep.Train(t.Context(), list, nil, nil)
	if err == nil || !strings.Contains(err.Error(), "1 of 2 trainings failed") || !slices.Equal(states(list), []string{sweep.Failed, sweep.Done}) || !strings.Contains(list[0].Error, "missing") {
		t.Error(err, states(list))
	}
	if _, err := sweep.Read(file, sweep.Options{Set: []string{"data.name=cifar10"}}); err == nil || !strings.Contains(err.Error(), "data.name has a list in") {
		t.Error(err)
	}
	if _, err := sweep.Read(write(t, "{model: lenet-norm, seed: [1, 2]}"), sweep.Options{Out: out}); err == nil || !strings.Contains(err.Error(), `there is no network "lenet-norm"`) {
		t.Error(err)
	}
	if _, err := sweep.Read(write(t, "qat: {lr: [0.1, -1]}"), sweep.Options{Out: out}); err == nil || !strings.Contains(err.Error(), "qat.lr") {
		t.Error(err)
	}
}
