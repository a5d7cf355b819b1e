// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"slices"
	"testing"
)

// guardedBytes returns bytes that end at a page that faults.
func guardedBytes(t testing.TB, n int) []uint8 {
	b := bytesOf(guardedCodes(t, (n+1)/2))
	return b[len(b)-n:]
}

// TestCodesOfBytes brings numbers to codes and back, for all lengths around those of vectors.
func TestCodesOfBytes(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for _, zero := range []uint8{0, 1, 127, 255} {
			for n := range 100 {
				src, words, codes, got := guarded(t, n), guardedCodes(t, n), guardedBytes(t, n), guarded(t, n)
				want := make([]int, n)
				for i := range src {
					want[i] = i*37%256 - int(zero)
					src[i] = float32(want[i]) * third
				}
				if !NarrowCodes(codes, src, 1/float32(third), zero) {
					t.Fatalf("%d codes: not all are numbers", n)
				}
				widenCodes(words, codes, zero)
				ReadCodes(got, codes, zero, third)
				for i := range want {
					if int(codes[i])-int(zero) != want[i] || int(words[i]) != want[i] {
						t.Fatalf("zero %d: code %d of %d is %d, widened %d, want %d", zero, i, n, codes[i], words[i], want[i])
					}
				}
				sameBits(t, fmt.Sprintf("%d codes", n), got, src)
			}
		}
	})
}

// TestInputOfCodes compares passes over codes with those over the numbers that they stand
// for, bit for bit.
func TestInputOfCodes(t *testing.T) {
	tiers(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for _, s := range shapes {
			p := NewConvPlan(s.Conv, s.batch+1, pool)
			for _, m := range []struct {
				input, weights int
				signed         bool
			}{{MostCode, 127, false}, {15, 7, false}, {127, 127, true}, {1, 1, true}} {
				k := newIntegerCase(t, s.Conv, s.batch, m.input, m.weights, m.signed, true)
				x := Values{Codes: guardedBytes(t, len(k.x)), Step: k.steps.Input}
				if m.signed {
					x.Zero = uint8(m.input)
				}
				NarrowCodes(x.Codes, k.x, 1/x.Step, x.Zero)
				y := guarded(t, len(k.want))
				p.ForwardIntegers(y, x, k.w, s.batch, k.steps)
				sameBits(t, fmt.Sprintf("%v", s.Conv), y, k.want)

				dy, dw, want := random(len(y), 5), random(len(k.w), 6), random(len(k.w), 7)
				p.BackwardWeights(want, Values{Real: k.x, Step: x.Step}, dy, s.batch)
				p.BackwardWeights(dw, x, dy, s.batch)
				sameBits(t, fmt.Sprintf("%v by its weights", s.Conv), dw, want)
			}
		}
	})
}

// TestPoolingOfCodes compares poolings of codes with those of the numbers that they stand
// for, bit for bit: maxima are codes, and come from the same places.
func TestPoolingOfCodes(t *testing.T) {
	const batch = 2
	tiers(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for _, w := range windows {
			numbers := guarded(t, batch*w.InSize())
			x := Values{Codes: guardedBytes(t, len(numbers)), Zero: 3, Step: third}
			for i := range x.Codes {
				x.Codes[i] = uint8(i * 37 % 11 * 25)
			}
			x.Read(numbers, 0)
			n := batch * w.OutSize()
			y := Values{Codes: guardedBytes(t, n), Zero: x.Zero, Step: x.Step}
			p, got, want := NewMaxPool(w, batch, pool), guarded(t, n), guarded(t, n)
			p.Forward(Real(want), Real(numbers), batch)
			taps := slices.Clone(p.taps)
			p.Forward(y, x, batch)
			y.Read(got, 0)
			sameBits(t, "maxima", got, want)
			if !slices.Equal(p.taps, taps) {
				t.Errorf("%v: maxima come from other places", w)
			}

			a, factors := NewAvgPool(w, pool), random(w.OutH()*w.OutW(), 4)
			a.Forward(want, Real(numbers), batch, factors)
			a.Forward(got, x, batch, factors)
			sameBits(t, "averages", got, want)
		}
	})
}
