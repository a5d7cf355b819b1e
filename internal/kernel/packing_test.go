// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"testing"
)

// TestConvHold: passes on weights that are held give the bits of those that pack them, do not
// read the weights again, and read them again when they are others.
func TestConvHold(t *testing.T) {
	tiers(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for _, s := range shapes {
			if s.MACs()*s.batch > 1e5 && !s.filtersMinimally() {
				continue
			}
			held, packed := NewConvPlan(s.Conv, s.batch, pool), NewConvPlan(s.Conv, s.batch, pool)
			k := newIntegerCase(t, s.Conv, s.batch, 1, 1, false, false)
			dy := random(s.batch*s.OutSize(), 1)
			same := func(what string, w []float32) {
				t.Helper()
				for batch := s.batch; batch > 0; batch /= 2 {
					y, got := make([]float32, s.batch*s.OutSize()), make([]float32, s.batch*s.OutSize())
					packed.Forward(y, k.x, k.w, batch)
					held.Forward(got, k.x, w, batch)
					sameBits(t, s.Conv.String()+what+"y", got, y)
					packed.ForwardIntegers(y, Real(k.x), k.w, batch, k.steps)
					held.ForwardIntegers(got, Real(k.x), w, batch, k.steps)
					sameBits(t, s.Conv.String()+what+"y of integers", got, y)
					dx, got := make([]float32, s.batch*s.InSize()), make([]float32, s.batch*s.InSize())
					packed.BackwardInput(dx, dy, k.w, batch)
					held.BackwardInput(got, dy, w, batch)
					sameBits(t, s.Conv.String()+what+"dx", got, dx)
				}
			}
			others := make([]float32, len(k.w))
			for i := range others {
				others[i] = float32(math.NaN())
			}
			held.Hold(false)
			same(" at first: ", k.w)
			held.Hold(true)
			same(" held: ", others)
			for i := range k.w {
				k.w[i] = -k.w[i]
			}
			held.Hold(false)
			same(" changed: ", k.w)
			held.Release()
			for i := range k.w {
				k.w[i] = -k.w[i]
			}
			same(" released: ", k.w)
		}
	})
}
