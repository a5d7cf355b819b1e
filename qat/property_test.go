// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

// eachWidth runs a test for every method and width.
func eachWidth(t *testing.T, widths func(qat.Method) []int, test func(*testing.T, qat.Method, qat.Options)) {
	for _, m := range qat.Methods() {
		for _, bits := range widths(m) {
			for _, power := range []bool{false, true} {
				if power && !m.Info().PowersOfTwo {
					continue
				}
				t.Run(fmt.Sprintf("%s, %d bits, powers of two %v", m.Info().Name, bits, power), func(t *testing.T) {
					test(t, m, qat.Options{Bits: bits, PowerOfTwo: power, Size: 100})
				})
			}
		}
	}
}

func weightBits(m qat.Method) []int     { return m.Info().WeightBits }
func activationBits(m qat.Method) []int { return m.Info().ActivationBits }

// TestWeightProperties has greater weights of a filter at values that are not
// smaller, 0 at 0 where there is a code for it, and quantized weights where they
// are. The bases of abc make no staircase that rises everywhere; tanh squeezes
// what dorefa has squeezed once more.
func TestWeightProperties(t *testing.T) {
	eachWidth(t, weightBits, func(t *testing.T, m qat.Method, o qat.Options) {
		const channels, size = 3, 200
		rng := rand.New(rand.NewPCG(1, uint64(o.Bits)))
		w := make([]float32, channels*size)
		for i := range w {
			w[i] = float32(0.2 * rng.NormFloat64())
		}
		for c := range channels {
			w[c*size] = 0
			slices.Sort(w[c*size : (c+1)*size])
		}
		q := m.Weights(graph.New(1, graph.NewPool(1)), "w", o, []int{channels, size})
		q.Start(w)
		y := make([]float32, len(w))
		q.Forward(y, w)
		for c := range channels {
			if m.Info().Name != "abc" && !slices.IsSorted(y[c*size:(c+1)*size]) {
				t.Errorf("filter %d is not monotone", c)
			}
		}
		hasZero := o.Bits > 1 && q.Coding() != quant.Odd && q.Coding() != quant.Planes
		for i, v := range w {
			if v == 0 && hasZero && y[i] != 0 {
				t.Errorf("0 became %v", y[i])
			}
		}
		if m.Info().Name == "dorefa" && o.Bits > 1 || m.Info().Name == "abc" {
			return
		}
		again := make([]float32, len(w))
		q.Forward(again, y)
		for i, v := range again {
			if math.Abs(float64(v-y[i])) > 1e-6*math.Abs(float64(y[i])) {
				t.Fatalf("%v became %v, and %v the second time", w[i], y[i], v)
			}
		}
	})
}

// TestActivationsAreMonotone has greater values at values that are not smaller.
func TestActivationsAreMonotone(t *testing.T) {
	eachWidth(t, activationBits, func(t *testing.T, m qat.Method, o qat.Options) {
		for _, signed := range []bool{false, true} {
			o.Signed = signed
			rng := rand.New(rand.NewPCG(2, uint64(o.Bits)))
			x := make([]float32, 999)
			for i := range x {
				x[i] = float32(2 * rng.NormFloat64())
				if !signed {
					x[i] = max(0, x[i])
				}
			}
			slices.Sort(x)
			a := m.Activation(graph.New(1, graph.NewPool(1)), "x", o)
			a.Observe(&graph.Run{Pass: graph.Pass{Calibrate: true}}, statsOf(x))
			a.Begin(&graph.Run{})
			y := make([]float32, len(x))
			if a.Forward(y, x); !slices.IsSorted(y) {
				t.Errorf("signed %v: not monotone", signed)
			}
		}
	})
}

// TestLearnedParametersStayInTheirDomain steps with gradients and learning rates
// of any size, through infinities and what is not a number: scales stay positive
// and finite, zero points within the codes, 0 at 0.
func TestLearnedParametersStayInTheirDomain(t *testing.T) {
	disturb := func(rng *rand.Rand, i int, params []*graph.Param) {
		for _, p := range params {
			for k := range p.Value {
				step := float32(math.Exp2(float64(rng.IntN(300)-150)) * rng.NormFloat64())
				switch i % 50 {
				case 0:
					step = inf
				case 1:
					step = -inf
				case 2:
					step = nan
				case 3:
					step = -math.MaxFloat32
				}
				p.Value[k] -= step
			}
		}
	}
	eachWidth(t, weightBits, func(t *testing.T, m qat.Method, o qat.Options) {
		rng := rand.New(rand.NewPCG(3, uint64(o.Bits)))
		q := m.Weights(graph.New(1, graph.NewPool(1)), "w", o, []int{2, 3})
		w := []float32{1, -0.5, 0, 0.25, 0.75, -1}
		q.Start(w)
		for i := range 500 {
			disturb(rng, i, q.Params())
			q.Constrain(w)
			for _, s := range q.Integers(make([]int16, len(w)), w) {
				if !(s > 0 || q.Coding() == quant.Planes) || s != s || s > math.MaxFloat32 {
					t.Fatalf("a scale is %v", s)
				}
			}
		}
	})
	eachWidth(t, activationBits, func(t *testing.T, m qat.Method, o qat.Options) {
		o.Signed = o.Bits%2 == 0
		rng := rand.New(rand.NewPCG(4, uint64(o.Bits)))
		a := m.Activation(graph.New(1, graph.NewPool(1)), "x", o)
		for i := range 500 {
			disturb(rng, i, a.Params())
			a.Constrain()
			u := a.Quantization()
			if !(u.Scale > 0) || u.Scale > math.MaxFloat32 || u.ZeroPoint < u.Lo || u.ZeroPoint > u.Hi {
				t.Fatalf("quantization %+v", u)
			}
			x := []float32{-1e30, -1, 0, 1, 1e30}
			a.Begin(&graph.Run{})
			a.Forward(x, x)
			_, signs := a.(qat.Signs)
			for k, v := range x {
				if v-v != 0 || k == 2 && v != 0 && !signs {
					t.Fatalf("values %v of %+v", x, u)
				}
			}
		}
	})
}
