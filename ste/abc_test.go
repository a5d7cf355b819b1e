// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/ste"
)

// TestBases compares the bases with the formula; the scales leave a rest that no
// basis can lessen.
func TestBases(t *testing.T) {
	for planes := 1; planes <= 5; planes++ {
		w := gaussian(60, 0.3, uint64(planes))
		b := ste.NewBases(planes)
		b.Fit(w)
		var mean, square float64
		for _, v := range w {
			mean += float64(v) / float64(len(w))
		}
		for _, v := range w {
			square += (float64(v) - mean) * (float64(v) - mean) / float64(len(w))
		}
		rest := make([]float64, planes) // Σ basis·(w − y)
		for _, v := range w {
			code := b.Code(v)
			var y float64
			for i := range planes {
				u := 0.0
				if planes > 1 {
					u = -1 + 2*float64(i)/float64(planes-1)
				}
				sign := -1.0
				if code>>i&1 == 1 {
					sign = 1
				}
				if d := float64(v) - mean + u*math.Sqrt(square); math.Abs(d) > 1e-9 && (d > 0) != (sign > 0) {
					t.Fatalf("%d planes: weight %v has the code %b", planes, v, code)
				}
				y += sign * float64(b.Scale[i])
			}
			if math.Abs(y-float64(b.Value(code))) > 1e-6 {
				t.Fatalf("%d planes: code %b stands for %v, want %v", planes, code, b.Value(code), y)
			}
			for i := range planes {
				rest[i] += float64(code>>i&1*2-1) * (float64(v) - y)
			}
		}
		for i, r := range rest {
			if math.Abs(r) > 1e-3 {
				t.Errorf("%d planes: basis %d could still take %v", planes, i, r)
			}
		}
		dy, dw := gaussian(len(w), 1, 9), make([]float32, len(w))
		b.Backward(dw, dy)
		var sum float64
		for _, s := range b.Scale {
			sum += float64(s)
		}
		for i := range dw {
			if math.Abs(float64(dw[i])-sum*float64(dy[i])) > 1e-5 {
				t.Fatalf("gradient %v of %v, want the factor %v", dw[i], dy[i], sum)
			}
		}
	}
	// Bases that coincide leave the equations solvable.
	for _, w := range [][]float32{make([]float32, 4), {2, 2, 2}, {-1}} {
		b := ste.NewBases(3)
		b.Fit(w)
		if y := b.Value(b.Code(w[0])); math.Abs(float64(y-w[0])) > 1e-4 {
			t.Errorf("%v became %v with the scales %v", w, y, b.Scale)
		}
	}
}

// TestSteps compares with the formula at and around every edge, and the gradient
// of the scales with differences.
func TestSteps(t *testing.T) {
	s := ste.Steps{Shift: []float32{0.5, -0.25, 1}, Scale: []float32{0.75, 0.5, 0.125}}
	x := gaussian(30, 1, 5)
	for _, v := range s.Shift {
		x = append(append(append(x, around(-v)...), around(0.5-v)...), around(1-v)...)
	}
	c := gaussian(len(x), 1, 6)
	y, dx := make([]float32, len(x)), make([]float32, len(x))
	dshift, dscale := make([]float64, 3), make([]float64, 3)
	s.Forward(y, x)
	s.Backward(dx, x, c, dshift, dscale)
	wantShift := make([]float64, 3)
	for i, v := range x {
		var value, gradient float32
		for n, shift := range s.Shift {
			if v >= 0.5-shift {
				value += s.Scale[n]
			} else {
				value -= s.Scale[n]
			}
			if -shift <= v && v <= 1-shift {
				gradient += s.Scale[n]
				wantShift[n] += float64(s.Scale[n]) * float64(c[i])
			}
		}
		if y[i] != value || dx[i] != gradient*c[i] {
			t.Errorf("%v became %v with the gradient %v, want %v and %v", v, y[i], dx[i], value, gradient*c[i])
		}
	}
	for n := range s.Shift {
		if math.Abs(dshift[n]-wantShift[n]) > 1e-5 {
			t.Errorf("gradient of shift %d is %v, want %v", n, dshift[n], wantShift[n])
		}
		up := ste.Steps{Shift: s.Shift, Scale: append([]float32(nil), s.Scale...)}
		up.Scale[n] += 0.5
		more := make([]float32, len(x))
		up.Forward(more, x)
		if d := (dot(c, more) - dot(c, y)) / 0.5; math.Abs(d-dscale[n]) > 1e-4 {
			t.Errorf("gradient of scale %d is %v, by differences %v", n, dscale[n], d)
		}
	}
}
