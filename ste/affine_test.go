// SPDX-License-Identifier: Apache-2.0

package ste_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// written is the formula of an affine fake quantization as it is printed: the
// quantized value and whether the gradient passes.
func written(x float32, p quant.Params, lo, hi int32) (y float32, passes bool) {
	q := math.RoundToEven(float64(x/p.Scale)) + float64(p.ZeroPoint)
	passes = float64(lo) <= q && q <= float64(hi)
	q = math.Min(math.Max(q, float64(lo)), float64(hi))
	return float32(q-float64(p.ZeroPoint)) * p.Scale, passes
}

// edges returns, in order, every half step of the range and somewhat beyond it
// with their neighbours, zeros, extremes and random values.
func edges(scale float32, least, most int32, rng *rand.Rand) []float32 {
	x := []float32{-inf, -math.MaxFloat32, -math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1)), 0, math.SmallestNonzeroFloat32, 0x1p-126, math.MaxFloat32, inf}
	for k := 2*least - 5; k <= 2*most+5; k++ {
		v := float32(k) / 2 * scale
		x = append(x, math.Nextafter32(v, -inf), v, math.Nextafter32(v, inf))
	}
	for range 200 {
		x = append(x, scale*float32(most-least)*float32(rng.NormFloat64()))
	}
	slices.Sort(x)
	return x
}

// formats are all that a tensor of 2 to 8 bits can have.
func formats() []quant.Format {
	var all []quant.Format
	for bits := 2; bits <= 8; bits++ {
		all = append(all, quant.Format{Bits: bits}, quant.Format{Bits: bits, Signed: true}, quant.Format{Bits: bits, Signed: true, Narrow: true})
	}
	return all
}

// sameBits compares two slices, any NaN being like any other, and 0 like −0.
func sameBits(t *testing.T, what string, x, got, want []float32) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] && (got[i] == got[i] || want[i] == want[i]) {
			t.Fatalf("%s of %v (%b): %v, want %v", what, x[i], x[i], got[i], want[i])
		}
	}
}

func TestAffineFormula(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, f := range formats() {
		for _, z := range []int32{0, f.Min(), f.Max(), (f.Min() + f.Max()) / 2} { // symmetric and asymmetric
			for _, scale := range []float32{1, 0.037, 0x1p-126, 3e5} {
				p := quant.Params{Scale: scale, ZeroPoint: z}
				t.Run(fmt.Sprintf("%+v, %+v", f, p), func(t *testing.T) {
					x := edges(scale, f.Min()-z, f.Max()-z, rng)
					checkAffine(t, f, []quant.Params{p}, x)
					if f.Signed {
						checkCodes(t, f, p, x)
					}
				})
			}
		}
	}
}

// checkAffine checks forward and backward of x, [len(p), …], and what must hold
// of them, in place and not.
func checkAffine(t *testing.T, f quant.Format, p []quant.Params, x []float32) {
	t.Helper()
	a := &ste.Affine{Format: f, Params: p}
	dy := make([]float32, len(x))
	for i := range dy {
		dy[i] = float32(i + 1)
	}
	y, dx := make([]float32, len(x)), make([]float32, len(x))
	wantY, wantDX := make([]float32, len(x)), make([]float32, len(x))
	for i, v := range x {
		q := p[i/(len(x)/len(p))]
		var passes bool
		wantY[i], passes = written(v, q, f.Min(), f.Max())
		if passes {
			wantDX[i] = dy[i]
		}
	}
	a.Forward(y, x)
	a.Backward(dx, x, dy)
	sameBits(t, "value", x, y, wantY)
	sameBits(t, "gradient", x, dx, wantDX)

	again := slices.Clone(y)
	a.Forward(again, again)
	sameBits(t, "value again", x, again, y)
	inPlace := slices.Clone(dy)
	a.Backward(inPlace, x, inPlace)
	sameBits(t, "gradient in place", x, inPlace, dx)

	size := len(x) / len(p)
	for i := range x {
		if i%size > 0 && y[i] < y[i-1] {
			t.Fatalf("not monotone: %v became %v, %v became %v", x[i-1], y[i-1], x[i], y[i])
		}
		if x[i] == 0 && y[i] != 0 {
			t.Fatalf("zero became %v", y[i])
		}
	}
}

// checkCodes compares the integers of x with its fake-quantized values.
func checkCodes(t *testing.T, f quant.Format, p quant.Params, x []float32) {
	t.Helper()
	a := &ste.Affine{Format: f, Params: []quant.Params{p}}
	codes := make([]int16, len(x))
	y := make([]float32, len(x))
	a.Codes(codes, x)
	a.Forward(y, x)
	for i, q := range codes {
		if code := int32(q) + p.ZeroPoint; code < f.Min() || code > f.Max() {
			t.Fatalf("the code of %v is %d, beyond [%d, %d]", x[i], code, f.Min(), f.Max())
		}
		if float32(q)*p.Scale != y[i] {
			t.Fatalf("%v has the code %d and the value %v at scale %v", x[i], q, y[i], p.Scale)
		}
	}
}

func TestAffinePerChannel(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, f := range formats() {
		var params []quant.Params
		var x []float32
		for c := range 5 {
			z := f.Min() + rng.Int32N(f.Max()-f.Min()+1)
			p := quant.Params{Scale: float32(math.Exp2(float64(3*c)-7) * (1 + rng.Float64())), ZeroPoint: z}
			params = append(params, p)
			x = append(x, edges(p.Scale, f.Min()-z, f.Max()-z, rng)...)
		}
		checkAffine(t, f, params, x)
	}
}

func TestAffineNaN(t *testing.T) {
	for _, n := range []int{1, 19} { // by hand and by vector
		x, y := slices.Repeat([]float32{nan}, n), make([]float32, n)
		dx, dy := make([]float32, n), slices.Repeat([]float32{1}, n)
		a := &ste.Affine{Format: quant.Activation(4), Params: []quant.Params{{Scale: 0.5, ZeroPoint: 3}}}
		a.Forward(y, x)
		a.Backward(dx, x, dy)
		for i := range x {
			if y[i] == y[i] || dx[i] != 0 {
				t.Errorf("NaN became %v with the gradient %v, want NaN and 0", y[i], dx[i])
			}
		}
	}
}

// fixedRange is an Affine as a graph.Quantizer that neither learns nor observes.
type fixedRange struct{ *ste.Affine }

func (fixedRange) Params() []*graph.Param                        { return nil }
func (fixedRange) Begin(*graph.Run)                              {}
func (fixedRange) Observe(*graph.Run, graph.Stats)               {}
func (q fixedRange) Backward(dx, src, dy []float32, _ []float64) { q.Affine.Backward(dx, src, dy) }

// TestAffineInEpilogue compares an epilogue that quantizes with a graph of the quantized values: the
// gradient is theirs where the formula lets it through.
func TestAffineInEpilogue(t *testing.T) {
	const h, c = 9, 5
	build := func(quantize *ste.Affine) *graph.Graph {
		g := graph.New(2, kernel.NewPool(1))
		g.Input(1, 1, 1)
		x := graphtest.Lift(g, "x", h, h, c)
		if quantize != nil {
			x = g.Epilogue("quantize", graph.Epilogue{Terms: []graph.Term{{X: x}}, Quantizer: fixedRange{quantize}})
		}
		probe := graphtest.NewProbe(h*h*c, rand.New(rand.NewPCG(5, 6)))
		if err := g.Finish(g.Apply("probe", probe, 1, 1, graphtest.Outputs, x), graph.CrossEntropy); err != nil {
			t.Fatal(err)
		}
		if err := g.Feed([]int32{0, 2}, func(x []float32) { clear(x) }); err != nil {
			t.Fatal(err)
		}
		return g
	}
	p := quant.Params{Scale: 0.25, ZeroPoint: 5}
	f := quant.Activation(4)
	g, plain := build(&ste.Affine{Format: f, Params: []quant.Params{p}}), build(nil)
	x := g.Params()[0].Value
	graphtest.Randomize(x, 2, rand.New(rand.NewPCG(7, 8)))
	pass := make([]bool, len(x))
	for i, v := range x {
		plain.Params()[0].Value[i], pass[i] = written(v, p, f.Min(), f.Max())
	}
	got, err := g.Step(graph.Pass{Quantize: true})
	if err != nil {
		t.Fatal(err)
	}
	if want, err := plain.Step(graph.Pass{}); err != nil || got != want {
		t.Errorf("the loss is %v, want %v, %v", got, want, err)
	}
	var stopped int
	for i, d := range plain.Params()[0].Grad {
		if !pass[i] {
			d = 0
			stopped++
		}
		if g.Params()[0].Grad[i] != d {
			t.Fatalf("the gradient by %v is %v, want %v", x[i], g.Params()[0].Grad[i], d)
		}
	}
	if stopped < 50 || stopped > len(x)-50 {
		t.Errorf("%d of %d gradients stopped", stopped, len(x))
	}
}
