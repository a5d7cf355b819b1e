// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

func shaped(t *testing.T, name string, o qat.Options, shape ...int) qat.Weights {
	t.Helper()
	return method(t, name).Weights(graph.New(1, graph.NewPool(1)), "w", o, shape)
}

// TestLatentWeights keep signs and stay within ±1 whatever a step of the
// optimizer did.
func TestLatentWeights(t *testing.T) {
	for _, name := range []string{"binaryconnect", "bnn", "xnor"} {
		q := shaped(t, name, qat.Options{Bits: 1, Norm: true}, 2, 1, 1, 4)
		w := []float32{1e9, -1e9, 0.5, -0.25, float32(math.Inf(1)), -7, 0, 2}
		if name == "xnor" {
			w[4] = 9
		}
		q.Constrain(w)
		for i, v := range w {
			if !(v >= -1 && v <= 1) {
				t.Errorf("%s: weight %d is %v", name, i, v)
			}
		}
		w[0] = float32(math.NaN())
		if q.Constrain(w); name != "xnor" && w[0] == w[0] {
			t.Errorf("%s hides what is not a number", name)
		}
	}
}

// TestBinaryScale is 1 before a batch normalization, and keeps the size of values
// elsewhere.
func TestBinaryScale(t *testing.T) {
	w := []float32{0.3, -2, 0, 1, -1, 1, 1, 1}
	for norm, want := range map[bool]float32{true: 1, false: 0.5} {
		q := shaped(t, "bnn", qat.Options{Bits: 1, Norm: norm}, 1, 2, 2, 2)
		y, dw := make([]float32, 8), make([]float32, 8)
		q.Forward(y, w)
		for i, v := range w {
			if sign := float32(math.Copysign(1, float64(v))); y[i] != want*sign {
				t.Errorf("norm %v: weight %v is %v", norm, v, y[i])
			}
		}
		if q.Backward(dw, w, y, nil); !slices.Equal(dw, y) {
			t.Errorf("the gradient %v became %v", y, dw)
		}
	}
}

// TestXNORCentring subtracts the mean over the input channels of each place, and
// multiplies the gradient by n(1 − 1/c).
func TestXNORCentring(t *testing.T) {
	q := shaped(t, "xnor", qat.Options{Bits: 1}, 1, 1, 2, 2) // two places of two channels
	w := []float32{0.5, 0.1, -0.75, 0.25}
	q.Constrain(w)
	for i, want := range []float32{0.2, -0.2, -0.5, 0.5} {
		if math.Abs(float64(w[i]-want)) > 1e-6 {
			t.Errorf("weight %d is %v, want %v", i, w[i], want)
		}
	}
	y, dw := make([]float32, 4), make([]float32, 4)
	q.Forward(y, w)
	q.Backward(dw, w, []float32{1, 0, 0, 0}, nil)
	// The mean magnitude is 0.35, and the signs are + − − +: the formula gives
	// (1/4 + 0.35, −1/4, −1/4, 1/4), times 4·(1 − 1/2).
	for i, want := range []float32{1.2, -0.5, -0.5, 0.5} {
		if math.Abs(float64(dw[i]-want)) > 1e-6 {
			t.Errorf("gradient %d is %v, want %v", i, dw[i], want)
		}
	}
	one := shaped(t, "xnor", qat.Options{Bits: 1}, 1, 2, 1, 1)
	w = []float32{0.5, 0.25}
	if one.Constrain(w); !slices.Equal(w, []float32{0.5, 0.25}) {
		t.Errorf("weights of one channel became %v", w)
	}
}

// TestTTQScales start at the mean magnitudes, learn with 1/√n of their gradient
// and stay positive.
func TestTTQScales(t *testing.T) {
	q := shaped(t, "ttq", qat.Options{Bits: 2, PerTensor: true}, 1, 4)
	w := []float32{1, 0.5, -0.25, 0.01}
	q.Start(w)
	p := q.Params()
	if p[0].Value[0] != 0.75 || p[1].Value[0] != 0.25 {
		t.Fatalf("scales start at %v and %v", p[0].Value, p[1].Value)
	}
	y, dw, grad := make([]float32, 4), make([]float32, 4), [][]float32{{0}, {0}}
	q.Forward(y, w)
	if q.Backward(dw, w, []float32{1, 2, 4, 8}, grad); grad[0][0] != 1.5 || grad[1][0] != -2 || !slices.Equal(dw, []float32{0.75, 1.5, 1, 8}) {
		t.Errorf("gradients %v and %v", dw, grad)
	}
	for _, bad := range []float32{-5, 0, float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1))} {
		p[0].Value[0], p[1].Value[0] = bad, bad
		q.Constrain(w)
		if a, b := p[0].Value[0], p[1].Value[0]; !(a > 0 && a < math.MaxFloat32 && a == b) {
			t.Errorf("the scale %v became %v and %v", bad, a, b)
		}
	}
}
