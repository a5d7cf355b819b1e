// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/ste"
)

// around returns x and its two neighbours.
func around(x float32) []float32 {
	return []float32{math.Nextafter32(x, -inf), x, math.Nextafter32(x, inf)}
}

func TestSign(t *testing.T) {
	x := append(append(around(-1), around(1)...), -inf, -3, float32(math.Copysign(0, -1)), 0, 0.5, inf)
	dy := make([]float32, len(x))
	for i := range dy {
		dy[i] = float32(i + 1)
	}
	for _, open := range []bool{false, true} {
		s := ste.Sign{Open: open}
		y, dx := make([]float32, len(x)), make([]float32, len(x))
		s.Forward(y, x)
		s.Backward(dx, x, dy)
		for i, v := range x {
			want := float32(1)
			if v < 0 {
				want = -1
			}
			if y[i] != want {
				t.Errorf("sign(%v) is %v", v, y[i])
			}
			passes := math.Abs(float64(v)) < 1 || !open && math.Abs(float64(v)) == 1
			if passes != (dx[i] == dy[i]) || !passes && dx[i] != 0 {
				t.Errorf("open %v: the gradient at %v is %v of %v", open, v, dx[i], dy[i])
			}
		}
		again := make([]float32, len(x))
		if s.Forward(again, y); !equal(again, y) {
			t.Error("signs of signs differ")
		}
	}
}

func equal(a, b []float32) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

// gaussian returns n normal numbers.
func gaussian(n int, deviation float64, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 77))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(deviation * rng.NormFloat64())
	}
	return x
}

// dot returns Σ a·b.
func dot(a, b []float32) float64 {
	var sum float64
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

// TestXNOR compares the gradient with its two terms: through the scale, by
// differences while the signs stay, and through the signs, at and around ±1.
func TestXNOR(t *testing.T) {
	w := append(append(append(gaussian(20, 0.7, 1), around(-1)...), around(1)...), 0, 2, -3)
	c := gaussian(len(w), 1, 2) // dy, of the loss Σ c·y
	loss := func(w []float64, signs []float32) float64 {
		var alpha, sum float64
		for _, v := range w {
			alpha += math.Abs(v) / float64(len(w))
		}
		for i := range w {
			sum += float64(c[i]) * alpha * float64(signs[i])
		}
		return sum
	}
	signs, wide := make([]float32, len(w)), make([]float64, len(w))
	var mean float64
	for i, v := range w {
		signs[i], wide[i] = ste.SignOf(v), float64(v)
		mean += math.Abs(float64(v)) / float64(len(w))
	}
	var f ste.XNOR
	if f.Fit(w); math.Abs(float64(f.Scale)-mean) > 1e-6 {
		t.Fatalf("scale %v, want %v", f.Scale, mean)
	}
	dw := make([]float32, len(w))
	f.Backward(dw, w, c)
	for i, v := range w {
		want := dot(c, signs) / float64(len(w)) * float64(signs[i])
		if v != 0 { // |w| has no derivative at 0
			const h = 1e-4
			wide[i] += h
			above := loss(wide, signs)
			wide[i] -= 2 * h
			below := loss(wide, signs)
			wide[i] += h
			if d := (above - below) / (2 * h); math.Abs(d-want) > 1e-6 {
				t.Fatalf("weight %v: difference %v, formula %v", v, d, want)
			}
		}
		if math.Abs(float64(v)) < 1 {
			want += mean * float64(c[i])
		}
		if math.Abs(float64(dw[i])-want) > 1e-5 {
			t.Errorf("the gradient of weight %v is %v, want %v", v, dw[i], want)
		}
	}
}
