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

// SMLAL adds products of signed lanes of 8 << size bits of the low or high halves of n and m to d.
func (f *File) SMLAL(d, n, m V, size int, high bool) {
	f.widening("smlal", 0b1000, d, n, m, size, high)
}

// SADDW adds signed lanes of 8 << size bits, of the low or high half of m, to those of n, which are twice as wide.
func (f *File) SADDW(d, n, m V, size int, high bool) {
	q, two := wide(high)
	a := lanes(size+1, true)
	f.word(0x0e201000|q|uint32(size)<<22|registers(d, n, m), "saddw%s v%d.%s, v%d.%s, v%d.%s", two, d, a, n, a, m, lanes(size, high))
}

// SMLALWord adds products of the four signed words in the low or high half of n with word i of m, one of the first 16
// registers, to the 32-bit lanes of d.
func (f *File) SMLALWord(d, n, m V, i int, high bool) {
	if m > 15 {
		panic("words of registers after the 16th have no encoding")
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

// same is the class "three same": all have lanes of 8 << size bits.
func (f *File) same(name string, u, opcode uint32, d, n, m V, size int) {
	a := lanes(size, true)
	f.word(0x4e200400|u<<29|uint32(size)<<22|opcode<<11|registers(d, n, m), "%s v%d.%s, v%d.%s, v%d.%s", name, d, a, n, a, m, a)
}

// SQADD adds signed lanes of 8 << size bits, limited to what they hold.
func (f *File) SQADD(d, n, m V, size int) { f.same("sqadd", 0, 0b00001, d, n, m, size) }

// SSHL and USHL shift signed and unsigned lanes of n to the left by those of m, to the right by negative ones; SRSHL rounds
// what it shifts to the right to the nearest number, up at a tie.
func (f *File) SSHL(d, n, m V, size int)  { f.same("sshl", 0, 0b01000, d, n, m, size) }
func (f *File) USHL(d, n, m V, size int)  { f.same("ushl", 1, 0b01000, d, n, m, size) }
func (f *File) SRSHL(d, n, m V, size int) { f.same("srshl", 0, 0b01010, d, n, m, size) }

// BIC is n with the bits of m cleared.
func (f *File) BIC(d, n, m V) {
	f.word(0x4e601c00|registers(d, n, m), "bic v%d.16b, v%d.16b, v%d.16b", d, n, m)
}

// narrowing narrows lanes to 8 << size bits, into the low or high half of d.
func (f *File) narrowing(name string, u, opcode uint32, d, n V, size int, high bool) {
	q, two := wide(high)
	f.word(0x0e200800|q|u<<29|uint32(size)<<22|opcode<<12|registers(d, n, 0), "%s%s v%d.%s, v%d.%s", name, two, d, lanes(size, high), n, lanes(size+1, true))
}

// SQXTN limits signed lanes of n to signed ones of 8 << size bits, SQXTUN to unsigned ones.
func (f *File) SQXTN(d, n V, size int, high bool) { f.narrowing("sqxtn", 0, 0b10100, d, n, size, high) }
func (f *File) SQXTUN(d, n V, size int, high bool) {
	f.narrowing("sqxtun", 1, 0b10010, d, n, size, high)
}
