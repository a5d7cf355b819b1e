// SPDX-License-Identifier: Apache-2.0

package fixed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestDotBound tries every corner of the input box: the maximum of a linear form is at one of them.
func TestDotBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for range 2000 {
		w := make([]int8, rng.IntN(8))
		for i := range w {
			w[i] = int8(rng.IntN(256) - 128)
		}
		lo, hi := -rng.Int32N(256), rng.Int32N(256)
		var want int64
		for corner := range 1 << len(w) {
			var acc int64
			for i, v := range w {
				x := lo
				if corner>>i&1 == 1 {
					x = hi
				}
				acc += int64(v) * int64(x)
			}
			want = max(want, acc, -acc)
		}
		if got := DotBound(w, lo, hi); got != want {
			t.Fatalf("DotBound(%d, %d, %d) = %d, want %d", w, lo, hi, got, want)
		}
	}
}

func TestSumBound(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	wide := func() int64 { return int64(rng.Uint64()) >> rng.IntN(64) }
	limit := big.NewInt(MaxSum)
	for range 200000 {
		m, maxAbs, b := []int64{wide(), wide()}, []int64{wide(), wide()}, wide()
		want := new(big.Int).Abs(big.NewInt(b))
		ok := true
		for i := range m {
			a := new(big.Int).Abs(big.NewInt(m[i]))
			ok = ok && maxAbs[i] >= 0 && a.Cmp(limit) < 0
			want.Add(want, a.Mul(a, big.NewInt(maxAbs[i])))
		}
		ok = ok && want.Cmp(limit) < 0
		got, fits := SumBound(m, maxAbs, b)
		if fits != ok || ok && got != want.Int64() {
			t.Fatalf("SumBound(%d, %d, %d) = %d, %v, want %v, %v", m, maxAbs, b, got, fits, want, ok)
		}
	}
	for _, b := range []int64{MaxSum, -MaxSum, math.MinInt64, math.MaxInt64} {
		if _, ok := SumBound(nil, nil, b); ok {
			t.Errorf("constant %d accepted", b)
		}
	}
}
