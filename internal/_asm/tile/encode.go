// SPDX-License-Identifier: Apache-2.0

package tile

import (
	"fmt"
	"strings"
)

// Tile instructions in bytes: Intel's manual, volume 2, "AMX instruction set reference". All have a VEX prefix of three
// bytes in map 0F 38, an opcode, and a ModRM byte; those with a row stride always have a SIB byte, whose index is the stride.

// Mandatory prefixes, as VEX has them.
const (
	prefixNone = iota
	prefix66
	prefixF3
	prefixF2
)

// vex returns the prefix for the registers of ModRM.reg, of the index, of ModRM.rm or the base, and of a third operand.
func vex(reg, index, rm, third, prefix int) []byte {
	const map0F38 = 2
	inverted := func(n, bit int) byte { return byte(^n>>3&1) << bit } // the fourth bit of a register's number
	return []byte{0xc4, inverted(reg, 7) | inverted(index, 6) | inverted(rm, 5) | map0F38, byte(^third&15)<<3 | byte(prefix)}
}

// registers returns the ModRM byte of two registers.
func registers(reg, rm int) byte { return byte(0xc0 | reg<<3 | rm) }

// place returns ModRM, SIB and displacement of the memory at base, or at base + index.
func place(reg int, base, index R, indexed bool) []byte {
	const (
		sib         = 4 // as a base: a SIB byte follows; as an index: there is none
		displaced   = 5 // as a base: there is none, so that BP and R13 need a displacement
		byteFollows = 1 << 6
	)
	modrm, low := byte(reg<<3), int(base&7)
	var after []byte
	if low == displaced {
		modrm, after = modrm|byteFollows, []byte{0}
	}
	switch {
	case indexed && index == SP:
		panic("SP cannot be a stride")
	case indexed:
		return append([]byte{modrm | sib, byte(index&7)<<3 | byte(low)}, after...)
	case low == sib:
		return append([]byte{modrm | sib, sib<<3 | byte(low)}, after...)
	default:
		return append([]byte{modrm | byte(low)}, after...)
	}
}

func ldtilecfg(base R) []byte {
	return append(append(vex(0, 0, int(base), 0, prefixNone), 0x49), place(0, base, 0, false)...)
}

func tilerelease() []byte { return append(vex(0, 0, 0, 0, prefixNone), 0x49, registers(0, 0)) }

func tilezero(t T) []byte { return append(vex(int(t), 0, 0, 0, prefixF2), 0x49, registers(int(t), 0)) }

func tileloadd(base, stride R, t T) []byte { return rowed(prefixF2, base, stride, t) }

func tilestored(t T, base, stride R) []byte { return rowed(prefixF3, base, stride, t) }

func rowed(prefix int, base, stride R, t T) []byte {
	return append(append(vex(int(t), int(stride), int(base), 0, prefix), 0x4b), place(int(t), base, stride, true)...)
}

func tdpbusd(columns, rows, sums T) []byte { return product(prefix66, 0x5e, columns, rows, sums) }

func tdpbf16ps(columns, rows, sums T) []byte { return product(prefixF3, 0x5c, columns, rows, sums) }

func product(prefix int, opcode byte, columns, rows, sums T) []byte {
	if columns == rows || rows == sums || sums == columns {
		panic("the tiles of a product must be three")
	}
	return append(vex(int(sums), 0, int(rows), int(columns), prefix), opcode, registers(int(sums), int(rows)))
}

// directives returns bytes as Go's assembler takes them, on one line.
func directives(code []byte) string {
	var list []string
	for ; len(code) >= 4; code = code[4:] {
		list = append(list, fmt.Sprintf("LONG $0x%02x%02x%02x%02x", code[3], code[2], code[1], code[0]))
	}
	for _, b := range code {
		list = append(list, fmt.Sprintf("BYTE $0x%02x", b))
	}
	return strings.Join(list, "; ")
}
