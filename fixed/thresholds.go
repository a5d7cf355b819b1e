// SPDX-License-Identifier: Apache-2.0

package fixed

import "fmt"

// MaxPlanes is the most signs that one code holds.
const MaxPlanes = 8

// Thresholds are the integer step from a layer's accumulators to signs, one rule per output channel: bit n of the
// code, 1 for +1 and 0 for -1, is
//
//	acc₀·M₀ + acc₁·M₁ + … >= Tₙ
//
// Thresholds rise with n, so that a code is one of 0, 1, 3, 7, …, and the greatest code of several has the greatest of
// each sign. A step that falls with the accumulator has a negative multiplier; a constant one has the multiplier 0.
type Thresholds struct {
	M [][]int64 // multipliers, [term][channel]
	T [][]int64 // thresholds, [plane][channel]
}

// Terms returns the number of accumulators summed in each output.
func (t *Thresholds) Terms() int { return len(t.M) }

// Planes returns the number of signs of a code.
func (t *Thresholds) Planes() int { return len(t.T) }

// Channels returns the number of output channels.
func (t *Thresholds) Channels() int {
	if len(t.T) == 0 {
		return 0
	}
	return len(t.T[0])
}

// Apply returns the code for the accumulators of one output of channel c, one for each term. Within the bounds of
// Check nothing overflows.
func (t *Thresholds) Apply(c int, acc ...int64) uint8 {
	var sum int64
	for i, a := range acc {
		sum += a * t.M[i][c]
	}
	return t.Code(c, sum)
}

// Code returns the code for a sum Σ acc·M of channel c.
func (t *Thresholds) Code(c int, sum int64) uint8 {
	var q uint8
	for n, level := range t.T {
		if sum >= level[c] {
			q |= 1 << n
		}
	}
	return q
}

// Check proves that the thresholds are well formed and cannot overflow for accumulators with |acc_i| <= maxAbs[i][c],
// and says which channel breaks which bound otherwise: every accumulator fits int32, |Σ acc·M| + |T| < 2^62, and the
// thresholds of a channel rise.
func (t *Thresholds) Check(maxAbs [][]int64) error {
	channels := t.Channels()
	if t.Planes() == 0 || t.Planes() > MaxPlanes || t.Terms() == 0 || len(maxAbs) != t.Terms() {
		return fmt.Errorf("fixed: thresholds of %d planes and %d terms for %d accumulators, want 1 to %d planes", t.Planes(), t.Terms(), len(maxAbs), MaxPlanes)
	}
	for i := range t.M {
		if len(t.M[i]) != channels || len(maxAbs[i]) != channels {
			return fmt.Errorf("fixed: term %d has %d multipliers and %d bounds for %d channels", i, len(t.M[i]), len(maxAbs[i]), channels)
		}
	}
	for n := range t.T {
		if len(t.T[n]) != channels {
			return fmt.Errorf("fixed: plane %d has %d thresholds for %d channels", n, len(t.T[n]), channels)
		}
	}
	m, bounds := make([]int64, t.Terms()), make([]int64, t.Terms())
	for c := range channels {
		for i := range m {
			m[i], bounds[i] = t.M[i][c], maxAbs[i][c]
			if bounds[i] < 0 || bounds[i] > maxInt32 {
				return fmt.Errorf("fixed: channel %d: accumulator of term %d can reach %d, which int32 does not hold", c, i, bounds[i])
			}
		}
		for n := range t.T {
			if n > 0 && t.T[n][c] < t.T[n-1][c] {
				return fmt.Errorf("fixed: channel %d: threshold %d of plane %d is below the threshold of the plane before", c, t.T[n][c], n)
			}
			if _, ok := SumBound(m, bounds, t.T[n][c]); !ok {
				return fmt.Errorf("fixed: channel %d: the sum or its threshold can reach 2^62", c)
			}
		}
	}
	return nil
}
