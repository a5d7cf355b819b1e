// SPDX-License-Identifier: Apache-2.0

package logits_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/internal/logits"
)

func TestTop(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		row  []float32
		want int
	}{{[]float32{1, 3, 3}, 1}, {[]float32{2}, 0}, {[]float32{1, nan, 2}, 2}, {[]float32{-2, -1}, 1}} {
		if got := logits.Top(c.row); got != c.want {
			t.Errorf("%v: %d, want %d", c.row, got, c.want)
		}
	}
	if got := logits.Top([]int32{math.MinInt32, math.MaxInt32}); got != 1 {
		t.Error(got)
	}
}

func TestExponentials(t *testing.T) {
	row := []float32{1, 1000, 998}
	e := make([]float64, 3)
	most, sum := logits.Exponentials(e, row, 2)
	if most != 1000 || e[1] != 1 || e[2] != math.Exp(-1) || sum != e[0]+e[1]+e[2] {
		t.Errorf("%v, %v of %v", most, sum, e)
	}
}
