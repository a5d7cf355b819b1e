// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

// scaledAlike wants the gradients d, made with δ, to be those of plain scaled by where each value lies, in steps
// from its code. learned are the gradients by learned parameters, which stay.
func scaledAlike(t *testing.T, delta float64, plain, d []float32, off func(i int) float64) {
	t.Helper()
	changed := 0
	for i, g := range plain {
		u := off(i)
		if math.Abs(math.Abs(u)-0.5) < 1e-3 { // either code
			continue
		}
		want := float64(g) * (1 + delta*math.Copysign(u, u*float64(g)))
		if math.Abs(float64(d[i])-want) > 1e-4*math.Abs(float64(g)) {
			t.Fatalf("the gradient %v at %v steps from its code becomes %v, want %v", g, u, d[i], want)
		}
		if d[i] != g {
			changed++
		}
	}
	if changed == 0 {
		t.Error("no gradient changed")
	}
}

// TestEWGSOfMethods compares every method with itself without δ.
func TestEWGSOfMethods(t *testing.T) {
	const delta, channels, size = 0.7, 2, 400
	rng := rand.New(rand.NewPCG(1, 2))
	for _, m := range append(qat.Methods(), qat.Int{FixedRanges: true}) {
		if !m.Info().EWGS {
			continue
		}
		for _, bits := range []int{2, 4} {
			t.Run(m.Info().Name, func(t *testing.T) {
				w, dy := make([]float32, channels*size), make([]float32, channels*size)
				for i := range w {
					w[i], dy[i] = float32(0.2*rng.NormFloat64()), float32(rng.NormFloat64())
				}
				ewgsOfWeights(t, m, bits, delta, w, dy)
				for i := range w {
					w[i] *= 3
				}
				ewgsOfTensor(t, m, bits, delta, w, dy)
			})
		}
	}
}

func ewgsOfWeights(t *testing.T, m qat.Method, bits int, delta float64, w, dy []float32) {
	t.Helper()
	var d, learned [2][]float32
	var codes []int16
	var scales []float32
	coding := quant.Narrow
	for k, by := range []float64{0, delta} {
		q := m.Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: bits, Norm: true, EWGS: by}, []int{2, len(w) / 2})
		q.Start(w)
		q.Forward(make([]float32, len(w)), w)
		var grad [][]float32
		for _, p := range q.Params() {
			grad = append(grad, make([]float32, len(p.Value)))
		}
		d[k] = make([]float32, len(w))
		q.Backward(d[k], w, dy, grad)
		for _, g := range grad {
			learned[k] = append(learned[k], g...)
		}
		codes = make([]int16, len(w))
		scales, coding = q.Integers(codes, w), q.Coding()
	}
	if !slices.Equal(learned[0], learned[1]) {
		t.Errorf("gradients by what weights learn are %v, without δ %v", learned[1], learned[0])
	}
	most := 0.0
	for _, v := range w {
		most = max(most, math.Abs(math.Tanh(float64(v))))
	}
	scaledAlike(t, delta, d[0], d[1], func(i int) float64 {
		if coding == quant.Odd { // levels are 2q − n
			n := math.Exp2(float64(bits)) - 1
			return (n*math.Tanh(float64(w[i]))/most - float64(codes[i])) / 2
		}
		return float64(w[i]/scales[i*len(scales)/len(w)]) - float64(codes[i])
	})
}

func ewgsOfTensor(t *testing.T, m qat.Method, bits int, delta float64, x, dy []float32) {
	t.Helper()
	var d [2][]float32
	var learned [2][]float64
	var q qat.Quantization
	for k, by := range []float64{0, delta} {
		a := m.Activation(graph.New(1, graph.NewPool(1)), "x", qat.Options{Bits: bits, Signed: true, Size: 100, EWGS: by})
		a.Observe(&graph.Run{Pass: graph.Pass{Observe: true, Calibrate: true}}, statsOf(x))
		a.Begin(&graph.Run{})
		d[k], learned[k] = make([]float32, len(x)), make([]float64, 2)
		a.Backward(d[k], x, dy, learned[k])
		q = a.Quantization()
	}
	if !slices.Equal(learned[0], learned[1]) {
		t.Errorf("gradients by what a tensor learns are %v, without δ %v", learned[1], learned[0])
	}
	scaledAlike(t, delta, d[0], d[1], func(i int) float64 {
		u := float64(x[i] / q.Scale)
		return u - math.RoundToEven(u)
	})
}

// TestEWGSIsRefused names the method that has no gradient to scale, and of what.
func TestEWGSIsRefused(t *testing.T) {
	for _, c := range []struct {
		policy qat.Policy
		want   string
	}{
		{qat.Policy{Method: qat.LSQ{}, WeightBits: 2, ActivationBits: 2}, ""},
		{qat.Policy{Method: qat.LSQ{}, WeightBits: 2, ActivationBits: qat.FloatBits}, ""},
		{qat.Policy{Method: qat.TWN{}, WeightBits: 2, ActivationBits: 8}, "method twn has no rounding of weights"},
		{qat.Policy{Method: qat.Int{}, Weights: qat.INQ{}, WeightBits: 5, ActivationBits: 8}, "method inq has no rounding of weights"},
		{qat.Policy{Method: qat.BNN{}, Weights: qat.Int{}, WeightBits: 8, ActivationBits: 1}, "method bnn has no rounding of activations"},
		{qat.Policy{Method: qat.DoReFa{}, WeightBits: 1, ActivationBits: 2}, "weights of one bit"},
		{qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8, Online: true}, "online ranges cannot be scaled"},
	} {
		c.policy.EWGS = 0.1
		_, err := c.policy.Layer("conv2", qat.Position{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: error %v, want %q", c.policy, err, c.want)
		}
	}
}
