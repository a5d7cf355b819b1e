// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// steps returns weights of lsq with the given steps, one a channel.
func steps(bits, size int, step ...float32) qat.Weights {
	q := qat.LSQ{}.Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: bits}, []int{len(step), size})
	copy(q.Params()[0].Value, step)
	return q
}

// expected says of the codes that a weight had, from the beginning on, whether it is frozen after all of them, and to what,
// by the definition as sums over the whole history.
func expected(history []float64, final float64, steps int) (code float64, frozen bool) {
	m := final / 4
	for t := 1; t < len(history); t++ {
		frequency, mean, last := 0.0, math.Pow(1-m, float64(t))*history[0], 0.0
		for s := 1; s <= t; s++ {
			weight := m * math.Pow(1-m, float64(t-s))
			change := history[s] - history[s-1]
			if change*last < 0 {
				frequency += weight
			}
			if change != 0 {
				last = change
			}
			mean += weight * history[s]
		}
		limit := final + 9*final*(1+math.Cos(math.Pi*float64(t)/float64(steps)))/2
		if frequency > limit {
			return math.RoundToEven(mean), true
		}
	}
	return history[len(history)-1], false
}

// TestFreezing follows weights that oscillate at all rates and compares with the definition. A frozen weight keeps its
// code whatever the optimizer and the step do.
func TestFreezing(t *testing.T) {
	const bits, channels, size, all, final = 3, 2, 20, 60, 0.08
	rng := rand.New(rand.NewPCG(1, 2))
	step := []float32{0.5, 0.02}
	q := steps(bits, size, step...)
	w := make([]float32, channels*size)
	history := make([][]float64, len(w))
	draw := func() {
		for i := range w {
			code, rate := 0.0, float64(i%size)/size // of turns
			if k := len(history[i]); k > 0 {
				code = history[i][k-1]
				if rng.Float64() < rate {
					code = 1 - code
				} else if i%5 == 4 { // drifts to the end of the codes
					code = min(code+1, 3)
				}
			}
			history[i] = append(history[i], code)
			w[i] = (float32(code) + 0.4*(rng.Float32()-0.5)) * step[i/size]
		}
	}
	draw()
	o := qat.NewOscillations("w.oscillation", len(w))
	o.Start(w, q)
	for n := 1; n <= all; n++ {
		draw()
		o.Freeze(w, q, final, float64(n)/all)
		frozen := 0
		for i := range w {
			code, is := expected(history[i], final, all)
			if is {
				frozen++
				if w[i] != float32(code)*step[i/size] {
					t.Fatalf("step %d: weight %d is %v, want it frozen to %v steps", n, i, w[i], code)
				}
			} else if got := math.RoundToEven(float64(w[i] / step[i/size])); got != code {
				t.Fatalf("step %d: weight %d has the code %v, want %v, not frozen", n, i, got, code)
			}
		}
		if o.Frozen() != frozen {
			t.Fatalf("step %d: %d weights are frozen, want %d", n, o.Frozen(), frozen)
		}
	}
	if n := o.Frozen(); n < 5 || n > 35 {
		t.Errorf("%d of %d weights were frozen: the test says little", n, len(w))
	}
	before := slices.Clone(w)
	codes, again := make([]int16, len(w)), make([]int16, len(w))
	q.Integers(codes, w)
	for i := range w {
		w[i] += 0.3 * step[i/size] // of the optimizer
	}
	q.Params()[0].Value[0] *= 1.7
	o.Freeze(w, q, final, 1)
	q.Integers(again, w)
	changed := 0
	for i := range w {
		if _, is := expected(history[i], final, all); is && codes[i] != again[i] {
			t.Errorf("the frozen weight %d has the code %d, had %d", i, again[i], codes[i])
		}
		if w[i] != before[i] {
			changed++
		}
	}
	if changed == 0 {
		t.Error("frozen weights do not follow their scale")
	}
	if o.Start(w, q); o.Frozen() != 0 {
		t.Error("frozen weights stay so when quantization starts anew")
	}
}

// TestOneTurnFreezesNothing gives every weight one turn under the final threshold.
func TestOneTurnFreezesNothing(t *testing.T) {
	for _, final := range []float64{0.001, 0.01, 0.5} {
		q, o, w := steps(2, 1, 1), qat.NewOscillations("w", 1), []float32{0}
		o.Start(w, q)
		for _, code := range []float32{1, 0, 0, 0} {
			w[0] = code
			o.Freeze(w, q, final, 1)
		}
		if o.Frozen() != 0 {
			t.Errorf("threshold %v: one turn freezes", final)
		}
	}
}

// TestOscillationsState goes on from a copy of the state to the same bits.
func TestOscillationsState(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	run := func(o *qat.Oscillations, w []float32, rng *rand.Rand, from, to int) {
		q := steps(2, len(w), 0.1)
		for n := from; n < to; n++ {
			for i := range w {
				w[i] += 0.1 * float32(rng.NormFloat64())
			}
			o.Freeze(w, q, 0.1, float64(n)/40)
		}
	}
	w := make([]float32, 50)
	whole := qat.NewOscillations("w", len(w))
	run(whole, w, rng, 0, 20)
	resumed, again := qat.NewOscillations("w", len(w)), slices.Clone(w)
	for i, s := range resumed.State() {
		copy(s.Data, whole.State()[i].Data)
	}
	run(whole, w, rand.New(rand.NewPCG(5, 6)), 20, 40)
	run(resumed, again, rand.New(rand.NewPCG(5, 6)), 20, 40)
	if !slices.Equal(w, again) || whole.Frozen() == 0 || resumed.Frozen() != whole.Frozen() {
		t.Errorf("%d weights are frozen, %d in one go", resumed.Frozen(), whole.Frozen())
	}
}

// TestDampenGradient compares with central differences of the loss, the quantized weights being constants.
func TestDampenGradient(t *testing.T) {
	for _, m := range qat.Methods() {
		if !m.Info().Steady {
			continue
		}
		t.Run(m.Info().Name, func(t *testing.T) {
			const most, progress, size = 0.3, 0.4, 60
			w := normal(2*size, 0.2, 7)
			q := m.Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: 3}, []int{2, size})
			q.Start(w)
			y, codes := make([]float32, len(w)), make([]int16, len(w))
			q.Forward(y, w)
			scales := q.Integers(codes, w)
			grad := make([]float32, len(w))
			for i := range grad {
				grad[i] = float32(i)
			}
			qat.NewOscillations("w", len(w)).Dampen(grad, w, q, most, progress)
			lambda := most * (1 - math.Cos(math.Pi*progress)) / 2
			for i, v := range w {
				end := 3 * float64(scales[i*len(scales)/len(w)])
				loss := func(v float64) float64 {
					d := float64(y[i]) - min(max(v, -end), end)
					return lambda * d * d
				}
				const h = 1e-4
				want := (loss(float64(v)+h) - loss(float64(v)-h)) / (2 * h)
				if got := float64(grad[i]) - float64(i); math.Abs(math.Abs(float64(v))-end) > h && math.Abs(got-want) > 1e-5 {
					t.Errorf("weight %v, %d codes: the gradient is %v, want %v", v, codes[i], got, want)
				}
			}
		})
	}
}

// TestSteadyIsRefused names the method whose weights cannot be kept from oscillating; those of more bits are left alone.
func TestSteadyIsRefused(t *testing.T) {
	for _, p := range []qat.Policy{{Dampen: 0.1}, {FreezeOscillating: 0.01}} {
		for _, m := range qat.Methods() {
			info := m.Info()
			p.Method, p.WeightBits, p.ActivationBits = m, info.WeightBits[0], info.ActivationBits[len(info.ActivationBits)-1]
			l, err := p.Layer("conv2", qat.Position{})
			want := fmt.Sprintf("method %s has no weights that could be kept from oscillating", info.Name)
			if info.Steady != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v", info.Name, err)
			}
			if err == nil && !p.Steadies(l) {
				t.Errorf("%s: weights of %d bits are left alone", info.Name, l.WeightBits)
			}
		}
		p.Method, p.WeightBits, p.ActivationBits = qat.DoReFa{}, 8, 8
		if l, err := p.Layer("conv2", qat.Position{}); err != nil || p.Steadies(l) {
			t.Errorf("8 bits: %v", err)
		}
	}
}
