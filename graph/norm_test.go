// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
)

// TestPowerOfTwoNormGradients takes the factor that makes γ/σ a power of two for
// a constant, with statistics of the batch and with frozen ones.
func TestPowerOfTwoNormGradients(t *testing.T) {
	const c = 5
	for _, frozen := range []bool{false, true} {
		checkPass(t, graph.Pass{Quantize: true, FreezeNorm: frozen}, func(g *graph.Graph, rng *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 4, 3, c)
			n := g.Norm("bn", c)
			n.PowerOfTwo = true
			for i := range c {
				n.Variance[i] = float32(0.1 + 3*rng.Float64())
			}
			return normalized(g, "y", x, n), func(v graphtest.Values) graphtest.Tensor {
				gamma := make([]float64, c)
				for i := range gamma {
					exact := float64(n.Gamma.Value[i]) / n.Sigma(i)
					gamma[i] = v["bn.gamma"][i] * n.Gain(i) / exact
				}
				if frozen {
					return xr(v).Normalize(gamma, v["bn.beta"], graphtest.Widen(n.Mean), graphtest.Widen(n.Variance), float64(n.Epsilon))
				}
				return xr(v).BatchNorm(gamma, v["bn.beta"], float64(n.Epsilon))
			}
		})
	}
}

func TestGain(t *testing.T) {
	n := graph.New(1, graph.NewPool(1)).Norm("n", 4)
	copy(n.Gamma.Value, []float32{3, -0.3, 0, 1e-30})
	copy(n.Variance, []float32{4, 0.01, 1, 0})
	for c, want := range []float64{3 / n.Sigma(0), float64(n.Gamma.Value[1]) / n.Sigma(1), 0, float64(n.Gamma.Value[3]) / n.Sigma(3)} {
		n.PowerOfTwo = false
		if got := n.Gain(c); got != want {
			t.Errorf("channel %d: the gain is %v, want %v", c, got, want)
		}
		n.PowerOfTwo = true
		got := n.Gain(c)
		if f, _ := math.Frexp(got); got != 0 && math.Abs(f) != 0.5 || got == 0 && want != 0 || want != 0 && math.Abs(math.Log2(got/want)) > 0.5 {
			t.Errorf("channel %d: the gain is %v for %v", c, got, want)
		}
	}
}

// TestAbsorb has a normalization restricted to powers of two compute what it did
// without.
func TestAbsorb(t *testing.T) {
	const channels, size = 6, 9
	rng := rand.New(rand.NewPCG(1, 2))
	n := graph.New(1, graph.NewPool(1)).Norm("n", channels)
	w, x := make([]float32, channels*size), make([]float64, size)
	graphtest.Randomize(w, 0.1, rng)
	for i := range x {
		x[i] = rng.NormFloat64()
	}
	for c := range channels {
		n.Gamma.Value[c], n.Mean[c] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
		n.Variance[c] = float32(0.01 + rng.Float64())
	}
	n.Gamma.Value[2] = 0
	results := func() (y [channels]float64) {
		for c := range y {
			for i, v := range x {
				y[c] += v * float64(w[c*size+i])
			}
			y[c] = n.Gain(c) * (y[c] - float64(n.Mean[c]))
		}
		return y
	}
	want := results()
	n.PowerOfTwo = true
	for range 2 { // the second time nothing is left to absorb
		n.Absorb(w)
		for c, y := range results() {
			if math.Abs(y-want[c]) > 1e-5*(1+math.Abs(want[c])) {
				t.Errorf("channel %d gives %v, want %v", c, y, want[c])
			}
			if exact := float64(n.Gamma.Value[c]) / n.Sigma(c); exact != 0 && math.Abs(n.Gain(c)/exact-1) > 1e-6 {
				t.Errorf("channel %d: γ/σ is %v, not the power of two %v", c, exact, n.Gain(c))
			}
		}
	}
}

// normalized adds a batch normalization alone.
func normalized(g *graph.Graph, name string, x *graph.Node, n *graph.Norm) *graph.Node {
	return g.Epilogue(name, graph.Epilogue{Terms: []graph.Term{{X: x, Norm: n}}})
}
