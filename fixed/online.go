// SPDX-License-Identifier: Apache-2.0

package fixed

import "math/bits"

// MostValue bounds the values that an online range is taken from: |v| <= MostValue.
const MostValue = 1<<31 - 1

// TypicalValue is about the greatest value of an image, in steps of the tensor's scale, which whoever chooses that scale
// aims at: 20 bits are fine enough for codes of 8, and leave room for images 2^11 times as strong.
const TypicalValue = 1 << 20

// An Online range is taken from the values of each image by itself: its codes are 0 to Max, all images have the zero
// point Zero, and the step between codes is the least that has codes for the image's least and greatest value and for 0.
type Online struct{ Zero, Max int32 }

// A Step is the step between the codes of one image, N/D units of the tensor's scale: 0 <= N <= MostValue, 1 <= D <= 255.
// N is 0 where all values are 0.
type Step struct{ N, D int32 }

// Step returns the step of an image whose values are in [least, most]: max(most/(Max - Zero), -least/Zero). Where there are
// no codes on one side of the zero point, the values on that side do not count.
func (o Online) Step(least, most int32) Step {
	above, below := Step{max(0, most), o.Max - o.Zero}, Step{max(0, -least), o.Zero}
	switch {
	case above.D == 0:
		return below
	case below.D == 0 || int64(above.N)*int64(below.D) >= int64(below.N)*int64(above.D):
		return above
	default:
		return below
	}
}

// Divisor returns the least D that a step can have.
func (o Online) Divisor() int32 {
	if o.Zero == 0 || o.Zero == o.Max {
		return o.Max
	}
	return min(o.Zero, o.Max-o.Zero)
}

// Code returns clamp(Zero + RNE(v·D/N), 0, Max), and Zero where N is 0.
func (o Online) Code(v int32, s Step) int32 {
	if s.N == 0 {
		return o.Zero
	}
	n := int64(s.N)
	x := int64(v) * int64(s.D) // below 2^39
	q := x / n
	if rest := 2 * (x - q*n); rest > n || rest == n && q&1 != 0 {
		q++
	} else if rest < -n || rest == -n && q&1 != 0 {
		q--
	}
	return Clamp(int64(o.Zero)+q, 0, o.Max)
}

// Scale returns RNE(m·N/(D·2^31)) for |m| < 2^62, the multiplier of one image where m is that of a step of 2^31 units of the
// scale. It is exact in 128 bits.
func (s Step) Scale(m int64) int64 {
	magnitude := uint64(max(m, -m))
	high, low := bits.Mul64(magnitude, uint64(s.N))
	divisor := uint64(s.D) << 31
	q, rest := bits.Div64(high, low, divisor) // high < 2^29
	if rest *= 2; rest > divisor || rest == divisor && q&1 != 0 {
		q++
	}
	if m < 0 {
		return -int64(q)
	}
	return int64(q)
}
