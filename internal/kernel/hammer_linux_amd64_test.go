// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/internal/amx/amxtest"
)

// TestHammer runs the passes of layers by tiles, each on a pool of its own, under signals and collections.
func TestHammer(t *testing.T) {
	before := SetTier(AMX)
	defer SetTier(before)
	if CurrentTier() != AMX {
		t.Skip(permitTiles())
	}
	cases := make([]gradientCase, 4)
	for i := range cases {
		cases[i] = newGradientCase(t, tiledShapes[i].Conv, tiledShapes[i].batch, true, true)
	}
	amxtest.Hammer(t, func(goroutine int) func() bool {
		g := &cases[goroutine%len(cases)]
		pool := NewPool(1)
		t.Cleanup(pool.Close)
		p := NewConvPlan(g.Conv, g.batch, pool)
		y, dx, dw := make([]float32, g.batch*g.OutSize()), make([]float32, g.batch*g.InSize()), make([]float32, g.Weights())
		all := func() [3][]uint8 { return [3][]uint8{Bytes(y), Bytes(dx), Bytes(dw)} }
		run := func() {
			p.ForwardIntegers(y, g.x, g.w, g.batch, g.integers)
			p.BackwardIntegers(dx, dw, g.x, g.dy, g.w, g.batch, g.integers)
		}
		run()
		var want [3][]uint8
		for i, result := range all() {
			want[i] = slices.Clone(result)
		}
		return func() bool {
			for _, result := range all() {
				clear(result)
			}
			run()
			for i, result := range all() {
				if !slices.Equal(result, want[i]) {
					return false
				}
			}
			return true
		}
	})
}
