// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/qat"
)

// checkSigns holds signs to their levels and scales: y is what x became.
func checkSigns(t *testing.T, a qat.Signs, x, y []float32) {
	t.Helper()
	levels, scales := a.Levels(), a.Scales()
	if len(levels) != a.Bits() || len(scales) != a.Bits() || !slices.IsSorted(levels) {
		t.Fatalf("%d signs of levels %v and scales %v", a.Bits(), levels, scales)
	}
	if p := a.Learned(); p != nil && len(p.Value) != a.Bits() {
		t.Fatalf("%d learned scales of %d signs", len(p.Value), a.Bits())
	}
	for i, v := range x {
		var want float64
		for n, level := range levels {
			if float64(v) >= level {
				want += float64(scales[n])
			} else {
				want -= float64(scales[n])
			}
		}
		if math.Abs(want-float64(y[i])) > 1e-5*(1+math.Abs(want)) {
			t.Fatalf("%v became %v, want %v by levels %v and scales %v", v, y[i], want, levels, scales)
		}
	}
}
