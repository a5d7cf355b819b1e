// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// normal returns n normal numbers of a deviation.
func normal(n int, deviation float64, seed uint64) []float32 {
	rng := rand.New(rand.NewPCG(seed, 1))
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(deviation * rng.NormFloat64())
	}
	return x
}

func near(got, want float64) bool { return math.Abs(got-want) <= 1e-5*math.Abs(want) }

// TestLSQStart checks the first steps: 2·mean|v|/√Qp.
func TestLSQStart(t *testing.T) {
	w := normal(3*20, 0.1, 1)
	clear(w[20:40])
	q := method(t, "lsq").Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: 4}, []int{3, 4, 5})
	q.Start(w)
	steps := q.Params()[0].Value
	for c, got := range steps {
		var sum float64
		for _, v := range w[c*20 : (c+1)*20] {
			sum += math.Abs(float64(v))
		}
		want := 2 * sum / 20 / math.Sqrt(7)
		if c == 1 {
			want = 1
		}
		if !near(float64(got), want) {
			t.Errorf("channel %d starts with the step %v, want %v", c, got, want)
		}
	}
	for _, signed := range []bool{false, true} {
		a, step := activation(t, "lsq", qat.Options{Bits: 3, Signed: signed, Size: 10})
		x := normal(999, 2, 2)
		top := 3.0
		if !signed {
			top = 7
			for i, v := range x {
				x[i] = max(v, 0)
			}
		}
		s := statsOf(x)
		a.Observe(&graph.Run{}, s)
		if step.Value[0] != 1 {
			t.Error("the step moved without a calibration")
		}
		a.Observe(&graph.Run{Pass: graph.Pass{Calibrate: true}}, s)
		if want := 2 * s.SumAbs / 999 / math.Sqrt(top); !near(float64(step.Value[0]), want) {
			t.Errorf("signed %v: the step starts at %v, want %v", signed, step.Value[0], want)
		}
	}
}

// TestLSQStartsWithTheLeastError compares the start by mean squared error with a search over many steps, and wants a
// tensor to ask for the same.
func TestLSQStartsWithTheLeastError(t *testing.T) {
	for _, bits := range []int{2, 3, 4, 8} {
		w := normal(2*500, 0.1, uint64(bits))
		clear(w[500:])
		q := qat.LSQ{Start: "mse"}.Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: bits}, []int{2, 500})
		q.Start(w)
		q.(qat.Fitter).Fit(w)
		most := math.Exp2(float64(bits-1)) - 1
		loss := func(step float64) (sum float64) {
			for _, v := range w[:500] {
				d := float64(v) - step*min(max(math.RoundToEven(float64(v)/step), -most), most)
				sum += d * d
			}
			return sum
		}
		least := math.Inf(1)
		for k := 1; k <= 2000; k++ {
			least = min(least, loss(0.4/most*float64(k)/2000))
		}
		steps := q.Params()[0].Value
		if got := loss(float64(steps[0])); got > 1.06*least {
			t.Errorf("%d bits: the step %v has the error %v, the best one %v", bits, steps[0], got, least)
		}
		if steps[1] != 1 {
			t.Errorf("%d bits: a channel of zeros has the step %v, want 1", bits, steps[1])
		}
		for _, signed := range []bool{false, true} {
			o := qat.Options{Bits: bits, Signed: signed, Size: 10}
			a := qat.LSQ{Start: "mse"}.Activation(graph.New(1, graph.NewPool(1)), "x", o).(qat.Fitted)
			if grid, ok := a.Fit(); !ok || grid.Bits != bits || grid.Symmetric != signed {
				t.Errorf("%d bits, signed %v: %+v, %v", bits, signed, grid, ok)
			}
			before := a.Quantization()
			if a.SetRange(0, 0); a.Quantization() != before {
				t.Error("an empty range moves the step")
			}
			if _, ok := (qat.LSQ{}).Activation(graph.New(1, graph.NewPool(1)), "x", o).(qat.Fitted).Fit(); ok {
				t.Error("a tensor whose step starts by the mean asks for a fit")
			}
		}
	}
}

// TestLSQGradientScale compares gradients with those of ste.LSQ: the steps' are
// multiplied by 1/√(N·Qp).
func TestLSQGradientScale(t *testing.T) {
	w, dy := normal(40, 1, 3), normal(40, 1, 4)
	for _, perTensor := range []bool{false, true} {
		q := method(t, "lsq").Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: 3, PerTensor: perTensor}, []int{2, 20})
		q.Start(w)
		steps := q.Params()[0].Value
		dw, ds := make([]float32, len(w)), make([]float32, len(steps))
		q.Backward(dw, w, dy, [][]float32{ds})
		for c, s := range steps {
			size := len(w) / len(steps)
			var want float64
			for i := c * size; i < (c+1)*size; i++ {
				v := float64(w[i] / s)
				switch {
				case v <= -3:
					want -= 3 * float64(dy[i])
				case v >= 3:
					want += 3 * float64(dy[i])
				default:
					want += (math.RoundToEven(v) - v) * float64(dy[i])
				}
			}
			want /= math.Sqrt(float64(size) * 3)
			if math.Abs(float64(ds[c])-want) > 1e-5 {
				t.Errorf("the gradient of step %d is %v, want %v", c, ds[c], want)
			}
		}
	}
	a, step := activation(t, "lsq", qat.Options{Bits: 2, Size: 25})
	step.Value[0] = 0.5
	a.Begin(&graph.Run{})
	grad := []float64{1}
	a.Backward(make([]float32, 3), []float32{0, 0.6, 9}, []float32{1, 1, 1}, grad)
	if want := 1 + (0+(1-1.2)+3)/math.Sqrt(25*3); !near(grad[0], want) {
		t.Errorf("the gradient of a tensor's step is %v, want %v", grad[0], want)
	}
}

// TestLSQPlusOffset has the offset move the codes over values that are all above
// or below 0, where that lowers the error.
func TestLSQPlusOffset(t *testing.T) {
	for _, mean := range []float32{-2, 0, 2} {
		x := normal(2000, 1, 7)
		for i := range x {
			x[i] += mean
		}
		a := method(t, "lsq+").Activation(graph.New(1, graph.NewPool(1)), "x", qat.Options{Bits: 3, Signed: true, Size: 9})
		if names := []string{a.Params()[0].Name, a.Params()[1].Name}; !slices.Equal(names, []string{"x.step", "x.offset"}) {
			t.Errorf("parameters %v", names)
		}
		a.Observe(&graph.Run{Pass: graph.Pass{Calibrate: true}}, statsOf(x))
		q := a.Quantization()
		lo, hi := q.Real(0), q.Real(7)
		if want := max(-2.15+mean, -4.5); lo > 0 || hi < 0 || math.Abs(float64(lo-min(0, want))) > 0.7 {
			t.Errorf("mean %v: codes from %v to %v", mean, lo, hi)
		}
		y, dx := slices.Clone(x), make([]float32, len(x))
		a.Begin(&graph.Run{})
		a.Forward(y, x)
		grad := make([]float64, 2)
		a.Backward(dx, x, slices.Repeat([]float32{1}, len(x)), grad)
		outside := 0.0
		for i, v := range x {
			if r := v / q.Scale; r <= float32(-q.ZeroPoint) || r >= float32(7-q.ZeroPoint) {
				outside++
			} else if dx[i] != 1 {
				t.Fatalf("no gradient at %v", v)
			}
		}
		if want := outside / math.Sqrt(9*7); !near(grad[1], want) {
			t.Errorf("mean %v: the gradient of the offset is %v, want %v", mean, grad[1], want)
		}
	}
	a := method(t, "lsq+").Activation(graph.New(1, graph.NewPool(1)), "x", qat.Options{Bits: 3, Size: 9})
	if len(a.Params()) != 1 {
		t.Errorf("a rectified tensor learns %d parameters, want its step", len(a.Params()))
	}
}

func TestPowersOfTwo(t *testing.T) {
	w := normal(4*30, 0.1, 8)
	s := statsOf(w)
	for _, name := range []string{"int", "pact", "lsq", "lsq+"} {
		for bits := 2; bits <= 8; bits++ {
			t.Run(fmt.Sprintf("%s, %d bits", name, bits), func(t *testing.T) {
				o := qat.Options{Bits: bits, Size: 30, Signed: true, PowerOfTwo: true}
				q := method(t, name).Weights(graph.New(1, graph.NewPool(1)), "w", o, []int{4, 30})
				q.Start(w)
				a := method(t, name).Activation(graph.New(1, graph.NewPool(1)), "x", o)
				a.Observe(&graph.Run{Pass: graph.Pass{Calibrate: true}}, s)
				codes := make([]int16, len(w))
				for _, s := range append(q.Integers(codes, w), a.Quantization().Scale) {
					if f, _ := math.Frexp(float64(s)); f != 0.5 {
						t.Errorf("the scale %v is no power of two", s)
					}
				}
				y := make([]float32, len(w))
				q.Forward(y, w)
				var e, all float64
				for i := range w {
					e += float64(w[i]-y[i]) * float64(w[i]-y[i])
					all += float64(w[i]) * float64(w[i])
				}
				if most := 2.5 * math.Exp2(float64(-2*bits)) * 4; e/all > most && e/all > 0.4 {
					t.Errorf("%v of the weights' square is lost", e/all)
				}
			})
		}
	}
	for _, p := range []qat.Policy{{Method: qat.DoReFa{}}, {Method: qat.Int{}, Weights: qat.WRPN{}}} {
		p.WeightBits, p.ActivationBits, p.PowerOfTwo = 4, 4, true
		if _, err := p.Layer("conv2", qat.Position{}); err == nil {
			t.Errorf("%+v: no error", p)
		}
	}
}
