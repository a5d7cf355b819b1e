// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// clipped is PACT as it is printed: y, the factor of dy in dx, and that in dα.
func clipped(x, alpha float32, bits int, signed bool) (y float32, dx, dalpha float32) {
	levels, floor := math.Exp2(float64(bits))-1, float32(0)
	if signed {
		levels, floor = math.Exp2(float64(bits-1))-1, -alpha
	}
	s := alpha / float32(levels)
	c := min(max(x, floor), alpha)
	y = float32(math.RoundToEven(float64(c/s))) * s
	switch {
	case x >= alpha:
		dalpha = 1
	case signed && x <= -alpha:
		dalpha = -1
	case x > floor:
		dx = 1
	}
	return y, dx, dalpha
}

func TestPACTFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for bits := 2; bits <= 8; bits++ {
		for _, signed := range []bool{false, true} {
			for _, alpha := range []float32{1, 6, 0.001, 0.7311, 12345.67} {
				t.Run(fmt.Sprintf("%d bits, signed %v, alpha %v", bits, signed, alpha), func(t *testing.T) {
					checkPACT(t, bits, signed, alpha, rng)
				})
			}
		}
	}
}

func checkPACT(t *testing.T, bits int, signed bool, alpha float32, rng *rand.Rand) {
	p := &ste.PACT{Bits: bits, Signed: signed}
	p.SetAlpha(alpha)
	q, lo, hi := p.Quantization()
	if levels := hi - lo + 1; lo != 0 || hi > quant.Activation(bits).Max() || (signed && levels != 1<<bits-1) || (!signed && levels != 1<<bits) {
		t.Fatalf("codes %d to %d", lo, hi)
	}
	if (q.ZeroPoint != 0) != signed {
		t.Fatalf("zero point %d", q.ZeroPoint)
	}
	x := edges(q.Scale, lo-q.ZeroPoint, hi-q.ZeroPoint, rng)
	x = append(x, alpha, -alpha, math.Nextafter32(alpha, 0), math.Nextafter32(alpha, inf), math.Nextafter32(-alpha, 0), math.Nextafter32(-alpha, -inf))
	slices.Sort(x)

	dy, y, dx := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
	wantY, wantDX := make([]float32, len(x)), make([]float32, len(x))
	var wantAlpha float64
	for i, v := range x {
		dy[i] = float32(rng.NormFloat64())
		y, pass, clip := clipped(v, alpha, bits, signed)
		wantY[i], wantDX[i] = y, dy[i]*pass
		wantAlpha += float64(dy[i] * clip)
	}
	p.Forward(y, x)
	sameBits(t, "value", x, y, wantY)
	if d := p.Backward(dx, x, dy); math.Abs(d-wantAlpha) > 1e-12*float64(len(x)) {
		t.Errorf("the gradient by alpha is %v, want %v", d, wantAlpha)
	}
	sameBits(t, "gradient", x, dx, wantDX)

	again := slices.Clone(y)
	p.Forward(again, again)
	sameBits(t, "value again", x, again, y)
	p.Backward(dy, x, dy)
	sameBits(t, "gradient in place", x, dy, wantDX)
	if !slices.IsSorted(y) {
		t.Error("not monotone")
	}
	for i, v := range y {
		code := int32(math.RoundToEven(float64(v/q.Scale))) + q.ZeroPoint
		if code < lo || code > hi || q.Real(code) != v {
			t.Fatalf("%v became %v, which is not the value of a code: %d", x[i], v, code)
		}
	}
}

func TestPACTNaN(t *testing.T) {
	for _, signed := range []bool{false, true} {
		p := &ste.PACT{Bits: 4, Signed: signed}
		p.SetAlpha(1)
		y, dx := []float32{0}, []float32{1}
		p.Forward(y, []float32{nan})
		if d := p.Backward(dx, []float32{nan}, []float32{1}); y[0] == y[0] || dx[0] != 0 || d != 0 {
			t.Errorf("NaN became %v with the gradients %v and %v, want NaN, 0 and 0", y[0], dx[0], d)
		}
	}
}

// TestPACTGradientOfSurrogate compares dx and dα with central differences of the
// clip without rounding, whose gradients PACT takes.
func TestPACTGradientOfSurrogate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, signed := range []bool{false, true} {
		const alpha = 1.5
		x, dy := make([]float32, 300), make([]float32, 300)
		for i := range x {
			x[i], dy[i] = float32(1.5*rng.NormFloat64()), float32(rng.NormFloat64())
		}
		surrogate := func(alpha float64, x []float64) (sum float64) {
			floor := 0.0
			if signed {
				floor = -alpha
			}
			for i, v := range x {
				sum += float64(dy[i]) * math.Min(math.Max(v, floor), alpha)
			}
			return sum
		}
		wide := make([]float64, len(x))
		for i, v := range x {
			wide[i] = float64(v)
		}
		const h = 1e-6
		p := &ste.PACT{Bits: 4, Signed: signed}
		p.SetAlpha(alpha)
		dx := make([]float32, len(x))
		got := p.Backward(dx, x, dy)
		if want := (surrogate(alpha+h, wide) - surrogate(alpha-h, wide)) / (2 * h); math.Abs(got-want) > 1e-6 {
			t.Errorf("the gradient by alpha is %v, want %v", got, want)
		}
		for i := range x {
			at := wide[i]
			wide[i] = at + h
			above := surrogate(alpha, wide)
			wide[i] = at - h
			want := (above - surrogate(alpha, wide)) / (2 * h)
			wide[i] = at
			if math.Abs(float64(dx[i])-want) > 1e-6 {
				t.Errorf("the gradient by %v is %v, want %v", at, dx[i], want)
			}
		}
	}
}
