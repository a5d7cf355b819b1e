// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// choosing returns the defaults with settings, and a choice of all else.
func choosing(t *testing.T, settings ...string) (*recipe.Recipe, *pipeline.Choice) {
	t.Helper()
	r, c := recipe.Default(), &pipeline.Choice{}
	for _, s := range append(settings, "out="+filepath.Join(t.TempDir(), "run")) {
		if err := r.Set(s); err != nil {
			t.Fatal(err)
		}
		key, _, _ := strings.Cut(s, "=")
		c.Given = append(c.Given, key)
	}
	return r, c
}

// told trains and returns the summary and what was told.
func told(t *testing.T, r *recipe.Recipe, o pipeline.Options) (*pipeline.Summary, string) {
	t.Helper()
	var log bytes.Buffer
	o.On = logged(&log)
	s, err := pipeline.Train(t.Context(), r, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	return s, log.String()
}

// again trains by the config.yaml of a run and wants the bytes of its model.
func again(t *testing.T, folder string) {
	t.Helper()
	r, err := recipe.Load(filepath.Join(folder, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	r.Out = filepath.Join(t.TempDir(), "again")
	trained(t, r)
	if !bytes.Equal(read(t, folder, "model.qmodel"), read(t, r.Out, "model.qmodel")) {
		t.Error("config.yaml does not repeat the run")
	}
}

// TestChosenForTheSet trains on photographs, recordings and a table without a word more.
// What is chosen is told, trains, is in config.yaml, and is found in the checkpoint by who
// trains on from it.
func TestChosenForTheSet(t *testing.T) {
	t.Parallel()
	recordings := filepath.Join(t.TempDir(), "recordings")
	motions(t, recordings, 20)
	rows := filepath.Join(t.TempDir(), "rows.csv")
	var table strings.Builder
	table.WriteString("a,b,c,label\n")
	for i := range 60 {
		fmt.Fprintf(&table, "%d,%d,%d,%s\n", i%7, i%2*10+i%5, i%3, []string{"no", "yes"}[i%2])
	}
	if err := os.WriteFile(rows, []byte(table.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, data, network string }{
		{"photographs", shades(t, "dark", "grey", "light"), "lenet-norm"}, {"recordings", recordings, "pooled"}, {"rows", rows, "mlp"},
	} {
		r, choice := choosing(t, "data.name="+c.data, "float.epochs=2", "qat.epochs=1")
		s, log := told(t, r, pipeline.Options{Choice: choice})
		if s.Model != c.network || s.WeightBits != 8 || s.Method != "int" || s.Verify.IntegerMismatches != 0 {
			t.Errorf("%s: %s, %s, %d bits, %+v", c.name, s.Model, s.Method, s.WeightBits, *s.Verify)
		}
		for _, want := range []string{"chosen: network " + c.network, "chosen: 8 bits"} {
			if !strings.Contains(log, want) {
				t.Errorf("%s: %q is not told:\n%s", c.name, want, log)
			}
		}
		if strings.Contains(log, "blank") { // nor are rows of one position
			t.Errorf("%s: told to be blank:\n%s", c.name, log)
		}
		again(t, r.Out)
		on, choice := choosing(t, "data.name="+c.data, "qat.epochs=1", "init="+filepath.Join(r.Out, "checkpoint-float.safetensors"), "qat.method=lsq", "qat.weight_bits=4", "qat.activation_bits=4")
		if s, log := told(t, on, pipeline.Options{Choice: choice}); s.Model != c.network || s.Method != "lsq" || !strings.Contains(log, "that of the checkpoint") {
			t.Errorf("%s from its float network: %s, %s\n%s", c.name, s.Model, s.Method, log)
		}
	}
}

// TestNamedSetsAreNotChosenFor wants the quick start to stay what it is.
func TestNamedSetsAreNotChosenFor(t *testing.T) {
	t.Parallel()
	r := small(t)
	before := *r
	if _, log := told(t, r, pipeline.Options{Choice: &pipeline.Choice{}}); strings.Contains(log, "chosen") || r.Batch != before.Batch || r.Float.Epochs != before.Float.Epochs {
		t.Errorf("chosen for a named set:\n%s", log)
	}
}

// TestTime gives a training a second: the epochs are planned, told, and in config.yaml,
// which repeats the run without measuring anything.
func TestTime(t *testing.T) {
	t.Parallel()
	r := small(t, "data.train_limit=200", "float.epochs=4", "qat.epochs=4")
	_, log := told(t, r, pipeline.Options{Time: time.Second})
	if !strings.Contains(log, fmt.Sprintf("%d quantized, of steps of", r.QAT.Epochs)) || r.QAT.Epochs != r.Float.Epochs {
		t.Errorf("%d and %d epochs, told:\n%s", r.Float.Epochs, r.QAT.Epochs, log)
	}
	kept, err := recipe.Load(filepath.Join(r.Out, "config.yaml"))
	if err != nil || kept.QAT.Epochs != r.QAT.Epochs || kept.Float.Epochs != r.Float.Epochs {
		t.Errorf("config.yaml has %d and %d epochs, %v", kept.Float.Epochs, kept.QAT.Epochs, err)
	}
	again(t, r.Out)
	if _, err := pipeline.Train(t.Context(), small(t), pipeline.Options{Time: time.Millisecond}); err == nil {
		t.Error("a millisecond is time enough")
	}
}

// TestFindRate wants rates that rise, the same twice, one that trains, and no folder.
func TestFindRate(t *testing.T) {
	t.Parallel()
	for _, settings := range [][]string{{"batch=16"}, {"batch=16", "float.epochs=0"}} {
		r := small(t, settings...)
		test, err := pipeline.FindRate(t.Context(), r, pipeline.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(test.Steps); n < 30 || test.Steps[0].Rate > 1e-4 || test.Steps[n-1].Rate < 0.1 {
			t.Errorf("%v: %d steps from %v to %v", settings, n, test.Steps[0], test.Steps[n-1])
		}
		if test.Suggested < 1e-3 || test.Suggested > 1 || (test.Phase == "qat") != (r.Float.Epochs == 0) {
			t.Errorf("%v: suggests %s.lr=%v", settings, test.Phase, test.Suggested)
		}
		same, err := pipeline.FindRate(t.Context(), r, pipeline.Options{})
		if err != nil || fmt.Sprint(*same) != fmt.Sprint(*test) {
			t.Errorf("%v: another outcome: %v", settings, err)
		}
		if _, err := os.Stat(r.Out); err == nil {
			t.Errorf("%v: there is a run folder", settings)
		}
	}
}
