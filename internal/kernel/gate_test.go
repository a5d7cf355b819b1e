// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"testing"
)

// gatedChannels are numbers of channels around those of a vector, of what stays in registers, and of one call.
var gatedChannels = []int{8, 16, 24, 32, 48, 64, 72, 80, 128, 256, 264, 272, 512}

// TestGate compares a Gate with the steps that it takes together, bit by bit, each slice ending at a page that
// faults, on numbers of all kinds.
func TestGate(t *testing.T) {
	least, most := Passes(third, 0, 15)
	stepped := Limits{Step: third}
	stepped.Least, stepped.Most = Between(third, -4, 11)
	gates := []Limits{
		{Least: math.SmallestNonzeroFloat32, Most: math.MaxFloat32},
		{Least: math.Nextafter32(-1, infinity), Most: math.Nextafter32(5.999, 0)},
		{Least: max(least, math.SmallestNonzeroFloat32), Most: most},
		{Least: 1, Most: -1},
		stepped,
	}
	tiers(t, func(t *testing.T) {
		for k, n := range gatedChannels {
			g := Gate{guarded(t, n), guarded(t, n), gates[k%len(gates)]}
			copy(g.Scale, random(n, 3))
			copy(g.Shift, random(n, 4))
			for _, rows := range []int{1, 2, 63, 64, 65, 200} {
				for _, numbersAlone := range []bool{false, true} {
					src, add, dy := awkward(t, rows*n, uint64(k)), awkward(t, rows*n, uint64(100+k)), awkward(t, rows*n, uint64(200+k))
					if numbersAlone {
						for _, s := range [][]float32{src, add, dy} {
							numbers(s)
							for i := range s {
								s[i] = min(max(s[i], -9), 9)
							}
						}
					}
					g.check(t, fmt.Sprintf("a tensor, %d rows of %d, gate %d", rows, n, k%len(gates)), src, nil, dy)
					g.check(t, fmt.Sprintf("a sum, %d rows of %d, gate %d", rows, n, k%len(gates)), src, add, dy)
				}
			}
		}
	})
}

// check compares g with its definition by other functions, and those in portable Go.
func (g *Gate) check(t *testing.T, what string, src, add, dy []float32) {
	t.Helper()
	n := len(g.Scale)
	v, want, one := make([]float32, len(dy)), make([]float32, len(dy)), make([]float32, n)
	sums, wantSums := make([]float64, 2*n), make([]float64, 2*n)
	for c := range one {
		one[c], sums[c], sums[n+c], wantSums[c], wantSums[n+c] = 1, float64(c), 2, float64(c), 2
	}
	spilled := portably(func() (s Spills) {
		ScaleShift(v, src, g.Scale, g.Shift)
		if add != nil {
			Add(v, v, add)
		}
		if g.Step != 0 {
			for i := range v {
				if v[i] != v[i] { // which passes StepBackward
					v[i], dy[i] = 0, 0
				}
			}
			s.Below, s.Inside, s.Above = StepBackward(want, v, dy, g.Step, -4, 11)
		} else {
			s.Below, s.Above = ClipBackward(want, v, dy, math.Nextafter32(g.Least, -infinity), math.Nextafter32(g.Most, infinity))
		}
		if g.Least > g.Most { // nothing passes, and ClipBackward takes limits in their order
			clear(want)
		}
		ChannelDots(wantSums[:n], wantSums[n:], want, src)
		return s
	})
	dst := guarded(t, len(dy))
	g.Store(dst, src, add, dy)
	sameBits(t, what, dst, want)
	g.Sums(sums[:n], sums[n:], src, add, dy)
	for i, s := range sums {
		if s != wantSums[i] && !(s != s && wantSums[i] != wantSums[i]) {
			t.Fatalf("%s: sum %d is %v, want %v", what, i, s, wantSums[i])
		}
	}
	copy(dst, dy)
	spills := g.StoreSpills(dst, src, add, dst)
	sameBits(t, what+", in place", dst, want)
	if g.Least > g.Most {
		return
	}
	for _, s := range [][2]float64{{spills.Below, spilled.Below}, {spills.Inside, spilled.Inside}, {spills.Above, spilled.Above}} {
		if s[0] != s[1] && !(s[0] != s[0] && s[1] != s[1]) {
			t.Fatalf("%s: spills %v, want %v", what, spills, spilled)
		}
	}
}

// TestPasses compares the limits of a gate with the gradient of FakeQuantize around them.
func TestPasses(t *testing.T) {
	for _, c := range []struct{ scale, lo, hi float32 }{{third, 0, 255}, {0.25, -3, 12}, {1, 0, 0}, {0x1p-99, -128, 127}, {12345.678, -255, 0}, {0.0235, -2, 1}} {
		least, most := Passes(c.scale, c.lo, c.hi)
		src := []float32{math.Nextafter32(least, -infinity), least, math.Nextafter32(least, infinity), 0,
			math.Nextafter32(most, -infinity), most, math.Nextafter32(most, infinity), infinity, -infinity}
		dx := make([]float32, len(src))
		FakeQuantizeBackward(dx, src, []float32{1, 1, 1, 1, 1, 1, 1, 1, 1}, c.scale, c.lo, c.hi)
		sameBits(t, fmt.Sprintf("%g from %g to %g", c.scale, c.lo, c.hi), dx, []float32{0, 1, 1, 1, 1, 1, 0, 0, 0})
	}
}

// TestBetween compares the limits of a gate with the gradient of StepBackward around them.
func TestBetween(t *testing.T) {
	for _, c := range []struct{ step, lo, hi float32 }{{third, 0, 255}, {0.25, -3, 12}, {1, 0, 1}, {0x1p-99, -128, 127}, {12345.678, -255, 0}, {0.0235, -2, 1}} {
		least, most := Between(c.step, c.lo, c.hi)
		src := []float32{math.Nextafter32(least, -infinity), least, math.Nextafter32(least, infinity),
			math.Nextafter32(most, -infinity), most, math.Nextafter32(most, infinity), infinity, -infinity}
		dx := make([]float32, len(src))
		StepBackward(dx, src, []float32{1, 1, 1, 1, 1, 1, 1, 1}, c.step, c.lo, c.hi)
		sameBits(t, fmt.Sprintf("%g from %g to %g", c.step, c.lo, c.hi), dx, []float32{0, 1, 1, 1, 1, 0, 0, 0})
	}
}
