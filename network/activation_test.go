// SPDX-License-Identifier: Apache-2.0

package network_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/network"
)

// TestActivations has values of PyTorch 2.9 in float64 (torch.nn.functional: hardswish,
// hardsigmoid, sigmoid, silu, leaky_relu of slope 0.1).
func TestActivations(t *testing.T) {
	for _, c := range []struct {
		a     network.Activation
		slope float64
		want  [5]float64 // of -4, -1, 0.5, 2, 7
	}{
		{network.ReLU, 0, [5]float64{0, 0, 0.5, 2, 7}},
		{network.ReLU6, 0, [5]float64{0, 0, 0.5, 2, 6}},
		{network.HardSwish, 0, [5]float64{0, -1.0 / 3, 0.2916666666666667, 5.0 / 3, 7}},
		{network.HardSigmoid, 1.0 / 6, [5]float64{0, 1.0 / 3, 0.5833333333333334, 5.0 / 6, 1}},
		{network.Sigmoid, 0, [5]float64{0.01798620996209156, 0.2689414213699951, 0.6224593312018546, 0.8807970779778823, 0.9990889488055994}},
		{network.SiLU, 0, [5]float64{-0.07194483984836623, -0.2689414213699951, 0.3112296656009273, 1.7615941559557646, 6.993622641639196}},
		{network.LeakyReLU, 0.1, [5]float64{-0.4, -0.1, 0.5, 2, 7}},
	} {
		for i, x := range []float64{-4, -1, 0.5, 2, 7} {
			if got := c.a.Value(x, c.slope); math.Abs(got-c.want[i]) > 1e-15 {
				t.Errorf("%v of %v is %v, want %v", c.a, x, got, c.want[i])
			}
			const h = 1e-6
			if got, want := c.a.Gradient(x, c.slope), (c.a.Value(x+h, c.slope)-c.a.Value(x-h, c.slope))/(2*h); math.Abs(got-want) > 1e-8 {
				t.Errorf("%v at %v rises by %v, want %v", c.a, x, got, want)
			}
			if c.a.Positive() && c.want[i] < 0 {
				t.Errorf("%v gives %v", c.a, c.want[i])
			}
		}
		if back, ok := network.ActivationNamed(c.a.String()); !ok || back != c.a {
			t.Errorf("%v is read as %v, %v", c.a, back, ok)
		}
	}
}
