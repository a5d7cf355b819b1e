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
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/quant"
)

func method(t testing.TB, name string) qat.Method {
	t.Helper()
	m, err := qat.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// activation returns a quantizer with its only learned parameter, if it has one.
func activation(t testing.TB, name string, o qat.Options) (qat.Activation, *graph.Param) {
	t.Helper()
	a := method(t, name).Activation(graph.New(1, graph.NewPool(1)), "x", o)
	if p := a.Params(); len(p) > 0 {
		return a, p[0]
	}
	return a, nil
}

func TestLookup(t *testing.T) {
	names := map[string]bool{}
	for _, m := range qat.Methods() {
		found, err := qat.Lookup(m.Info().Name)
		if err != nil || fmt.Sprint(found) != fmt.Sprint(m) || names[m.Info().Name] || m.Info().Paper == "" || len(m.Info().WeightBits) == 0 || len(m.Info().ActivationBits) == 0 {
			t.Errorf("method %q: %v, %+v", m.Info().Name, err, m)
		}
		names[m.Info().Name] = true
	}
	if _, err := qat.Lookup("quant"); err == nil || !strings.Contains(err.Error(), `no method "quant"; choose one of int, pact`) {
		t.Errorf("error %v", err)
	}
}

// TestNew gives methods their part of the settings.
func TestNew(t *testing.T) {
	s := settings.All{TTQ: settings.TTQ{Threshold: 0.25}, INQ: settings.INQ{Steps: []float64{1}}}
	for name, want := range map[string]qat.Method{"ttq": qat.TTQ{Threshold: 0.25}, "inq": qat.INQ{Steps: []float64{1}}, "pact": qat.PACT{}} {
		if m, err := qat.New(name, s); err != nil || fmt.Sprint(m) != fmt.Sprint(want) {
			t.Errorf("%s: %v, %v, want %v", name, m, err, want)
		}
	}
}

// TestInfoAgrees compares what a method says of itself with what its quantizers do.
func TestInfoAgrees(t *testing.T) {
	for _, m := range qat.Methods() {
		i := m.Info()
		for _, bits := range i.WeightBits {
			q := m.Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: bits}, []int{2, 3})
			if bits > 1 && q.Coding() != i.Coding {
				t.Errorf("%s: the coding of %d-bit weights is %v, it says %v", i.Name, bits, q.Coding(), i.Coding)
			}
		}
		for _, bits := range i.ActivationBits {
			if _, signs := m.Activation(graph.New(1, graph.NewPool(1)), "x", qat.Options{Bits: bits, Size: 1}).(qat.Signs); signs != i.Signs {
				t.Errorf("%s: its activations are signs: %v, it says %v", i.Name, signs, i.Signs)
			}
		}
	}
}

// TestActivations holds every method to what the rest of the system relies on.
func TestActivations(t *testing.T) {
	for _, m := range qat.Methods() {
		for _, bits := range m.Info().ActivationBits {
			for _, signed := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %d bits, signed %v", m.Info().Name, bits, signed), func(t *testing.T) {
					checkActivation(t, m, qat.Options{Bits: bits, Signed: signed, Size: 100})
				})
			}
		}
	}
}

func checkActivation(t *testing.T, m qat.Method, o qat.Options) {
	newOne := func() qat.Activation { return m.Activation(graph.New(1, graph.NewPool(1)), "x", o) }
	rng := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, 999)
	for i := range x {
		x[i] = float32(2 * rng.NormFloat64())
		if !o.Signed {
			x[i] = max(0, x[i])
		}
	}
	run := &graph.Run{Pass: graph.Pass{Calibrate: true}}
	for name, seen := range map[string][]float32{"nothing": nil, "zeros": make([]float32, 9), "values": x} {
		a := newOne()
		if seen != nil {
			a.Observe(run, statsOf(seen))
		}
		a.Constrain()
		q := a.Quantization()
		if a.Bits() != o.Bits || !(q.Scale > 0) || q.Scale > math.MaxFloat32 || q.Lo < 0 || q.Hi >= 1<<o.Bits || q.ZeroPoint < q.Lo || q.ZeroPoint > q.Hi {
			t.Fatalf("after %s: %+v", name, q)
		}
		if !o.Signed && q.ZeroPoint != 0 {
			t.Errorf("after %s: a rectified tensor has the zero point %d", name, q.ZeroPoint)
		}
		y := make([]float32, len(x))
		a.Begin(run)
		a.Forward(y, x)
		if signs, ok := a.(qat.Signs); ok {
			checkSigns(t, signs, x, y)
			continue
		}
		codes := map[int32]bool{}
		for i, v := range y {
			code := int32(math.RoundToEven(float64(v/q.Scale))) + q.ZeroPoint
			if code < q.Lo || code > q.Hi || q.Real(code) != v {
				t.Fatalf("after %s: %v became %v, which is not the value of a code of %+v", name, x[i], v, q)
			}
			codes[code] = true
		}
		if name == "values" && len(codes) < int(q.Hi-q.Lo+1)/8 { // few of 8 bits with the first step of lsq
			t.Errorf("only %d of the codes %d to %d occur", len(codes), q.Lo, q.Hi)
		}
		again := slices.Clone(y)
		a.Forward(again, again)
		if !slices.Equal(again, y) {
			t.Errorf("after %s: quantizing twice changes values", name)
		}
		zero := []float32{0}
		if a.Forward(zero, zero); zero[0] != 0 {
			t.Errorf("after %s: 0 became %v", name, zero[0])
		}

		// A checkpoint's parameters and state make another the same.
		b := newOne()
		for i, p := range a.Params() {
			copy(b.Params()[i].Value, p.Value)
		}
		if len(a.State()) != len(b.State()) {
			t.Fatalf("%d and %d states", len(a.State()), len(b.State()))
		}
		for i, s := range a.State() {
			copy(b.State()[i].Data, s.Data)
		}
		if b.Quantization() != q {
			t.Errorf("after %s: restored as %+v, want %+v", name, b.Quantization(), q)
		}
	}
}

// TestWeights holds every method's weights to the same.
func TestWeights(t *testing.T) {
	for _, m := range qat.Methods() {
		for _, bits := range m.Info().WeightBits {
			for _, perTensor := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %d bits, per tensor %v", m.Info().Name, bits, perTensor), func(t *testing.T) {
					checkWeights(t, m, qat.Options{Bits: bits, PerTensor: perTensor})
				})
			}
		}
	}
}

func checkWeights(t *testing.T, m qat.Method, o qat.Options) {
	const channels, size = 4, 30
	rng := rand.New(rand.NewPCG(1, 2))
	for name, deviation := range map[string]float64{"usual": 0.1, "large": 1e6, "tiny": 1e-5, "zero": 0} {
		w := make([]float32, channels*size)
		for i := range w {
			w[i] = float32(deviation * rng.NormFloat64())
		}
		q := m.Weights(graph.New(1, graph.NewPool(1)), "w", o, []int{channels, size})
		q.Start(w)
		q.Constrain(w)
		y, codes := make([]float32, len(w)), make([]int16, len(w))
		q.Forward(y, w)
		scale := q.Integers(codes, w)
		sets := q.Coding().Sets(o.Bits)
		if n := len(scale); n != sets && n != sets*channels || q.Bits() != o.Bits {
			t.Fatalf("%s: %d scales of %d sets, %d bits", name, n, sets, q.Bits())
		}
		each := len(scale) / sets
		for i, c := range codes {
			if most := greatest(q.Coding(), o.Bits); int(c) > most || int(c) < -most {
				t.Fatalf("%s: weight %v has the code %d, beyond %d", name, w[i], c, most)
			}
			var value float32
			for k := range sets {
				s := scale[k*each+i*each/len(codes)]
				if s != s || s > math.MaxFloat32 || s < 0 && q.Coding() != quant.Planes {
					t.Fatalf("%s: scale %v", name, s)
				}
				value += s * part(t, q.Coding(), k, c)
			}
			if y[i] != value {
				t.Fatalf("%s: weight %v has the code %d of value %v, and the value %v", name, w[i], c, value, y[i])
			}
		}
	}
}

// greatest is the greatest magnitude of integer weights.
func greatest(coding quant.Coding, bits int) int {
	switch {
	case coding == quant.Odd, coding == quant.Planes:
		return 1<<bits - 1
	case coding == quant.Powers:
		return 1 << (1<<(bits-2) - 1)
	case bits == 1:
		return 1
	default:
		return 1<<(bits-1) - 1
	}
}

// part is what the integer of a weight is in set k.
func part(t *testing.T, coding quant.Coding, k int, c int16) float32 {
	switch coding {
	case quant.Odd:
		if c%2 == 0 {
			t.Fatalf("%d is not odd", c)
		}
	case quant.Powers:
		if a := max(c, -c); a&(a-1) != 0 {
			t.Fatalf("%d is no power of two", c)
		}
	case quant.Split:
		if (c > 0) != (k == 0) {
			return 0
		}
	case quant.Planes:
		if c < 0 {
			t.Fatalf("planes %d", c)
		}
		return float32(c>>k&1*2 - 1)
	}
	return float32(c)
}
