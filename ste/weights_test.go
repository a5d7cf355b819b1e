// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/ste"
)

// tripled is a quantizer whose numbers tell what was called: twice the weights
// plus a learned value, gradients 3 and 5 times dy.
type tripled struct{ learned *graph.Param }

func (q tripled) Params() []*graph.Param { return []*graph.Param{q.learned} }

func (q tripled) Forward(dst, w []float32) {
	for i, v := range w {
		dst[i] = 2*v + q.learned.Value[0]
	}
}

func (q tripled) Backward(dw, _, dy []float32, grad [][]float32) {
	grad[0][0] = 0
	for i, d := range dy {
		dw[i] = 3 * d
		grad[0][0] += 5 * d
	}
}

func (q tripled) Integers(codes []int16, w []float32) []float32 {
	for i := range w {
		codes[i] = int16(300 - 7*i)
	}
	return []float32{1}
}

func TestWeightsOp(t *testing.T) {
	const in = 4
	pool := kernel.NewPool(1)
	rng := rand.New(rand.NewPCG(1, 2))
	g := graph.New(2, pool)
	w := g.Param("w", graph.Weights, graphtest.Outputs, in)
	q := tripled{g.Param("learned", graph.Clips, 1)}
	q.learned.Value[0] = 0.5
	graphtest.Randomize(w.Value, 1, rng)
	x := g.Input(1, 1, in)
	// The image picks the first of each output's weights.
	if err := g.Finish(g.Linear("fc", x, ste.Weights(g, "fc.quantize", w, q)), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	if err := g.Feed([]int32{0}, func(x []float32) { copy(x, []float32{1, 0, 0, 0}) }); err != nil {
		t.Fatal(err)
	}
	var pass graph.Pass
	logits := func(mode graph.Mode) []float32 {
		t.Helper()
		if err := g.Forward(pass.In(mode)); err != nil {
			t.Fatal(err)
		}
		return g.Logits()
	}
	step := func() (dw []float32, learned float32) {
		t.Helper()
		if _, err := g.Step(pass); err != nil {
			t.Fatal(err)
		}
		return w.Grad, q.learned.Grad[0]
	}
	for o, v := range logits(graph.Eval) {
		if v != w.Value[o*in] {
			t.Errorf("without quantization weight %d is %v, want %v", o, v, w.Value[o*in])
		}
	}
	dw, learned := step()
	plain := append([]float32(nil), dw...)
	if learned != 0 || plain[0] >= 0 || plain[in] <= 0 {
		t.Errorf("without quantization the gradients are %v and %v", plain, learned)
	}

	// The same logits, so the same gradient after the quantizer.
	pass.Quantize = true
	for i := range w.Value {
		w.Value[i] = (w.Value[i] - q.learned.Value[0]) / 2
	}
	for o, v := range logits(graph.Eval) {
		if v != 2*w.Value[o*in]+0.5 {
			t.Errorf("quantized weight %d is %v, want %v", o, v, 2*w.Value[o*in]+0.5)
		}
	}
	dw, learned = step()
	var sum float64
	for i := range dw {
		sum += float64(plain[i])
		if d := dw[i] - 3*plain[i]; d > 1e-6 || d < -1e-6 {
			t.Errorf("gradient %d is %v, want %v", i, dw[i], 3*plain[i])
		}
	}
	if d := float64(learned) - 5*sum; d > 1e-6 || d < -1e-6 {
		t.Errorf("the learned value's gradient is %v, want %v", learned, 5*sum)
	}

	for o, v := range logits(graph.Integer) {
		if v != float32(300-7*in*o) {
			t.Errorf("in integers weight %d is %v, want %v", o, v, 300-7*in*o)
		}
	}

	w.Value[5] = nan
	for _, quantize := range []bool{false, true} {
		pass.Quantize = quantize
		if _, err := g.Step(pass); err == nil || !strings.Contains(err.Error(), "fc.quantize: weight 5 is not a number") {
			t.Errorf("a weight that is not a number: error %v", err)
		}
	}
}
