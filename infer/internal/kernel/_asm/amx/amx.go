// SPDX-License-Identifier: Apache-2.0

// Package amx generates the kernels of processors with AMX.
package amx

import . "github.com/goqat/goqat/internal/_asm/tile"

// Files are the generators of the package's files.
var Files = map[string]func(f *File){"dot": dot, "peak": peak, "row": row}

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
