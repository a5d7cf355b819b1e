// SPDX-License-Identifier: Apache-2.0

package fixed

import "fmt"

const maxInt32 = 1<<31 - 1

// A Requantizer is the integer step from a layer's accumulators to the codes of its output, one rule per output
// channel:
//
//	q = clamp(Zero + RNE(((acc₀ + AccBias)·M₀ + acc₁·M₁ + … + Bias) · 2^-Shift), Lo, Hi)
//
// Slices are indexed by channel and are of one length; M is indexed by term, then by channel.
type Requantizer struct {
	M            [][]int64 // multipliers, [term][channel]
	Bias         []int64   // in units of 2^-Shift of the output's step
	AccBias      []int32   // added to the accumulator of the first term; zeros where there are several terms
	Shift        []uint8   // in [0, MaxShift]
	Zero, Lo, Hi int32     // zero point and range of the output's codes
}

// Channels returns the number of output channels.
func (r *Requantizer) Channels() int { return len(r.Shift) }

// Terms returns the number of accumulators summed in each output.
func (r *Requantizer) Terms() int { return len(r.M) }

// Constant returns what is added to the products of accumulators and multipliers in channel c: both biases.
func (r *Requantizer) Constant(c int) int64 { return r.Bias[c] + int64(r.AccBias[c])*r.M[0][c] }

// Finish brings a sum of channel c, its constant included, to the output's codes.
func (r *Requantizer) Finish(c int, sum int64) int32 {
	return Requantize(sum, r.Shift[c], r.Zero, r.Lo, r.Hi)
}

// Apply requantizes the accumulators of one output of channel c, one for each term. It is the definition that
// kernels are tested against; within the bounds of Check nothing overflows.
func (r *Requantizer) Apply(c int, acc ...int64) int32 {
	sum := r.Constant(c)
	for i, a := range acc {
		sum += a * r.M[i][c]
	}
	return r.Finish(c, sum)
}

// Bound returns the greatest magnitude that q - Zero can have before it is clamped, in any channel, for accumulators
// with |acc_i| <= maxAbs[i][c] that Check accepts.
func (r *Requantizer) Bound(maxAbs [][]int64) int64 {
	var greatest int64
	m, bounds := make([]int64, r.Terms()), make([]int64, r.Terms())
	for c := range r.Channels() {
		for i := range m {
			m[i], bounds[i] = r.M[i][c], maxAbs[i][c]
		}
		bounds[0] += int64(magnitude(r.AccBias[c]))
		sum, _ := SumBound(m, bounds, r.Bias[c])
		unit := int64(1) << r.Shift[c]
		greatest = max(greatest, sum>>r.Shift[c]+min(1, sum&(unit-1)))
	}
	return greatest
}

// Check proves that the requantizer is well formed and cannot overflow for accumulators with
// |acc_i| <= maxAbs[i][c], and says which channel breaks which bound otherwise:
// every accumulator fits int32, the first one including its bias; |Σ acc·m| + |b| < 2^62; shifts are at most 62;
// Lo <= Hi.
func (r *Requantizer) Check(maxAbs [][]int64) error {
	channels := r.Channels()
	if r.Terms() == 0 || len(maxAbs) != r.Terms() {
		return fmt.Errorf("fixed: requantizer has %d terms for %d accumulators", r.Terms(), len(maxAbs))
	}
	if len(r.Bias) != channels || len(r.AccBias) != channels {
		return fmt.Errorf("fixed: requantizer has %d shifts, %d biases and %d accumulator biases, want one of each per channel",
			channels, len(r.Bias), len(r.AccBias))
	}
	for i := range r.M {
		if len(r.M[i]) != channels || len(maxAbs[i]) != channels {
			return fmt.Errorf("fixed: term %d has %d multipliers and %d bounds for %d channels", i, len(r.M[i]), len(maxAbs[i]), channels)
		}
	}
	if r.Lo > r.Hi {
		return fmt.Errorf("fixed: requantizer has the empty range [%d, %d]", r.Lo, r.Hi)
	}
	m, bounds := make([]int64, r.Terms()), make([]int64, r.Terms())
	for c := range channels {
		if r.Shift[c] > MaxShift {
			return fmt.Errorf("fixed: channel %d: shift %d is above %d", c, r.Shift[c], MaxShift)
		}
		if r.Terms() > 1 && r.AccBias[c] != 0 {
			return fmt.Errorf("fixed: channel %d: accumulator bias %d beside %d terms, want 0", c, r.AccBias[c], r.Terms())
		}
		for i := range m {
			m[i], bounds[i] = r.M[i][c], maxAbs[i][c]
			if i == 0 && bounds[i] <= maxInt32 {
				bounds[i] += int64(magnitude(r.AccBias[c]))
			}
			if bounds[i] < 0 || bounds[i] > maxInt32 {
				return fmt.Errorf("fixed: channel %d: accumulator of term %d can reach %d, which int32 does not hold", c, i, bounds[i])
			}
		}
		if _, ok := SumBound(m, bounds, r.Bias[c]); !ok {
			return fmt.Errorf("fixed: channel %d: the sum before the shift can reach 2^62", c)
		}
	}
	return nil
}
