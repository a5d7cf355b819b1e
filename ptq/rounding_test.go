// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestRoundingAgainstAllChoices compares, on layers of 12 weights, with the least
// error of all 4,096 roundings: never worse than to the nearest, and within 2 %
// of the least in 17 of 20 layers.
func TestRoundingAgainstAllChoices(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const n, layers = 12, 200
	close := 0
	for range layers {
		l := newLayer(rng, n, 40)
		q := make([]int16, n)
		gained := l.problem.Solve(q, l.w)
		got, nearest, least := l.loss(q), math.Inf(1), math.Inf(1)
		for choice := range 1 << n {
			p, near := make([]int16, n), true
			for i, v := range l.w {
				exact := float64(v) / l.problem.Scale
				code := math.Floor(exact) + float64(choice>>i&1)
				near = near && math.Abs(code-exact) <= 0.5
				p[i] = int16(min(max(code, float64(l.problem.Least)), float64(l.problem.Most)))
			}
			e := l.loss(p)
			least = min(least, e)
			if near {
				nearest = e
			}
		}
		if got > nearest*(1+1e-9) || math.Abs(nearest-got-gained) > 1e-6*nearest {
			t.Fatalf("error %v, to the nearest %v, said to gain %v", got, nearest, gained)
		}
		if got <= 1.02*least {
			close++
		}
	}
	if close < layers*17/20 {
		t.Errorf("%d of %d layers are within 2 %% of the least error", close, layers)
	}
}

// layer is a channel of random weights with inputs.
type layer struct {
	w       []float32
	x       [][]float64
	problem Rounding
}

func newLayer(rng *rand.Rand, n, inputs int) *layer {
	l := &layer{w: make([]float32, n), problem: Rounding{Scale: 0.3, Least: -7, Most: 7, H: make([]float64, n*n)}}
	for i := range l.w {
		l.w[i] = float32(rng.NormFloat64())
	}
	for range inputs {
		x := make([]float64, n)
		common := rng.NormFloat64()
		for i := range x {
			x[i] = math.RoundToEven(max(0, common+0.5*rng.NormFloat64())/0.1) * 0.1
		}
		for i := range x {
			for j := range x {
				l.problem.H[i*n+j] += x[i] * x[j]
			}
		}
		l.x = append(l.x, x)
	}
	return l
}

// loss is the sum over the inputs of the squared difference of the results.
func (l *layer) loss(q []int16) (sum float64) {
	for k := range l.x {
		d := 0.0
		for i, code := range q {
			d += (l.problem.Scale*float64(code) - float64(l.w[i])) * l.x[k][i]
		}
		sum += d * d
	}
	return sum
}
