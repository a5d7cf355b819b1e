// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qat"
)

// TestInitOfAQuantizedCheckpoint sets the ranges anew, and says so: those of a checkpoint
// that are far too wide are not to be found in what is trained from it.
func TestInitOfAQuantizedCheckpoint(t *testing.T) {
	first := trained(t, small(t, "float.epochs=1", "qat.epochs=1", "qat.batchnorm_freeze=0"))
	pool := graph.NewPool(1)
	defer pool.Close()
	open := func(s *pipeline.Summary) *pipeline.Restored {
		r, err := pipeline.Open(filepath.Join(s.Folder, "checkpoint-best.safetensors"), 1, pool)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const wide = 1000
	before := open(first)
	for _, u := range before.Network.Units {
		if q, ok := u.Output.Quantizer.(qat.Ranged); ok {
			q.SetRange(0, wide)
		}
	}
	init := filepath.Join(t.TempDir(), "wide.safetensors")
	if err := before.Capture().Write(init); err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	s, err := pipeline.Train(t.Context(), small(t, "init="+init, "qat.epochs=1", "qat.batchnorm_freeze=0"), pipeline.Options{On: logged(&log)})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), init+" is of the quantized phase: only its weights and statistics are taken, all ranges are set anew") {
		t.Errorf("it says %q", log.String())
	}
	if s.Accuracy.Float != nil {
		t.Errorf("accuracies %+v: weights that were learned to be rounded are no float network", s.Accuracy)
	}
	for _, u := range open(s).Network.Units {
		if q, ok := u.Output.Quantizer.(qat.Ranged); ok {
			if k := q.Quantization(); k.Scale*float32(k.Hi-k.ZeroPoint) > wide/2 {
				t.Errorf("the range of %s reaches to %v", u.Name, k.Scale*float32(k.Hi-k.ZeroPoint))
			}
		}
	}
}

// TestUnreadFloatEpochs says that epochs given for the float phase are not trained where init is quantized as it is.
func TestUnreadFloatEpochs(t *testing.T) {
	few := []string{"model={name: mlp, width: 0.1}", "data.train_limit=64", "data.test_limit=8", "qat.epochs=1", "qat.method=int"}
	first := trained(t, small(t, append(few, "float.epochs=1")...))
	few = append(few, "init="+filepath.Join(first.Folder, "checkpoint-float.safetensors"))
	for _, c := range []struct {
		settings []string
		want     bool
	}{{[]string{"float.epochs=2"}, true}, {[]string{"float.epochs=0"}, false}, {nil, false}, {[]string{"float.epochs=1", "transfer.head=keep"}, false}} {
		r, choice := choosing(t, append(few, c.settings...)...)
		if _, log := told(t, r, pipeline.Options{Choice: choice}); strings.Contains(log, "float.epochs is not read") != c.want {
			t.Errorf("%v: it says\n%s", c.settings, log)
		}
	}
}
