// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

// TestCodes: which tensors are codes follows the pass, and so does the memory of a step.
// That results do not follow it, TestExecutorAgreesWithTapeMachine shows: a TapeMachine
// knows real numbers alone.
func TestCodes(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	n := residual(t, 6, pool, true)
	measure := func(quantize bool, float string) (tensors, memory int) {
		n.pass.Quantize = quantize
		n.pass.Float = func(name string) bool { return name == float }
		n.batch(t, 1, 6)
		n.step(t)
		return n.Codes()
	}
	_, most := measure(false, "")
	for _, c := range []struct {
		quantize bool
		float    string
		want     int
	}{{true, "", 7}, {true, "a3", 6}, {false, "", 0}, {true, "", 7}} {
		tensors, memory := measure(c.quantize, c.float)
		if tensors != c.want || tensors > 0 && memory >= most {
			t.Errorf("quantized %v but %q: %d tensors are codes, want %d; %d numbers, %d in float", c.quantize, c.float, tensors, c.want, memory, most)
		}
	}
}

// TestCodesPassOnNaN: a training that diverges must be seen to, where a byte holds no NaN.
func TestCodesPassOnNaN(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	n := residual(t, 6, pool, true)
	n.batch(t, 1, 6)
	for _, p := range n.Params() {
		if p.Name == "n1.gamma" {
			p.Value[0] = float32(math.NaN())
		}
	}
	if loss := n.step(t); loss == loss {
		t.Errorf("the loss is %v, want NaN", loss)
	}
}

// TestCodesAreCarried: codes pass through whatever moves values, and the training, which
// keeps them, computes the logits of an evaluation, which runs on real numbers.
func TestCodesAreCarried(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	n := &subject{Graph: graph.New(3, pool)}
	b := builder{n, true}
	x := b.epilogue("a0", network.ReLU, graph.Term{X: b.conv("c0", n.Input(6, 6, 2), 8, geometry.Same(3, 1)), Bias: n.Param("b0", graph.Biases, 8)})
	x = n.Upsample("large", n.Select("chosen", x, []int{7, 0, 3, 3}), [2]int{2, 1})
	x = n.MaxPool("maximum", x, geometry.Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: geometry.All(1)})
	x = n.Concat("joined", x, n.Dropout("dropped", x, 0))
	x = b.epilogue("a1", network.Identity, graph.Term{X: x})
	x = b.conv("fc", n.Flatten("flat", x), classes, geometry.Valid(1, 1))
	if err := n.Finish(n.Activate("logits", x, network.Identity), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	for _, p := range n.Params() {
		if p.Group == graph.Weights {
			graphtest.Randomize(p.Value, 0.5, rand.New(rand.NewPCG(1, 2)))
		}
	}
	n.pass.Quantize = true
	n.batch(t, 1, 3)
	n.step(t)
	if tensors, _ := n.Codes(); tensors != 6 {
		t.Errorf("%d tensors are codes, want 6", tensors)
	}
	got := slices.Clone(n.Logits())
	if err := n.Forward(n.pass.In(graph.Eval)); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, n.Logits()) {
		t.Errorf("the logits are %v, evaluated %v", got, n.Logits())
	}
}

// TestEpiloguesInOnePass trains two copies of a network whose epilogues are of all forms
// that are encoded in one pass, one of them step after step, to the same bits.
func TestEpiloguesInOnePass(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	build := func(stepwise bool) *subject {
		n := &subject{Graph: graph.New(5, pool)}
		b := builder{n, true}
		conv := func(name string, x *graph.Node, out, size int) *graph.Node {
			return b.conv(name, x, out, geometry.Same(size, 1))
		}
		x := b.epilogue("a0", network.ReLU, graph.Term{X: conv("c0", n.Input(6, 6, 2), 16, 3), Norm: b.norm("n0", 16)})
		y := b.epilogue("a1", network.ReLU6, graph.Term{X: conv("c1", x, 16, 3), Bias: n.Param("b1", graph.Biases, 16)})
		x = b.epilogue("a2", network.ReLU, graph.Term{X: conv("c2", y, 16, 3), Norm: b.norm("n2", 16)}, graph.Term{X: x})
		y = b.epilogue("a3", network.Identity, graph.Term{X: x}, graph.Term{X: y})
		x = b.epilogue("a4", network.ReLU, graph.Term{X: conv("c4", y, 8, 3), Norm: b.norm("n4", 8)}, graph.Term{X: conv("s4", x, 8, 1), Norm: b.norm("m4", 8)})
		x = b.epilogue("a5", network.Identity, graph.Term{X: x})
		x = b.conv("fc", n.Flatten("flat", x), classes, geometry.Valid(1, 1))
		if err := n.Finish(n.Activate("logits", x, network.Identity), graph.CrossEntropy); err != nil {
			t.Fatal(err)
		}
		for _, q := range n.quantizers {
			q.stepwise = stepwise
		}
		r := rand.New(rand.NewPCG(1, 2))
		for _, p := range n.Params() {
			if p.Group == graph.Weights {
				graphtest.Randomize(p.Value, 0.5, r)
			}
		}
		n.pass.Quantize, n.pass.Observe = true, true
		return n
	}
	got, want := build(false), build(true)
	for step := range uint64(4) {
		for _, n := range []*subject{got, want} {
			n.batch(t, step, 5-int(step)%2)
			n.step(t)
		}
		if tensors, _ := got.Codes(); tensors < 6 {
			t.Errorf("%d tensors are codes, want 6 at least", tensors)
		}
		sameBits(t, "gradients", got.gradients(), want.gradients())
		for _, n := range []*subject{got, want} {
			n.descend(0.1)
		}
		sameBits(t, "state", got.state(), want.state())
	}
}
