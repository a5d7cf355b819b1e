// SPDX-License-Identifier: Apache-2.0

package diagnose_test

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/diagnose"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qat"
)

// TestSumsNearOverflow has a layer whose sums take 31 bits, of 18,000 weights that
// all have the greatest code, and one that is half as wide.
func TestSumsNearOverflow(t *testing.T) {
	for _, c := range []struct {
		width int
		found bool
	}{{100, true}, {50, false}} {
		const height = 180
		pool := graph.NewPool(2)
		t.Cleanup(pool.Close)
		n, err := layers.Build(layers.Chain{layers.Flatten{}, layers.Linear{Name: "wide", Channels: 2}}, layers.Config{
			Input: layers.Input{Height: height, Width: c.width, Channels: 1, Params: layers.Normalized(0, 1)}, Classes: []string{"a", "b"}, Batch: 4, Pool: pool,
			Policy: qat.Policy{Method: qat.Int{FixedRanges: true}, WeightBits: 8, ActivationBits: 8, FirstLast: qat.FirstLastSame},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range n.Units[1].Weight.Value {
			n.Units[1].Weight.Value[i] = 0.01
		}
		split := datasets.Split{Images: make([]uint8, 4*height*c.width), Labels: []int32{0, 1, 0, 1}}
		for i := range split.Images {
			split.Images[i] = uint8(i)
		}
		if _, err := ptq.Quantize(t.Context(), n, split, ptq.Plan{}); err != nil {
			t.Fatal(err)
		}
		r, err := diagnose.Examine(t.Context(), diagnose.Subject{
			Network: n, Images: &pipeline.Images{Calibration: split, Validation: split, Test: split}, Commands: diagnose.Commands{Checkpoint: "float.safetensors"},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		found := slices.ContainsFunc(r.Findings, func(f diagnose.Finding) bool {
			return f.Cause == diagnose.Overflow && f.Where == "wide" && f.Evidence["bits"] >= 31
		})
		if found != c.found {
			t.Errorf("%d inputs: %+v", height*c.width, r.Findings)
		}
	}
}
