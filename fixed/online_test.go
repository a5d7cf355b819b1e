// SPDX-License-Identifier: Apache-2.0

package fixed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// clampBig returns x limited to [0, most].
func clampBig(x *big.Int, most int32) int32 {
	switch {
	case x.Sign() < 0:
		return 0
	case x.Cmp(big.NewInt(int64(most))) > 0:
		return most
	}
	return int32(x.Int64())
}

// online draws a range of 1 to 8 bits, and the extremes of values that include those at the ends of int32.
func online(rng *rand.Rand) (o Online, least, most int32) {
	o.Max = 1<<(1+rng.IntN(8)) - 1
	if rng.IntN(2) == 0 {
		o.Zero = rng.Int32N(o.Max + 1)
	}
	edge := []int32{0, 1, -1, MostValue, -MostValue, MostValue - 1}
	value := func() int32 {
		if rng.IntN(8) == 0 {
			return edge[rng.IntN(len(edge))]
		}
		return max(-MostValue, int32(rng.Uint32())>>rng.IntN(32))
	}
	a, b := value(), value()
	return o, min(a, b), max(a, b)
}

// TestOnlineStep compares the step with the greater of two fractions, and wants codes for both extremes.
func TestOnlineStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for range 200000 {
		o, least, most := online(rng)
		want := new(big.Rat)
		for _, side := range []struct{ v, codes int64 }{{int64(most), int64(o.Max - o.Zero)}, {-int64(least), int64(o.Zero)}} {
			if side.codes == 0 {
				continue
			}
			if x := big.NewRat(max(0, side.v), side.codes); x.Cmp(want) > 0 {
				want = x
			}
		}
		s := o.Step(least, most)
		if s.N < 0 || s.D < o.Divisor() || o.Divisor() < 1 {
			t.Fatalf("%+v.Step(%d, %d) = %+v, divisor %d", o, least, most, s, o.Divisor())
		}
		if got := big.NewRat(int64(s.N), int64(s.D)); got.Cmp(want) != 0 {
			t.Fatalf("%+v.Step(%d, %d) = %v, want %v", o, least, most, got, want)
		}
		if s.N > 0 && o.Zero < o.Max && most > 0 && s.D == o.Max-o.Zero && o.Code(most, s) != o.Max {
			t.Fatalf("%+v: the greatest value %d of step %+v has the code %d", o, most, s, o.Code(most, s))
		}
		if o.Code(0, s) != o.Zero {
			t.Fatalf("%+v: 0 has the code %d", o, o.Code(0, s))
		}
	}
}

// TestOnlineCode compares codes with the rounding of big fractions, ties among them.
func TestOnlineCode(t *testing.T) {
	rng := rand.New(rand.NewPCG(33, 34))
	for range 200000 {
		o, least, most := online(rng)
		s := o.Step(least, most)
		v := int32(rng.Int64N(int64(most)-int64(least)+1) + int64(least))
		if s.N > 0 && rng.IntN(4) == 0 { // near half a step
			v = int32(Clamp(int64(2*rng.IntN(256)-255)*int64(s.N)/(2*int64(s.D)), -MostValue, MostValue))
		}
		want := o.Zero
		if s.N > 0 {
			q := roundQuotient(new(big.Int).Mul(big.NewInt(int64(v)), big.NewInt(int64(s.D))), big.NewInt(int64(s.N)))
			want = clampBig(q.Add(q, big.NewInt(int64(o.Zero))), o.Max)
		}
		if got := o.Code(v, s); got != want {
			t.Fatalf("%+v.Code(%d, %+v) = %d, want %d", o, v, s, got, want)
		}
	}
}

// TestStepScale compares multipliers with the rounding of big fractions.
func TestStepScale(t *testing.T) {
	rng := rand.New(rand.NewPCG(35, 36))
	for range 200000 {
		s := Step{N: int32(rng.Uint32()>>1) >> rng.IntN(31), D: 1 + rng.Int32N(255)}
		m := int64(rng.Uint64()) >> (2 + rng.IntN(62))
		if rng.IntN(8) == 0 {
			s.N, m = MostValue, (MaxSum-1)*(1-2*rng.Int64N(2))
		}
		if rng.IntN(4) == 0 { // ties
			s.N, m = int32(s.D)*(s.N/s.D), 1<<rng.IntN(31)*(2*rng.Int64N(100)+1)
		}
		want := roundQuotient(new(big.Int).Mul(big.NewInt(m), big.NewInt(int64(s.N))), new(big.Int).Lsh(big.NewInt(int64(s.D)), 31))
		if got := s.Scale(m); got != want.Int64() {
			t.Fatalf("%+v.Scale(%d) = %d, want %v", s, m, got, want)
		}
	}
}

// TestOnlineRequantizer draws requantizers that Check accepts, and computes with big integers at the corners of what it has
// proved: no product and no sum leaves int64.
func TestOnlineRequantizer(t *testing.T) {
	rng := rand.New(rand.NewPCG(37, 38))
	accepted := 0
	for range 20000 {
		divisor := 1 + rng.Int32N(255)
		r := &Requantizer{
			M:    [][]int64{{int64(rng.Uint64()) >> (1 + rng.IntN(60))}, {int64(rng.Uint64()) >> (8 + rng.IntN(50))}},
			Bias: []int64{int64(rng.Uint64()) >> (1 + rng.IntN(60))}, AccBias: []int32{0}, Shift: []uint8{uint8(rng.IntN(MaxShift + 1))},
			Lo: -MostValue, Hi: MostValue, Divisors: []int32{divisor, 0},
		}
		bound := [][]int64{{rng.Int64N(1 << (1 + rng.IntN(31)))}, {rng.Int64N(256)}}
		if r.Check(bound) != nil {
			continue
		}
		accepted++
		steps := []Step{{MostValue, divisor}, {}}
		if rng.IntN(2) == 0 {
			steps[0] = Step{rng.Int32(), divisor + rng.Int32N(256-divisor)}
		}
		acc := []int64{bound[0][0] * (1 - 2*rng.Int64N(2)), bound[1][0] * (1 - 2*rng.Int64N(2))}
		m := roundQuotient(new(big.Int).Mul(big.NewInt(r.M[0][0]), big.NewInt(int64(steps[0].N))), new(big.Int).Lsh(big.NewInt(int64(steps[0].D)), 31))
		sum := m.Mul(m, big.NewInt(acc[0]))
		sum.Add(sum, new(big.Int).Mul(big.NewInt(r.M[1][0]), big.NewInt(acc[1])))
		sum.Add(sum, big.NewInt(r.Bias[0]))
		if !sum.IsInt64() || sum.CmpAbs(big.NewInt(MaxSum)) >= 0 {
			t.Fatalf("%+v with accumulators %d in steps %+v: the sum is %v", r, acc, steps, sum)
		}
		q := roundShiftBig(sum, uint(r.Shift[0]))
		want := int32(min(max(q.Int64(), -MostValue), MostValue))
		if got := r.ApplyImage(0, steps, acc...); got != want {
			t.Fatalf("%+v with accumulators %d in steps %+v = %d, want %d", r, acc, steps, got, want)
		}
	}
	if accepted < 2000 {
		t.Errorf("only %d requantizers were accepted", accepted)
	}
}

func TestOnlineRequantizerRefuses(t *testing.T) {
	valid := func() *Requantizer {
		return &Requantizer{M: [][]int64{{1 << 40}}, Bias: []int64{0}, AccBias: []int32{0}, Shift: []uint8{9}, Divisors: []int32{255}}
	}
	bound := [][]int64{{1000}}
	if err := valid().Check(bound); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(r *Requantizer){
		"accumulator bias": func(r *Requantizer) { r.AccBias[0] = 1 },
		"divisors":         func(r *Requantizer) { r.Divisors = []int32{1, 1} },
		"multiplier":       func(r *Requantizer) { r.M[0][0] = math.MinInt64 },
		"sum":              func(r *Requantizer) { r.M[0][0] = MaxSum - 1; r.Divisors[0] = 1 },
	} {
		r := valid()
		if change(r); r.Check(bound) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
