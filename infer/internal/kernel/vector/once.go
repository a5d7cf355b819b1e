// SPDX-License-Identifier: Apache-2.0

package vector

import "math/bits"

// A Once is the constants of a channel whose accumulators are rounded by one shift: floor((a·Multiplier + Constant) ·
// 2^-Shift) is RNE((a·m + constant) · 2^-shift) for each of them. Half a unit is in the constant, and 1 less where the only
// tie must go down. The multiplier fits 32 bits, the shift is at least 32.
type Once struct {
	Multiplier, Constant int64
	Shift                uint8
}

// RoundOnce returns these constants for accumulators of so many bits, and whether there are any.
func RoundOnce(m, constant int64, shift uint8, width int) (Once, bool) {
	up := max(32, shift) - shift
	size := uint64(max(m, -m))
	if size >= 1<<31>>up || size<<(width-1)+uint64(max(constant, -constant)) >= 1<<(62-up) {
		return Once{}, false
	}
	o := Once{m << up, constant << up, shift + up}
	half := int64(1) << (o.Shift - 1)
	acc, found, unique := Tie(o.Multiplier, o.Constant, o.Shift, width)
	if !unique {
		return Once{}, false
	}
	down := found && (acc*o.Multiplier+o.Constant)>>o.Shift&1 == 0
	if o.Constant += half; down {
		o.Constant--
	}
	return o, true
}

// Tie returns the accumulator of the given bits for which acc·m + constant is half a unit above a multiple of 2^shift,
// whether there is one, and whether there is no other.
func Tie(m, constant int64, shift uint8, width int) (acc int64, found, unique bool) {
	rest := int64(1)<<(shift-1) - constant
	if m == 0 {
		return 0, rest&(1<<shift-1) == 0, true // for every accumulator, the same
	}
	zeros := bits.TrailingZeros64(uint64(m))
	period := int(shift) - zeros // accumulators of ties are 2^period apart
	if period < width {
		return 0, false, false
	}
	if rest&(1<<zeros-1) != 0 {
		return 0, false, true
	}
	odd := m >> zeros
	inverse := odd // of an odd number, modulo 2^3; each step doubles the bits
	for range 5 {
		inverse *= 2 - odd*inverse
	}
	acc = rest >> zeros * inverse << (64 - period) >> (64 - period)
	return acc, acc>>(width-1) == acc>>63, true
}
