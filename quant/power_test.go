// SPDX-License-Identifier: Apache-2.0

package quant_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/quant"
)

func TestPowerOfTwo(t *testing.T) {
	for _, c := range []struct{ x, nearest, above float64 }{
		{1, 1, 1}, {0.5, 0.5, 0.5}, {3, 4, 4}, {2.8, 2, 4}, {2.83, 4, 4}, {0.7, 0.5, 1}, {0.71, 1, 1}, {1025, 1024, 2048},
		{math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64, math.SmallestNonzeroFloat64},
		{0x1p1000, 0x1p1000, 0x1p1000}, {0x1.2p-1000, 0x1p-1000, 0x1p-999},
		{0, 0, 0}, {math.Inf(1), math.Inf(1), math.Inf(1)},
	} {
		if got := quant.PowerOfTwo(c.x); got != c.nearest {
			t.Errorf("nearest to %v: %v, want %v", c.x, got, c.nearest)
		}
		if got := quant.PowerOfTwoAbove(c.x); got != c.above {
			t.Errorf("above %v: %v, want %v", c.x, got, c.above)
		}
	}
	for x := 1e-9; x < 1e9; x *= 1.0137 {
		p, above := quant.PowerOfTwo(x), quant.PowerOfTwoAbove(x)
		if e := math.Log2(p); e != math.Trunc(e) || math.Abs(math.Log2(x/p)) > 0.5+1e-12 {
			t.Errorf("%v is far from %v", p, x)
		}
		if e := math.Log2(above); e != math.Trunc(e) || above < x || above >= 2*x {
			t.Errorf("%v is not the least above %v", above, x)
		}
	}
	for _, x := range []float64{-1, math.NaN(), math.Inf(-1)} {
		if p := quant.PowerOfTwo(x); p != x && x == x {
			t.Errorf("%v became %v", x, p)
		}
	}
}
