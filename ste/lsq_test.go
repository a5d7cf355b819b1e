// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/ste"
)

// stepped is LSQ as it is printed: y and the factors of dy in dx and ds, for
// codes from −qn to qp.
func stepped(x, s, qn, qp float32) (y float32, dx, ds float64) {
	v := x / s
	switch {
	case v <= -qn:
		return -qn * s, 0, float64(-qn)
	case v >= qp:
		return qp * s, 0, float64(qp)
	}
	r := math.RoundToEven(float64(v))
	return float32(r) * s, 1, r - float64(v)
}

func TestLSQFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for bits := 2; bits <= 8; bits++ {
		top := float32(int(1)<<bits - 1)
		half := float32(int(1) << (bits - 1))
		for _, s := range []float32{1, 0.001, 0.7311, 123.45} {
			for _, least := range []float32{0, -half, 1 - half} { // rectified, signed, weights
				most := top + least
				if least == 1-half {
					most = half - 1
				}
				t.Run(fmt.Sprintf("step %v, codes %v to %v", s, least, most), func(t *testing.T) {
					checkLSQ(t, &ste.LSQ{Step: s, Least: least, Most: most}, rng)
				})
			}
			z := float32(rng.IntN(int(top)))
			t.Run(fmt.Sprintf("step %v, zero point %v of %v", s, z, top), func(t *testing.T) {
				checkLSQ(t, &ste.LSQ{Step: s, Least: -z, Most: top - z, Shifted: true}, rng)
			})
		}
	}
}

func checkLSQ(t *testing.T, l *ste.LSQ, rng *rand.Rand) {
	x := edges(l.Step, int32(l.Least), int32(l.Most), rng)
	x = slices.DeleteFunc(x, func(v float32) bool { return math.IsInf(float64(v/l.Step), 0) })
	dy, y, dx := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
	var wantStep, wantOffset float64
	wantY, wantDX := make([]float32, len(x)), make([]float32, len(x))
	for i, v := range x {
		dy[i] = float32(rng.NormFloat64())
		y, pass, ds := stepped(v, l.Step, -l.Least, l.Most)
		if l.Shifted && pass == 0 { // the offset is −s·z, so that ds is 0 and Q, and dβ is 1
			ds -= float64(l.Least)
			wantOffset += float64(dy[i])
		}
		wantY[i], wantDX[i] = y, dy[i]*float32(pass)
		wantStep += float64(dy[i]) * ds
	}
	l.Forward(y, x)
	sameBits(t, "value", x, y, wantY)
	step, offset := l.Backward(dx, x, dy)
	sameBits(t, "gradient", x, dx, wantDX)
	if math.Abs(step-wantStep) > 1e-5*float64(len(x)) {
		t.Errorf("the gradient by the step is %v, want %v", step, wantStep)
	}
	if l.Shifted && math.Abs(offset-wantOffset) > 1e-9*float64(len(x)) {
		t.Errorf("the gradient by the offset is %v, want %v", offset, wantOffset)
	}
	if !slices.IsSorted(y) {
		t.Error("not monotone")
	}
	again := slices.Clone(y)
	l.Forward(again, again)
	sameBits(t, "value again", x, again, y)
	codes := make([]int16, len(x))
	l.Codes(codes, x)
	for i, c := range codes {
		if float32(c) < l.Least || float32(c) > l.Most || float32(c)*l.Step != y[i] {
			t.Fatalf("%v has the code %d and the value %v", x[i], c, y[i])
		}
	}
	l.Backward(dy, x, dy)
	sameBits(t, "gradient in place", x, dy, wantDX)
}

// TestLSQGradientOfSurrogate compares the gradient by the step with central
// differences of s·(clamp(x/s) + the rounding error, taken for a constant).
func TestLSQGradientOfSurrogate(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	const s, qn, qp, h = 0.3, 4, 3, 1e-7
	var x, dy []float32
	for range 300 {
		x, dy = append(x, float32(rng.NormFloat64())), append(dy, float32(rng.NormFloat64()))
	}
	surrogate := func(step float64) (sum float64) {
		for i, v := range x {
			at := math.Min(math.Max(float64(v)/s, -qn), qp)
			moved := math.Min(math.Max(float64(v)/step, -qn), qp)
			sum += float64(dy[i]) * step * (moved + math.RoundToEven(at) - at)
		}
		return sum
	}
	l := &ste.LSQ{Step: s, Least: -qn, Most: qp}
	got, _ := l.Backward(make([]float32, len(x)), x, dy)
	if want := (surrogate(s+h) - surrogate(s-h)) / (2 * h); math.Abs(got-want) > 1e-4 {
		t.Errorf("the gradient by the step is %v, want %v", got, want)
	}
}
