// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

func TestRoundEven32(t *testing.T) {
	check := func(x float32) {
		t.Helper()
		want := float32(math.RoundToEven(float64(x)))
		if got := RoundEven32(x); got != want && (got == got || want == want) {
			t.Fatalf("RoundEven32(%v) = %v, want %v", x, got, want)
		}
	}
	inf := float32(math.Inf(1))
	for _, x := range []float32{0, inf, -inf, float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 0.49999997, 0.5, 0.50000006} {
		check(x)
		check(-x)
	}
	for k := float32(-70000); k <= 70000; k++ { // whole and half numbers and their neighbours
		for _, x := range []float32{k, k + 0.5} {
			check(x)
			check(math.Nextafter32(x, inf))
			check(math.Nextafter32(x, -inf))
		}
	}
	for x := float32(1 << 21); x < 1<<25; x *= 2 {
		for _, y := range []float32{x, x + 0.5, x - 0.5, x - 0.25, x - 1, math.Nextafter32(x, inf), math.Nextafter32(x, 0)} {
			check(y)
			check(-y)
		}
	}
	for b := uint64(0); b < 1<<32; b += 4093 { // a prime stride through all float32
		check(math.Float32frombits(uint32(b)))
	}
}

func TestFormatRange(t *testing.T) {
	for _, c := range []struct {
		f        Format
		min, max int32
	}{
		{Activation(1), 0, 1}, {Activation(4), 0, 15}, {Activation(8), 0, 255},
		{Weight(1), -1, 1}, {Weight(2), -1, 1}, {Weight(4), -7, 7}, {Weight(8), -127, 127},
		{Format{Bits: 8, Signed: true}, -128, 127}, {Format{Bits: 1, Signed: true}, -1, 0},
	} {
		if c.f.Min() != c.min || c.f.Max() != c.max {
			t.Errorf("%+v: [%d, %d], want [%d, %d]", c.f, c.f.Min(), c.f.Max(), c.min, c.max)
		}
	}
}

func TestQuantize(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, f := range []Format{Activation(1), Activation(3), Activation(8), Weight(2), Weight(4), Weight(8), {Bits: 8, Signed: true}} {
		check := func(x, scale float32, zero int32) {
			t.Helper()
			want := zero
			if v := float64(float32(x / scale)); v == v {
				want = int32(min(max(math.RoundToEven(v)+float64(zero), float64(f.Min())), float64(f.Max())))
			}
			if got := f.Quantize(x, scale, zero); got != want {
				t.Fatalf("%+v.Quantize(%v, %v, %d) = %d, want %d", f, x, scale, zero, got, want)
			}
		}
		for range 20000 {
			zero := f.Min() + rng.Int32N(f.Max()-f.Min()+1)
			scale := float32(math.Exp(rng.NormFloat64()))
			check(float32(rng.NormFloat64()*100), scale, zero)
			check(float32(rng.IntN(1000)-500)/2, 1, zero) // ties
			for _, x := range []float32{nan, inf, -inf, 0, math.MaxFloat32, -math.MaxFloat32} {
				check(x, scale, zero)
			}
		}
	}
	for x, want := range map[float32]int32{-3: -1, -1e-30: -1, 0: 1, 1e-30: 1, inf: 1, -inf: -1} {
		if got := Weight(1).Quantize(x, 0.5, 0); got != want {
			t.Errorf("sign of %v: %d, want %d", x, got, want)
		}
	}
}

func TestQuantizeInvertsReal(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 1000 {
		p := Params{Scale: float32(math.Exp(5 * rng.NormFloat64())), ZeroPoint: rng.Int32N(256)}
		for q := range int32(256) {
			if got := Activation(8).Quantize(p.Real(q), p.Scale, p.ZeroPoint); got != q {
				t.Fatalf("%+v: code %d comes back as %d", p, q, got)
			}
		}
	}
}

func TestAverageMultiplier(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 5000 {
		sx, sy := float32(math.Exp(3*rng.NormFloat64())), float32(math.Exp(3*rng.NormFloat64()))
		n := 1 + rng.IntN(200)
		exact := new(big.Float).SetPrec(400).SetFloat64(float64(sx))
		exact.Quo(exact, new(big.Float).SetPrec(100).SetFloat64(float64(sy)*float64(n))) // 24 + 8 bits: exact
		want, _ := exact.Float32()
		if got := AverageMultiplier(sx, sy, n); got != want {
			t.Fatalf("AverageMultiplier(%v, %v, %d) = %v, want %v", sx, sy, n, got, want)
		}
	}
	for _, m := range []float32{AverageMultiplier(float32(math.NaN()), 1, 4), AverageMultiplier(1, 0, 4), AverageMultiplier(1, 1, 0)} {
		if m-m == 0 {
			t.Errorf("undefined average has the multiplier %v", m)
		}
	}
}
