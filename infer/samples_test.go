// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/signals"
)

// sampled is a model of signals of the given codes.
func sampled(t *testing.T, e signals.Encoding) *Model {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 1))
	b := qmodeltest.New(rng, 1, 4, len(e))
	b.Model.Input.Samples = e.Samples()
	return newTestModel(t, b.Finish(0, 3))
}

// TestEncoderEqualsSignals gives integer samples of every unit the codes that package signals gives the numbers they
// stand for, at and around every tie.
func TestEncoderEqualsSignals(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var e signals.Encoding
		unit := float32(math.Ldexp(1, rng.IntN(60)-40))
		for range 1 + rng.IntN(3) {
			lo := float32(rng.NormFloat64() * math.Pow(10, float64(rng.IntN(6)-2)) * float64(unit))
			found, err := signals.Find([]float32{lo, lo + float32(math.Exp(rng.NormFloat64()*5))*unit}, 1, 100)
			if err != nil {
				t.Fatal(err)
			}
			if rng.IntN(2) == 0 { // scales in which ties are whole samples
				found[0].Scale = unit * float32(2*(1+rng.IntN(9)))
			}
			e = append(e, found...)
		}
		enc, err := sampled(t, e).NewEncoder(math.Float32bits(unit))
		if err != nil {
			t.Fatal(err)
		}
		for c := range e {
			var list []int32
			for range 200 {
				list = append(list, int32(rng.IntN(1<<16)-1<<15))
			}
			for k := range 256 { // near where a code begins
				at := (float64(k) - 0.5 - float64(e[c].ZeroPoint)) * float64(e[c].Scale) / float64(unit)
				if math.Abs(at) < 1<<23 {
					list = append(list, int32(at)-1, int32(at), int32(at)+1)
				}
			}
			for _, v := range list {
				samples, reals := make([]int32, len(e)), make([]float32, len(e))
				for i := range samples {
					samples[i], reals[i] = v, float32(v)*unit
				}
				got, want := make([]uint8, len(e)), make([]uint8, len(e))
				if err := enc.Int32(got, samples); err != nil {
					t.Fatal(err)
				}
				if err := e.Encode(want, reals); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("sample %d of unit %v has the codes %v, want %v: %+v", v, unit, got, want, e)
				}
			}
		}
	}
}

// TestEncoderExtremes has scales and units of any size.
func TestEncoderExtremes(t *testing.T) {
	for _, scale := range []float32{math.SmallestNonzeroFloat32, 1e-38, 1, math.MaxFloat32} {
		for _, unit := range []float32{math.SmallestNonzeroFloat32, 1e-38, 1, math.MaxFloat32} {
			for _, zero := range []int32{-1 << 23, 0, 128, 1 << 23} {
				e := signals.Encoding{{Scale: scale, ZeroPoint: zero}}
				enc, err := sampled(t, e).NewEncoder(math.Float32bits(unit))
				if err != nil {
					t.Fatal(err)
				}
				for _, v := range []int16{math.MinInt16, -1, 0, 1, math.MaxInt16} {
					q := math.RoundToEven(float64(v)*float64(unit)/float64(scale)) + float64(zero)
					var got [1]uint8
					if err := enc.Int16(got[:], []int16{v}); err != nil || float64(got[0]) != min(max(q, 0), 255) {
						t.Errorf("%d·%v in steps of %v from %d is %d, want %v; %v", v, unit, scale, zero, got[0], q, err)
					}
				}
			}
		}
	}
}

func TestEncoderRefuses(t *testing.T) {
	m := sampled(t, signals.Encoding{{Scale: 1}, {Scale: 2}})
	for _, unit := range []uint32{0, 0x7f800000, 0x80000001} {
		if _, err := m.NewEncoder(unit); err == nil {
			t.Errorf("the unit %#x is taken", unit)
		}
	}
	enc, err := m.NewEncoder(UnitOne)
	if err != nil {
		t.Fatal(err)
	}
	if err := enc.Int16(make([]uint8, 3), make([]int16, 3)); err == nil || !strings.Contains(err.Error(), "3 samples for 3 codes, want as many, and as many of each channel, of which there are 2") {
		t.Error(err)
	}
	if _, err := newTestModel(t, qmodeltest.Tiny(rand.New(rand.NewPCG(1, 1)))).NewEncoder(UnitQ15); err == nil || !strings.Contains(err.Error(), "for images") {
		t.Error(err)
	}
}

// TestTop compares the top classes with all of them, sorted.
func TestTop(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	b := qmodeltest.New(rng, 2, 3, 1)
	m := newTestModel(t, b.Finish(0, 7))
	image := drawImages(rng, m.q, 1)
	logits := make([]int32, 7)
	if err := newTestRunner(t, m, Options{}).Run(logits, image); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= 7; n++ {
		top := make([]Score, n)
		if err := m.Top(top, image); err != nil {
			t.Fatal(err)
		}
		check(t, m, top, logits)
	}
	for range 2000 { // with equal ones
		for i := range logits {
			logits[i] = rng.Int32N(4) - 2
		}
		top := make([]Score, 1+rng.IntN(7))
		m.greatest(top, logits)
		check(t, m, top, logits)
	}
	for want, err := range map[string]error{
		"the model takes 6: 2×3×1, height, width and channels, a byte each": m.Top(make([]Score, 1), image[1:]),
		"room for 0 classes":                  m.Top(nil, image),
		"room for 8 classes, the model has 7": m.Top(make([]Score, 8), image),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func check(t *testing.T, m *Model, top []Score, logits []int32) {
	t.Helper()
	var all []Score
	for i, logit := range logits {
		all = append(all, Score{i, m.q.Classes[i], logit})
	}
	slices.SortStableFunc(all, func(a, b Score) int { return cmp.Compare(b.Logit, a.Logit) })
	if !slices.Equal(top, all[:len(top)]) {
		t.Fatalf("the top classes of %v are %v, want %v", logits, top, all[:len(top)])
	}
}

// A model of signals has the version of the file that has them.
func TestSamplesRaiseTheVersion(t *testing.T) {
	m := sampled(t, signals.Encoding{{Scale: 1}})
	if m.Version() != 5 {
		t.Errorf("version %d, want 5", m.Version())
	}
}
