// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// TestEWGS compares with the formula as the paper has it, in the normalized values of the whole range: x from 0 to 1,
// levels of 1/n, and a δ that is n times as great.
func TestEWGS(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, delta := range []float64{0, 0.1, 1, 2} {
		for _, n := range []float64{1, 3, 15, 255} {
			const scale = 0.37
			x, dx := make([]float32, 1000), make([]float32, 1000)
			for i := range x {
				x[i] = float32(scale * n * rng.Float64())
				if dx[i] = float32(rng.NormFloat64()); i%10 == 0 {
					dx[i] = 0
				}
			}
			before := slices.Clone(dx)
			e := ste.EWGS{Delta: float32(delta)}
			e.Scale(dx, x, scale)
			for i, g := range before {
				normal := float64(x[i]/scale) / n
				level := math.RoundToEven(normal*n) / n
				want := float64(g) * (1 + delta*n*sign(g)*(normal-level))
				if math.Abs(float64(dx[i])-want) > (1e-5+delta*n*0x1p-23)*math.Abs(float64(g)) {
					t.Fatalf("δ %v, %v steps: the gradient %v at %v becomes %v, want %v", delta, n, g, x[i], dx[i], want)
				}
				if float64(dx[i])*float64(g) < 0 {
					t.Fatalf("the gradient %v changes its sign to %v", g, dx[i])
				}
			}
			if delta == 0 && !slices.Equal(dx, before) {
				t.Error("gradients change without δ")
			}
		}
	}
}

func sign(v float32) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return 0
}

// TestEWGSOfFormulas scales tensors with a scale for each channel, and the weights of DoReFa at their levels.
func TestEWGSOfFormulas(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const delta = 0.8
	w, dy := make([]float32, 300), make([]float32, 300)
	for i := range w {
		w[i], dy[i] = float32(0.3*rng.NormFloat64()), float32(rng.NormFloat64())
	}
	e := ste.EWGS{Delta: delta}
	a := &ste.Affine{Format: quant.Weight(3), Params: []quant.Params{{Scale: 0.1}, {Scale: 0.2}, {Scale: 0.5}}}
	got := slices.Clone(dy)
	e.ScaleAffine(got, w, a)
	for i, g := range dy {
		u := float64(w[i] / a.Params[i/100].Scale)
		if want := float64(g) * (1 + delta*sign(g)*(u-math.RoundToEven(u))); math.Abs(float64(got[i])-want) > 1e-5 {
			t.Fatalf("channel %d: the gradient %v at %v steps becomes %v, want %v", i/100, g, u, got[i], want)
		}
	}
	for _, bits := range []int{2, 4} {
		d := &ste.DoReFa{Bits: bits}
		most := 0.0
		for _, v := range w {
			most = max(most, math.Abs(math.Tanh(float64(v))))
		}
		d.Measure(w)
		d.Squeeze(make([]float32, len(w)), w, 0, 1)
		plain, scaled := make([]float32, 100), make([]float32, 100)
		d.Backward(plain, dy[100:200], 100, 1)
		d.Backward(scaled, dy[100:200], 100, 1)
		e.ScaleDoReFa(scaled, d, 100)
		for i, g := range plain {
			u := (math.Exp2(float64(bits)) - 1) * (math.Tanh(float64(w[100+i]))/most/2 + 0.5)
			if math.Abs(u-math.Floor(u)-0.5) < 1e-4 { // either code
				continue
			}
			if want := float64(g) * (1 + delta*sign(g)*(u-math.RoundToEven(u))); math.Abs(float64(scaled[i])-want) > 1e-4*math.Abs(float64(g)) {
				t.Fatalf("%d bits: the gradient %v at level %v becomes %v, want %v", bits, g, u, scaled[i], want)
			}
		}
	}
}
