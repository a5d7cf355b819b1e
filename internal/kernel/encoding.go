// SPDX-License-Identifier: Apache-2.0

package kernel

// EncodedChannels is a number of whose multiples channels are encoded in vectors alone.
const EncodedChannels = 8

// An Encoding is the end of an epilogue in one pass, from sums to codes. Of values v =
// src·Scale[c] + Shift[c] + add, limited to Floor and Ceil, it makes the codes
//
//	clamp(RNE(v/Step), Least, Most) − Least
//
// which are those of ScaleShift, Add, ReLUClamp, FakeQuantize and NarrowCodes one after the
// other, the zero point being −Least.
type Encoding struct {
	Scale, Shift      []float32 // by channel
	Floor, Ceil       float32   // of the activation
	Step, Least, Most float32   // Least ≤ 0; integers, 255 apart at most
}

// Store stores the codes of a block of whole rows of channels. add is nil or has one
// addend for every value. It returns what MinMax returns of the values and whether all of them are
// numbers; the code of one that is none is not said.
func (e *Encoding) Store(dst []uint8, src, add []float32) (lo, hi float32, numbers bool) {
	n := len(e.Scale)
	src = src[:len(dst)]
	lo, hi, numbers = infinity, -infinity, true
	from := 0
	if tier > Portable {
		from, lo, hi, numbers = e.vectorStore(dst, src, add)
	}
	for row := 0; from < n && row < len(dst); row += n {
		for c := from; c < n; c++ {
			v := float32(src[row+c]*e.Scale[c]) + e.Shift[c]
			if add != nil {
				v += add[row+c]
			}
			v = clamp(v, e.Floor, e.Ceil)
			if v != v {
				numbers = false
				continue
			}
			lo, hi = min(lo, v), max(hi, v)
			dst[row+c] = uint8(clamp(roundEven(v/e.Step), e.Least, e.Most) - e.Least)
		}
	}
	return lo, hi, numbers
}
