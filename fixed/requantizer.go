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
//
// The codes of a term may have a step that differs from image to image, an Online one. The multiplier of such a term is
// that of a step of 2^31 units of its scale, and for each image Step.Scale of it takes its place.
type Requantizer struct {
	M            [][]int64 // multipliers, [term][channel]
	Bias         []int64   // in units of 2^-Shift of the output's step
	AccBias      []int32   // added to the accumulator of the first term; zeros where there are several terms
	Shift        []uint8   // in [0, MaxShift]
	Zero, Lo, Hi int32     // zero point and range of the output's codes
	// Divisors has the least D of the steps of each term, 0 for a term of one step for all images; nil where no term has
	// steps by image.
	Divisors []int32
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

// ApplyImage is Apply for an image whose terms have the given steps, which are not used for terms of one step for all.
func (r *Requantizer) ApplyImage(c int, steps []Step, acc ...int64) int32 {
	sum := r.Constant(c)
	for i, a := range acc {
		m := r.M[i][c]
		if r.Online(i) {
			m = steps[i].Scale(m)
		}
		sum += a * m
	}
	return r.Finish(c, sum)
}

// Online says whether term i has a step of its own for each image.
func (r *Requantizer) Online(i int) bool { return i < len(r.Divisors) && r.Divisors[i] != 0 }

// multiplier returns the multiplier of a term in a channel, or if images have steps of their own that of one whose greatest
// value is most.
func (r *Requantizer) multiplier(i, c int, most int32) int64 {
	if r.Online(i) && fits(r.M[i][c]) {
		return Step{most, r.Divisors[i]}.Scale(r.M[i][c])
	}
	return r.M[i][c]
}

// fits says whether |m| is below MaxSum.
func fits(m int64) bool {
	_, ok := abs(m)
	return ok
}

// Bound returns the greatest magnitude that q - Zero can have before it is clamped, in any channel, for accumulators
// with |acc_i| <= maxAbs[i][c] that Check accepts, in images whose values are at most TypicalValue.
func (r *Requantizer) Bound(maxAbs [][]int64) int64 {
	var greatest int64
	m, bounds := make([]int64, r.Terms()), make([]int64, r.Terms())
	for c := range r.Channels() {
		for i := range m {
			m[i], bounds[i] = r.multiplier(i, c, TypicalValue), maxAbs[i][c]
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
// Lo <= Hi. Terms with steps by image are bounded by the greatest step there can be, and have no bias in the accumulator.
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
	if r.Divisors != nil && len(r.Divisors) != r.Terms() {
		return fmt.Errorf("fixed: requantizer has %d terms and %d divisors", r.Terms(), len(r.Divisors))
	}
	m, bounds := make([]int64, r.Terms()), make([]int64, r.Terms())
	for c := range channels {
		if r.Shift[c] > MaxShift {
			return fmt.Errorf("fixed: channel %d: shift %d is above %d", c, r.Shift[c], MaxShift)
		}
		if r.Terms() > 1 && r.AccBias[c] != 0 {
			return fmt.Errorf("fixed: channel %d: accumulator bias %d beside %d terms, want 0", c, r.AccBias[c], r.Terms())
		}
		if r.Online(0) && r.AccBias[c] != 0 {
			return fmt.Errorf("fixed: channel %d: accumulator bias %d beside a term with steps by image, want 0", c, r.AccBias[c])
		}
		for i := range m {
			if r.Online(i) && !fits(r.M[i][c]) {
				return fmt.Errorf("fixed: channel %d: multiplier %d of term %d, want less than 2^62", c, r.M[i][c], i)
			}
			m[i], bounds[i] = r.multiplier(i, c, MostValue), maxAbs[i][c]
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
