// SPDX-License-Identifier: Apache-2.0

package arm64

import "fmt"

// The fields of vector instructions, by the classes of the architecture's manual ("Advanced SIMD").

// wide returns the bit of instructions on the high half of what they widen, and of those on whole registers, and
// what it adds to their names.
func wide(high bool) (bit uint32, suffix string) {
	if high {
		return 1 << 30, "2"
	}
	return 0, ""
}

// lanes returns the arrangement of lanes of 8 << size bits in half a register, or with whole in a whole one.
func lanes(size int, whole bool) string {
	n := 8 >> size
	if whole {
		n *= 2
	}
	return fmt.Sprintf("%d%c", n, "bhsd"[size])
}

func registers(d, n, m V) uint32 { return uint32(m)<<16 | uint32(n)<<5 | uint32(d) }

// widening is the class "three different": d has lanes twice as wide as those of n and m, of 8 << size bits.
func (f *File) widening(name string, opcode uint32, d, n, m V, size int, high bool) {
	q, two := wide(high)
	half := lanes(size, high)
	f.word(0x0e200000|q|uint32(size)<<22|opcode<<12|registers(d, n, m), "%s%s v%d.%s, v%d.%s, v%d.%s", name, two, d, lanes(size+1, true), n, half, m, half)
}

// SMULL multiplies signed lanes of 8 << size bits of the low or high halves of n and m to d.
func (f *File) SMULL(d, n, m V, size int, high bool) {
	f.widening("smull", 0b1100, d, n, m, size, high)
}

// SMLAL adds products of signed lanes of 8 << size bits of the low or high halves of n and m to d.
func (f *File) SMLAL(d, n, m V, size int, high bool) {
	f.widening("smlal", 0b1000, d, n, m, size, high)
}

// SMLALWord adds products of the four signed words in the low or high half of n with word i of m, one of the first 16
// registers, to the 32-bit lanes of d.
func (f *File) SMLALWord(d, n, m V, i int, high bool) {
	if m > 15 {
		panic("words of registers behind the 16th have no encoding")
	}
	q, two := wide(high)
	index := uint32(i>>2)<<11 | uint32(i>>1&1)<<21 | uint32(i&1)<<20
	f.word(0x0f402000|q|index|registers(d, n, m), "smlal%s v%d.4s, v%d.%s, v%d.h[%d]", two, d, n, lanes(1, high), m, i)
}

// SDOT adds, to each 32-bit lane of d, the products of the four signed bytes in that lane of n with those in lane i of m.
func (f *File) SDOT(d, n, m V, i int) {
	f.word(0x4f80e000|uint32(i>>1)<<11|uint32(i&1)<<21|registers(d, n, m), "sdot v%d.4s, v%d.16b, v%d.4b[%d]", d, n, m, i)
}

// SXTL widens signed bytes in the low or high half of n to words.
func (f *File) SXTL(d, n V, high bool) {
	q, two := wide(high)
	f.word(0x0f08a400|q|registers(d, n, 0), "sxtl%s v%d.8h, v%d.%s", two, d, n, lanes(0, high))
}

// UADDLP adds neighbours of the lanes of 8 << size bits of n, to lanes twice as wide.
func (f *File) UADDLP(d, n V, size int) {
	f.word(0x6e202800|uint32(size)<<22|registers(d, n, 0), "uaddlp v%d.%s, v%d.%s", d, lanes(size+1, true), n, lanes(size, true))
}
