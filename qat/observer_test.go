// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

var (
	nan = float32(math.NaN())
	inf = float32(math.Inf(1))
)

// drawRanges returns ranges of batches, as an observer sees them.
func drawRanges(n int, rng *rand.Rand) []graph.Stats {
	s := make([]graph.Stats, n)
	for i := range s {
		lo := float32(rng.NormFloat64())
		s[i] = graph.Stats{Min: lo, Max: lo + float32(rng.ExpFloat64())}
	}
	return s
}

// TestMovingAverage compares the bias-corrected average with its closed form
// Σ (1−d) d^(t−i) v_i / (1 − d^t).
func TestMovingAverage(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, decay := range []float32{0.5, 0.9, 0.99} {
		o := qat.Observer{Decay: decay}
		if _, _, ok := o.Range(); ok {
			t.Error("a range before any batch")
		}
		seen := drawRanges(300, rng)
		for i := range seen {
			seen[i].Min, seen[i].Max = seen[i].Min-3, seen[i].Max+3 // 0 is inside
		}
		d := float64(decay)
		for n := 1; n <= len(seen); n++ {
			o.Observe(seen[n-1])
			var lo, hi float64
			for i, s := range seen[:n] {
				w := (1 - d) * math.Pow(d, float64(n-1-i)) / (1 - math.Pow(d, float64(n)))
				lo += w * float64(s.Min)
				hi += w * float64(s.Max)
			}
			gotLo, gotHi, ok := o.Range()
			if !ok || math.Abs(float64(gotLo)-lo) > 1e-5*math.Abs(lo) || math.Abs(float64(gotHi)-hi) > 1e-5*hi {
				t.Fatalf("decay %v, after %d batches: [%v, %v], want [%v, %v]", decay, n, gotLo, gotHi, lo, hi)
			}
		}
	}
}

// TestMinMax keeps the extremes of all batches, whatever their order.
func TestMinMax(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		seen := drawRanges(20, rng)
		var o, shuffled qat.Observer
		var least, most float32
		for _, s := range seen {
			least, most = min(least, s.Min), max(most, s.Max)
			o.Observe(s)
			if lo, hi, ok := o.Range(); !ok || lo != least || hi != most {
				t.Fatalf("range [%v, %v], want [%v, %v]", lo, hi, least, most)
			}
		}
		rng.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
		for _, s := range seen {
			shuffled.Observe(s)
		}
		if shuffled != o {
			t.Fatal("the order of the batches matters")
		}
	}
}

// TestObserverIgnoresNothing leaves out batches without numbers.
func TestObserverIgnoresNothing(t *testing.T) {
	for _, decay := range []float32{0, 0.9} {
		o := qat.Observer{Decay: decay}
		nothing := []graph.Stats{{Min: inf, Max: -inf}, {Min: nan, Max: nan}, {Min: nan, Max: 1}, {Min: 0, Max: nan}}
		for _, s := range nothing {
			o.Observe(s)
		}
		if _, _, ok := o.Range(); ok {
			t.Errorf("decay %v: a range of nothing", decay)
		}
		o.Observe(graph.Stats{Min: 2, Max: 4})
		before := o
		for _, s := range nothing {
			o.Observe(s)
		}
		if o != before {
			t.Errorf("decay %v: nothing moved the range", decay)
		}
		if lo, hi, _ := o.Range(); lo != 0 || hi != 4 {
			t.Errorf("decay %v: the range of [2, 4] with 0 is [%v, %v]", decay, lo, hi)
		}
		o = qat.Observer{Decay: decay}
		o.Observe(graph.Stats{Min: -4, Max: -2})
		if lo, hi, _ := o.Range(); lo != -4 || hi != 0 {
			t.Errorf("decay %v: the range of [-4, -2] with 0 is [%v, %v]", decay, lo, hi)
		}
	}
}

// TestRangeToCodes checks the scale and the zero point that "int" makes of a
// range: the codes span it to half a step, and 0 is one of them.
func TestRangeToCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for bits := 2; bits <= 8; bits++ {
		for i := range 300 {
			a := method(t, "int").Activation(nil, "x", qat.Options{Bits: bits, MinMax: true})
			size := math.Exp2(float64(rng.IntN(80) - 40))
			lo, hi := float32(-size*rng.Float64()), float32(size*rng.Float64())
			switch i % 3 {
			case 1:
				lo = 0
			case 2:
				hi = 0
			}
			a.Observe(&graph.Run{}, graph.Stats{Min: lo, Max: hi})
			q := a.Quantization()
			most := int32(1<<bits - 1)
			if q.Lo != 0 || q.Hi != most || q.ZeroPoint < 0 || q.ZeroPoint > most || a.Bits() != bits {
				t.Fatalf("%d bits: %+v", bits, q)
			}
			if want := float32((float64(hi) - float64(lo)) / float64(most)); math.Abs(float64(q.Scale-want)) > 1e-6*float64(want) {
				t.Fatalf("[%v, %v] at %d bits: scale %v, want %v", lo, hi, bits, q.Scale, want)
			}
			slack := q.Scale * 0.5001
			if q.Real(q.Lo) > lo+slack || q.Real(q.Hi) < hi-slack || q.Real(q.ZeroPoint) != 0 {
				t.Fatalf("[%v, %v] at %d bits: codes for [%v, %v], 0 is %v", lo, hi, bits, q.Real(q.Lo), q.Real(q.Hi), q.Real(q.ZeroPoint))
			}
		}
	}
}
