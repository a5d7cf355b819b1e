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
