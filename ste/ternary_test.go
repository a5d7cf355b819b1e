// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/ste"
)

// TestTWN compares with the formula, and the scale with its neighbours: it is the
// least-squares one.
func TestTWN(t *testing.T) {
	for seed := range uint64(20) {
		w := gaussian(50, 0.3, seed)
		var f ste.TWN
		f.Fit(w)
		var mean float64
		for _, v := range w {
			mean += math.Abs(float64(v)) / float64(len(w))
		}
		if math.Abs(float64(f.Delta)-0.7*mean) > 1e-6 {
			t.Fatalf("threshold %v, want %v", f.Delta, 0.7*mean)
		}
		distance := func(scale float64) (sum float64) {
			for _, v := range w {
				d := float64(v) - scale*float64(f.Code(v))
				sum += d * d
			}
			return sum
		}
		s := float64(f.Scale)
		if distance(s) > distance(1.001*s) || distance(s) > distance(0.999*s) {
			t.Fatalf("scale %v is not the best", s)
		}
		y := make([]float32, len(w))
		for i, v := range w {
			y[i] = float32(f.Code(v)) * f.Scale
		}
		var g ste.TWN
		g.Fit(y)
		for i, v := range y {
			if float32(g.Code(v)) != float32(f.Code(w[i])) || math.Abs(float64(g.Scale/f.Scale)-1) > 1e-6 {
				t.Fatalf("quantizing twice: %v at %v, then at %v", v, f.Scale, g.Scale)
			}
		}
	}
	f := ste.TWN{Delta: 0.5}
	for v, code := range map[float32]int16{0.5: 0, -0.5: 0, math.Nextafter32(0.5, 1): 1, math.Nextafter32(-0.5, -1): -1, 0: 0} {
		if f.Code(v) != code {
			t.Errorf("the code of %v at the threshold 0.5 is %d", v, f.Code(v))
		}
	}
	f.Fit(make([]float32, 5))
	if f.Scale != 1 || f.Code(0) != 0 {
		t.Errorf("zeros have scale %v and code %d", f.Scale, f.Code(0))
	}
}

// TestTTQ compares every gradient with the formula, and those of the scales with
// differences: the one of Wn has a minus.
func TestTTQ(t *testing.T) {
	w := append(append(gaussian(40, 0.3, 3), around(0.06)...), around(-0.06)...)
	w = append(w, 1.2) // the greatest: the threshold is 0.06
	c := gaussian(len(w), 1, 4)
	f := ste.TTQ{Positive: 0.4, Negative: 0.9}
	if f.Fit(w, 0.05); f.Delta != float32(0.05)*1.2 {
		t.Fatalf("threshold %v", f.Delta)
	}
	loss := func(f ste.TTQ) float64 {
		y := make([]float32, len(w))
		f.Forward(y, w)
		return dot(c, y)
	}
	y, dw := make([]float32, len(w)), make([]float32, len(w))
	f.Forward(y, w)
	positive, negative := f.Backward(dw, w, c)
	for i, v := range w {
		value, gradient := float32(0), c[i]
		switch {
		case v > f.Delta:
			value, gradient = f.Positive, c[i]*f.Positive
		case v < -f.Delta:
			value, gradient = -f.Negative, c[i]*f.Negative
		}
		if y[i] != value || dw[i] != gradient {
			t.Errorf("weight %v is %v with the gradient %v, want %v and %v", v, y[i], dw[i], value, gradient)
		}
	}
	up := f
	up.Positive += 0.5
	if d := (loss(up) - loss(f)) / 0.5; math.Abs(d-positive) > 1e-4 {
		t.Errorf("gradient of Wp %v, by differences %v", positive, d)
	}
	up = f
	up.Negative += 0.5
	if d := (loss(up) - loss(f)) / 0.5; math.Abs(d-negative) > 1e-4 {
		t.Errorf("gradient of Wn %v, by differences %v", negative, d)
	}

	f.Start([]float32{0.5, 1.5, -3, 0.01})
	if f.Positive != 1 || f.Negative != 3 {
		t.Errorf("scales start at %v and %v, want 1 and 3", f.Positive, f.Negative)
	}
	f.Fit(make([]float32, 3), 0.05)
	if f.Start(make([]float32, 3)); f.Positive != 1 || f.Negative != 1 || f.Code(0) != 0 {
		t.Errorf("zeros start at %v and %v with the code %d", f.Positive, f.Negative, f.Code(0))
	}
}
