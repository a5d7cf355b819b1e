// SPDX-License-Identifier: Apache-2.0

// Package amx generates the kernels of processors with AMX.
package amx

import . "github.com/goqat/goqat/infer/internal/kernel/_asm/tile"

// Files are the generators of the package's files.
var Files = map[string]func(f *File){"dot": dot, "peak": peak, "xgetbv": xgetbv}

// peak generates products in registers.
func peak(f *File) {
	var c Code
	c.Op("MOVQ config+0(FP), DI")
	c.Op("MOVQ rounds+8(FP), CX")
	c.LDTILECFG(DI)
	for t := range T(8) {
		c.TILEZERO(t)
	}
	c.Label("round")
	c.TDPBUSD(6, 4, 0)
	c.TDPBUSD(7, 4, 1)
	c.TDPBUSD(6, 5, 2)
	c.TDPBUSD(7, 5, 3)
	c.Op("DECQ CX")
	c.Op("JNZ round")
	c.TILERELEASE()
	c.Op("RET")
	f.Func("peak", "(config *[64]byte, rounds int)", 16, 0, c,
		"peak does rounds of 4 products of whole tiles in registers, the most that a processor can do; benchmarks divide by it.")
}

// xgetbv generates the question what state the operating system keeps.
func xgetbv(f *File) {
	var c Code
	c.Op("XORL CX, CX")
	c.Op("XGETBV")
	c.Op("SHLQ $32, DX")
	c.Op("ORQ DX, AX")
	c.Op("MOVQ AX, ret+0(FP)")
	c.Op("RET")
	f.Func("xgetbv", "() uint64", 8, 0, c, "xgetbv returns which state of the processor the operating system keeps for each thread, as register XCR0 has it.")
}
