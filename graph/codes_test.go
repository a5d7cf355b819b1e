// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/internal/kernel"
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
	}{{true, "", 5}, {true, "a3", 4}, {false, "", 0}, {true, "", 5}} {
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
