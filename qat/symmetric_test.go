// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/qat"
)

// squareError is Σ (w − scale·clamp(RNE(w/scale)))², in float64.
func squareError(w []float32, scale, most float64) (sum float64) {
	for _, v := range w {
		x := float64(v)
		q := math.Min(math.Max(math.RoundToEven(x/scale), -most), most)
		sum += (x - scale*q) * (x - scale*q)
	}
	return sum
}

// weightsOf quantizes w, [channels, …], with "int".
func weightsOf(t *testing.T, w []float32, channels int, o qat.Options) (y []float32, codes []int16, scale []float32) {
	t.Helper()
	q := method(t, "int").Weights(nil, "w", o, []int{channels, len(w) / channels})
	y, codes = make([]float32, len(w)), make([]int16, len(w))
	q.Forward(y, w)
	scale = q.Integers(codes, w)
	for i, c := range codes {
		if y[i] != scale[i*len(scale)/len(w)]*float32(c) {
			t.Fatalf("weight %v has the code %d and the value %v at scale %v", w[i], c, y[i], scale)
		}
	}
	return y, codes, scale
}

// distributions draw one weight each.
var distributions = map[string]func(*rand.Rand) float64{
	"normal":  func(r *rand.Rand) float64 { return r.NormFloat64() },
	"uniform": func(r *rand.Rand) float64 { return 2*r.Float64() - 1 },
	"laplace": func(r *rand.Rand) float64 { return r.ExpFloat64() - r.ExpFloat64() },
	"sparse":  func(r *rand.Rand) float64 { return float64(r.IntN(8)/7) * r.NormFloat64() },
	"spread":  func(r *rand.Rand) float64 { return math.Exp(3*r.NormFloat64()) * float64(1-2*r.IntN(2)) },
	"shifted": func(r *rand.Rand) float64 { return 2 + r.NormFloat64()/4 },
}

// TestGreatestWeightRule has the greatest weight of every channel, or of all, at
// the greatest code.
func TestGreatestWeightRule(t *testing.T) {
	const channels = 6
	rng := rand.New(rand.NewPCG(1, 2))
	for bits := 5; bits <= 8; bits++ {
		for _, name := range slices.Sorted(maps.Keys(distributions)) { // in one order, for one stream of numbers
			d := distributions[name]
			w := make([]float32, channels*40)
			most := make([]float32, channels)
			var greatest float32
			for i := range w {
				w[i] = float32(d(rng) * math.Exp2(float64(i/40)))
				most[i/40] = max(most[i/40], w[i], -w[i])
				greatest = max(greatest, most[i/40])
			}
			top := float64(int(1)<<(bits-1) - 1)
			_, codes, scale := weightsOf(t, w, channels, qat.Options{Bits: bits})
			reached := make([]float64, channels)
			for i, c := range codes {
				reached[i/40] = max(reached[i/40], math.Abs(float64(c)))
			}
			for c := range channels {
				if want := float32(float64(most[c]) / top); most[c] > 0 && (scale[c] != want || reached[c] != top) {
					t.Errorf("%s, %d bits: channel %d has the scale %v, want %v, and codes to %v", name, bits, c, scale[c], want, reached[c])
				}
			}
			if _, _, scale = weightsOf(t, w, channels, qat.Options{Bits: bits, PerTensor: true}); len(scale) != 1 || scale[0] != float32(float64(greatest)/top) {
				t.Errorf("%s, %d bits: scale %v per tensor, want %v", name, bits, scale, greatest/float32(top))
			}
		}
	}
}

// TestFittedScale is what holds of the scales of 4 bits and fewer: their square
// error is never above that of the greatest-weight rule, and for many weights of
// a normal distribution close to the least possible.
func TestFittedScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for bits := 2; bits <= 4; bits++ {
		top := float64(int(1)<<(bits-1) - 1)
		for _, name := range slices.Sorted(maps.Keys(distributions)) { // in one order, for one stream of numbers
			d := distributions[name]
			for _, n := range []int{1, 2, 3, 9, 64, 800} {
				for range 20 {
					w := make([]float32, n)
					var most float64
					for i := range w {
						w[i] = float32(d(rng))
						most = max(most, math.Abs(float64(w[i])))
					}
					if most == 0 {
						continue
					}
					_, _, scale := weightsOf(t, w, 1, qat.Options{Bits: bits})
					s := float64(scale[0])
					got, plain := squareError(w, s, top), squareError(w, most/top, top)
					if got > plain*(1+1e-5)+1e-12*most*most {
						t.Errorf("%s, %d bits, %d weights: square error %v at %v, %v at the greatest weight's %v", name, bits, n, got, s, plain, most/top)
					}
					if name != "normal" || n < 800 {
						continue
					}
					least := math.Inf(1)
					for k := range 400 {
						least = min(least, squareError(w, most/top*float64(k+1)/400, top))
					}
					if got > 1.2*least {
						t.Errorf("%d bits: square error %v at %v, %.3f times the least possible", bits, got, s, got/least)
					}
				}
			}
		}
	}
}

// TestWeightGradient lets through what rounds to a code, unclamped.
func TestWeightGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for bits := 2; bits <= 8; bits++ {
		w, dy, dw := make([]float32, 400), make([]float32, 400), make([]float32, 400)
		for i := range w {
			w[i], dy[i] = float32(rng.NormFloat64()), float32(rng.NormFloat64())
		}
		q := method(t, "int").Weights(nil, "w", qat.Options{Bits: bits}, []int{2, 200})
		q.Forward(make([]float32, 400), w)
		q.Backward(dw, w, dy, nil)
		scale := q.Integers(make([]int16, 400), w)
		var stopped int
		for i := range w {
			want := dy[i]
			if math.Abs(math.RoundToEven(float64(w[i]/scale[i/200]))) > float64(int(1)<<(bits-1)-1) {
				want = 0
				stopped++
			}
			if dw[i] != want {
				t.Fatalf("%d bits: the gradient by %v is %v, want %v", bits, w[i], dw[i], want)
			}
		}
		if (stopped > 0) != (bits <= 4) {
			t.Errorf("%d bits: %d gradients stopped", bits, stopped)
		}
	}
}

// TestWeightsOfNothing gives a channel of zeros, or of numbers too small for a
// scale, the scale 1 and leaves the others alone.
func TestWeightsOfNothing(t *testing.T) {
	for bits := 2; bits <= 8; bits++ {
		w := []float32{0, 0, 0, 1e-44, -1e-44, 0, 0.5, -0.25, 0.125}
		y, codes, scale := weightsOf(t, w, 3, qat.Options{Bits: bits})
		for i := range 6 {
			if y[i] != 0 || codes[i] != 0 {
				t.Errorf("%d bits: %v became %v, code %d", bits, w[i], y[i], codes[i])
			}
		}
		if scale[0] != 1 || scale[1] != 1 || !(scale[2] > 0 && scale[2] <= 0.5) {
			t.Errorf("%d bits: scales %v", bits, scale)
		}
	}
}
