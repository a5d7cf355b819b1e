// SPDX-License-Identifier: Apache-2.0

// Package tile writes functions in the language of Go's assembler for AMD64, with registers that the caller names. What that
// assembler has no name for, the instructions on tiles, becomes bytes, with the names of Intel's manual beside them.
package tile

import (
	"fmt"
	"strings"
)

// R is a general register, by its number in instructions.
type R int

// The general registers.
const (
	AX R = iota
	CX
	DX
	BX
	SP
	BP
	SI
	DI
	R8
	R9
	R10
	R11
	R12
	R13
	R14
	R15
)

func (r R) String() string {
	return [...]string{"AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"}[r]
}

// T is a tile register.
type T int

func (t T) String() string { return fmt.Sprintf("T%d", int(t)) }

// Z is a vector register, by its name of 512 bits.
type Z int

func (z Z) String() string { return fmt.Sprintf("Z%d", int(z)) }

// X and Y are the names of its lowest 128 and 256 bits.
func (z Z) X() string { return fmt.Sprintf("X%d", int(z)) }
func (z Z) Y() string { return fmt.Sprintf("Y%d", int(z)) }

// Code is lines of assembly: instructions and labels.
type Code []string

// Op adds an instruction that Go's assembler has a name for. Operands are in its order: the destination is last.
func (c *Code) Op(format string, args ...any) {
	name, operands, _ := strings.Cut(fmt.Sprintf(format, args...), " ")
	*c = append(*c, "\t"+strings.TrimRight(fmt.Sprintf("%-14s %s", name, operands), " "))
}

// Label begins a part of a function.
func (c *Code) Label(name string) { *c = append(*c, name+":") }

// bytes adds an encoded instruction.
func (c *Code) bytes(code []byte, format string, args ...any) {
	*c = append(*c, "\t"+directives(code)+" // "+fmt.Sprintf(format, args...))
}

// LDTILECFG configures the tiles as the 64 bytes at base say.
func (c *Code) LDTILECFG(base R) { c.bytes(ldtilecfg(base), "LDTILECFG (%v)", base) }

// TILERELEASE gives the tiles up.
func (c *Code) TILERELEASE() { c.bytes(tilerelease(), "TILERELEASE") }

// TILEZERO sets a tile to zeros.
func (c *Code) TILEZERO(t T) { c.bytes(tilezero(t), "TILEZERO %v", t) }

// TILELOADD loads a tile, whose rows are stride bytes apart.
func (c *Code) TILELOADD(base, stride R, t T) {
	c.bytes(tileloadd(base, stride, t), "TILELOADD (%v)(%v*1), %v", base, stride, t)
}

// TILESTORED stores a tile.
func (c *Code) TILESTORED(t T, base, stride R) {
	c.bytes(tilestored(t, base, stride), "TILESTORED %v, (%v)(%v*1)", t, base, stride)
}

// TDPBUSD adds products of rows of unsigned bytes with columns of signed ones, four at a time, to sums of 32 bits.
func (c *Code) TDPBUSD(columns, rows, sums T) {
	c.bytes(tdpbusd(columns, rows, sums), "TDPBUSD %v, %v, %v", columns, rows, sums)
}

// TDPBF16PS adds products of rows of bfloat16 numbers with columns of them, two at a time, to sums of float32.
func (c *Code) TDPBF16PS(columns, rows, sums T) {
	c.bytes(tdpbf16ps(columns, rows, sums), "TDPBF16PS %v, %v, %v", columns, rows, sums)
}
