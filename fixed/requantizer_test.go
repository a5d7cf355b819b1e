// SPDX-License-Identifier: Apache-2.0

package fixed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestRequantizerAgainstBig draws requantizers, keeps those that Check accepts, and compares Apply on accumulators
// at and inside the bounds with the rational definition.
func TestRequantizerAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	accepted := 0
	for accepted < 3000 {
		terms := 1 + rng.IntN(3)
		r := Requantizer{Bias: []int64{int64(rng.Uint64()) >> (1 + rng.IntN(62))}, AccBias: []int32{0},
			Shift: []uint8{uint8(rng.IntN(63))}, Zero: rng.Int32N(256), Hi: 255}
		if terms == 1 {
			r.AccBias[0] = int32(rng.Uint32()) >> rng.IntN(31)
		}
		maxAbs := make([][]int64, terms)
		for i := range maxAbs {
			maxAbs[i] = []int64{rng.Int64N(1 << 31 >> rng.IntN(30))}
			r.M = append(r.M, []int64{int64(rng.Uint64()) >> (1 + rng.IntN(62))})
		}
		if r.Check(maxAbs) != nil {
			continue
		}
		accepted++
		for range 20 {
			acc := make([]int64, terms)
			sum := big.NewInt(r.Bias[0])
			for i := range acc {
				acc[i] = rng.Int64N(2*maxAbs[i][0]+1) - maxAbs[i][0]
				if rng.IntN(3) == 0 {
					acc[i] = maxAbs[i][0] * (1 - 2*rng.Int64N(2))
				}
				a := big.NewInt(acc[i])
				if i == 0 {
					a.Add(a, big.NewInt(int64(r.AccBias[0])))
				}
				sum.Add(sum, a.Mul(a, big.NewInt(r.M[i][0])))
			}
			q := roundShiftBig(sum, uint(r.Shift[0]))
			q.Add(q, big.NewInt(int64(r.Zero)))
			want := int32(0)
			if q.Cmp(big.NewInt(255)) >= 0 {
				want = 255
			} else if q.Sign() > 0 {
				want = int32(q.Int64())
			}
			if got := r.Apply(0, acc...); got != want {
				t.Fatalf("%+v on %d: %d, want %d", r, acc, got, want)
			}
		}
	}
}

func TestRequantizerCheckRefuses(t *testing.T) {
	valid := func() (*Requantizer, [][]int64) {
		return &Requantizer{M: [][]int64{{1, 1}, {1, 1}}, Bias: make([]int64, 2), AccBias: make([]int32, 2), Shift: make([]uint8, 2), Hi: 255},
			[][]int64{{9, 9}, {9, 9}}
	}
	if r, bounds := valid(); r.Check(bounds) != nil {
		t.Fatal(r.Check(bounds))
	}
	one := &Requantizer{M: [][]int64{{1}}, Bias: []int64{0}, AccBias: []int32{math.MinInt32}, Shift: []uint8{0}}
	if err := one.Check([][]int64{{0}}); err == nil {
		t.Error("accumulator bias of -2^31 accepted")
	}
	for name, c := range map[string]struct {
		spoil func(r *Requantizer, bounds [][]int64)
		want  string
	}{
		"terms":       {func(r *Requantizer, _ [][]int64) { r.M = r.M[:1] }, "1 terms for 2"},
		"no terms":    {func(r *Requantizer, _ [][]int64) { r.M = nil }, "0 terms"},
		"multipliers": {func(r *Requantizer, _ [][]int64) { r.M[1] = r.M[1][:1] }, "term 1"},
		"bounds":      {func(r *Requantizer, b [][]int64) { b[1] = b[1][:1] }, "term 1"},
		"biases":      {func(r *Requantizer, _ [][]int64) { r.Bias = nil }, "0 biases"},
		"range":       {func(r *Requantizer, _ [][]int64) { r.Lo = 256 }, "empty range"},
		"shift":       {func(r *Requantizer, _ [][]int64) { r.Shift[1] = 63 }, "channel 1: shift 63"},
		"two terms":   {func(r *Requantizer, _ [][]int64) { r.AccBias[1] = 1 }, "channel 1: accumulator bias 1"},
		"accumulator": {func(r *Requantizer, b [][]int64) { b[1][0] = 1 << 31 }, "channel 0: accumulator of term 1"},
		"negative":    {func(r *Requantizer, b [][]int64) { b[0][1] = -1 }, "channel 1: accumulator of term 0"},
		"sum":         {func(r *Requantizer, _ [][]int64) { r.M[1][1] = MaxSum / 9 }, "channel 1: the sum"},
		"constant":    {func(r *Requantizer, _ [][]int64) { r.Bias[0] = math.MinInt64 }, "channel 0: the sum"},
	} {
		r, bounds := valid()
		c.spoil(r, bounds)
		if err := r.Check(bounds); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}
