// SPDX-License-Identifier: Apache-2.0

package fixed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// roundQuotient is the reference: n/d to nearest, ties to even, from the definition on big integers.
func roundQuotient(n, d *big.Int) *big.Int {
	q, r := new(big.Int).DivMod(n, d, new(big.Int)) // 0 <= r < d
	switch r.Lsh(r, 1).Cmp(d) {
	case 1:
		return q.Add(q, big.NewInt(1))
	case 0:
		return q.Add(q, big.NewInt(int64(q.Bit(0))))
	}
	return q
}

func roundShiftBig(x *big.Int, s uint) *big.Int {
	return roundQuotient(x, new(big.Int).Lsh(big.NewInt(1), s))
}

func TestRoundShiftSmall(t *testing.T) {
	for s := range uint8(9) {
		for x := int64(-2000); x <= 2000; x++ {
			want := int64(math.RoundToEven(float64(x) / float64(int64(1)<<s)))
			if got := RoundShift(x, s); got != want {
				t.Fatalf("RoundShift(%d, %d) = %d, want %d", x, s, got, want)
			}
		}
	}
}

func TestRoundShiftWide(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	check := func(x int64, s uint8) {
		t.Helper()
		want := roundShiftBig(big.NewInt(x), uint(s))
		if got := RoundShift(x, s); !want.IsInt64() || got != want.Int64() {
			t.Fatalf("RoundShift(%d, %d) = %d, want %v", x, s, got, want)
		}
	}
	for s := range uint8(MaxShift + 1) {
		half := int64(1) << s >> 1
		for _, x := range []int64{math.MinInt64, math.MinInt64 + 1, math.MaxInt64, math.MaxInt64 - 1, -1, 0, 1,
			half, half - 1, half + 1, -half, -half - 1, 1 - half, 3 * half, MaxSum, -MaxSum, MaxSum - half, half - MaxSum} {
			check(x, s)
		}
		for range 500 {
			check(int64(rng.Uint64())>>rng.IntN(63), s)
			check((rng.Int64N(1<<20)-1<<19)*half, s) // multiples of a half: ties
		}
	}
}

func TestMultiplierFromBitsIsExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	check := func(b uint32) {
		t.Helper()
		f := float64(math.Float32frombits(b))
		m, err := MultiplierFromBits(b)
		if math.IsNaN(f) || math.IsInf(f, 0) {
			if err == nil {
				t.Fatalf("bits %#x: NaN or infinity accepted", b)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := math.Ldexp(float64(m.Mantissa), -m.Shift); got != f {
			t.Fatalf("bits %#x: %d·2^-%d = %v, want %v", b, m.Mantissa, m.Shift, got, f)
		}
		if m.Mantissa == 0 && m.Shift != 0 || m.Mantissa != 0 && m.Mantissa&1 == 0 || m.Mantissa >= 1<<24 || m.Mantissa <= -1<<24 {
			t.Fatalf("bits %#x: %+v is not normal", b, m)
		}
	}
	for _, b := range []uint32{0, 1 << 31, 1, 2, 1<<23 - 1, 1 << 23, 1<<23 + 1, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001, 0x3f800000, 0xbf000000} {
		check(b)
	}
	for range 200000 {
		check(rng.Uint32())
	}
}

func TestMultiplierAt(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 20000 {
		m, err := MultiplierFromBits(rng.Uint32() &^ (1 << 30)) // magnitudes below 2
		if err != nil {
			t.Fatal(err)
		}
		for shift := range MaxShift + 1 {
			want := big.NewInt(int64(m.Mantissa))
			if up := shift - m.Shift; up >= 0 {
				want.Lsh(want, uint(up))
			} else {
				want = roundShiftBig(want, uint(-up))
			}
			got, ok := m.At(shift)
			if fits := new(big.Int).Abs(want).Cmp(big.NewInt(MaxSum)) < 0; ok != fits || ok && got != want.Int64() {
				t.Fatalf("(%+v).At(%d) = %d, %v, want %v, %v", m, shift, got, ok, want, fits)
			}
		}
	}
}

func TestExactShift(t *testing.T) {
	if s := ExactShift(); s != 0 {
		t.Errorf("no terms: %d", s)
	}
	if s := ExactShift(Multiplier{3, -4}, Multiplier{}); s != 0 {
		t.Errorf("integers: %d", s)
	}
	if s := ExactShift(Multiplier{3, 5}, Multiplier{-1, 70}, Multiplier{1, -2}); s != 70 {
		t.Errorf("mixed: %d", s)
	}
}

func TestRequantize(t *testing.T) {
	for _, c := range []struct {
		sum          int64
		shift        uint8
		zero, lo, hi int32
		want         int32
	}{
		{5, 1, 0, 0, 255, 2},  // 2.5: tie to even
		{7, 1, 0, 0, 255, 4},  // 3.5
		{5, 1, 3, 0, 255, 5},  // rounded before the zero point, which would turn the tie: 3 + 2
		{-5, 1, 3, 0, 255, 1}, // 3 - 2
		{-100, 0, 3, 0, 255, 0},
		{MaxSum, 0, 0, math.MinInt32, math.MaxInt32, math.MaxInt32},
		{-MaxSum, 0, math.MinInt32, math.MinInt32, math.MaxInt32, math.MinInt32},
		{MaxSum, 62, 10, 0, 255, 11},
		{MaxSum / 2, 62, 10, 0, 255, 10},
	} {
		if got := Requantize(c.sum, c.shift, c.zero, c.lo, c.hi); got != c.want {
			t.Errorf("Requantize(%d, %d, %d, %d, %d) = %d, want %d", c.sum, c.shift, c.zero, c.lo, c.hi, got, c.want)
		}
	}
}
