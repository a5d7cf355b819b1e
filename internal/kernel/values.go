// SPDX-License-Identifier: Apache-2.0

package kernel

// Values are those of a tensor: real numbers or, in a quarter of the memory, codes.
type Values struct {
	Real  []float32 // nil where there are codes
	Codes []uint8   // code q stands for Step·(q − Zero)
	Zero  uint8
	Step  float32 // of codes, or of which real numbers are whole numbers, MostCode at most; 0 for none
}

// Real returns real numbers as values.
func Real(x []float32) Values { return Values{Real: x} }

// Bytes returns the memory of numbers as bytes, four for each.
func Bytes(numbers []float32) []uint8 { return bytesOf(wordsOf(numbers)) }

// bytes returns the memory of n values from index from on.
func (v *Values) bytes(from, n int) []uint8 {
	if v.Codes == nil {
		return Bytes(v.Real[from:][:n])
	}
	return v.Codes[from:][:n]
}

func (v *Values) len() int { return max(len(v.Real), len(v.Codes)) }

// Read stores the real numbers from index at on.
func (v *Values) Read(dst []float32, at int) {
	if v.Codes == nil {
		copy(dst, v.Real[at:])
		return
	}
	ReadCodes(dst, v.Codes[at:], v.Zero, v.Step)
}

// ReadCodes stores step·(q − zero) for every code q of src.
func ReadCodes(dst []float32, src []uint8, zero uint8, step float32) {
	src = src[:len(dst)]
	i := 0
	if tier > Portable {
		i = vectorReadCodes(dst, src, zero, step)
	}
	for ; i < len(dst); i++ {
		dst[i] = float32(int(src[i])-int(zero)) * step
	}
}

// widenCodes stores q − zero for every code q of src.
func widenCodes(dst []int16, src []uint8, zero uint8) {
	src = src[:len(dst)]
	i := 0
	if tier > Portable {
		i = vectorWidenCodes(dst, src, zero)
	}
	for ; i < len(dst); i++ {
		dst[i] = int16(src[i]) - int16(zero)
	}
}

// take writes n values of v from index from on, from index at of c on, as whole numbers
// of steps, and returns whether all of them are numbers. Only real numbers need the
// inverse of the step. Codes of 8 bits have the code of 0 that v has, if v has codes.
func (c codes) take(at int, v *Values, from, n int, inverse float32) (numbers bool) {
	switch {
	case v.Codes == nil:
		return c.put(at, v.Real[from:from+n], inverse)
	case c.narrow:
		copy(c.bytes[at:at+n], v.Codes[from:from+n])
	default:
		widenCodes(c.words[at:at+n], v.Codes[from:from+n], v.Zero)
	}
	return true
}
