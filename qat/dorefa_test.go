// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

// TestDoReFaWeights reach 1 before a batch normalization, and keep their size
// otherwise.
func TestDoReFaWeights(t *testing.T) {
	w := normal(60, 0.1, 1)
	most := 0.0
	for _, v := range w {
		most = max(most, math.Tanh(math.Abs(float64(v))))
	}
	for _, norm := range []bool{false, true} {
		amplitude := most
		if norm {
			amplitude = 1
		}
		q := method(t, "dorefa").Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: 3, Norm: norm}, []int{3, 20})
		y, dw, dy := make([]float32, len(w)), make([]float32, len(w)), normal(60, 1, 2)
		q.Forward(y, w)
		q.Backward(dw, w, dy, nil)
		if scale := q.Integers(make([]int16, len(w)), w); !near(float64(scale[0]), amplitude/7) || q.Coding() != quant.Odd {
			t.Errorf("norm %v: the scale is %v, want %v", norm, scale, amplitude/7)
		}
		for i, v := range w {
			th := math.Tanh(float64(v))
			want := amplitude * (2*math.RoundToEven(7*(th/most/2+0.5)) - 7) / 7
			if !near(float64(y[i]), want) {
				t.Errorf("norm %v: weight %v became %v, want %v", norm, v, y[i], want)
			}
			if want := float64(dy[i]) * amplitude * (1 - th*th) / most; !near(float64(dw[i]), want) {
				t.Errorf("norm %v: the gradient at %v is %v, want %v", norm, v, dw[i], want)
			}
		}
	}
}

func TestDoReFaSigns(t *testing.T) {
	w := []float32{0.5, -0.25, 0, float32(math.Copysign(0, -1)), -1, 0.25}
	q := method(t, "dorefa").Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: 1}, []int{2, 3})
	y, dw, codes := make([]float32, len(w)), make([]float32, len(w)), make([]int16, len(w))
	q.Forward(y, w)
	m := float32(2.0 / 6)
	if want := []float32{m, -m, m, m, -m, m}; !slices.Equal(y, want) {
		t.Errorf("%v, want %v", y, want)
	}
	scale := q.Integers(codes, w)
	if !slices.Equal(codes, []int16{1, -1, 1, 1, -1, 1}) || !slices.Equal(scale, []float32{m}) || q.Coding() != quant.Narrow {
		t.Errorf("codes %v at scale %v", codes, scale)
	}
	dy := []float32{1, 2, 3, 4, 5, 6}
	q.Backward(dw, w, dy, nil)
	if !slices.Equal(dw, dy) {
		t.Errorf("gradients %v, want %v", dw, dy)
	}
}

// TestUnitActivations checks the codes that dorefa and wrpn give to 0 … 1.
func TestUnitActivations(t *testing.T) {
	for _, name := range []string{"dorefa", "wrpn"} {
		for bits := 1; bits <= 8; bits++ {
			a, _ := activation(t, name, qat.Options{Bits: bits})
			n := int32(1)<<bits - 1
			if q := a.Quantization(); q.Scale != 1/float32(n) || q.ZeroPoint != 0 || q.Lo != 0 || q.Hi != n {
				t.Errorf("%s, %d bits: %+v", name, bits, q)
			}
			dx := make([]float32, 5)
			a.Backward(dx, []float32{-0.01, 0, 0.5, 1, 1.01}, []float32{1, 1, 1, 1, 1}, nil)
			if !slices.Equal(dx, []float32{0, 1, 1, 1, 0}) {
				t.Errorf("%s, %d bits: gradients %v", name, bits, dx)
			}
		}
	}
}
