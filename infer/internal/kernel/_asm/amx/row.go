// SPDX-License-Identifier: Apache-2.0

package amx

import (
	"fmt"

	. "github.com/goqat/goqat/internal/_asm/tile"
)

// row generates the product of a single row. It waits for weights, which come fastest as streams: those of eight panels at a time.
func row(f *File) {
	var c Code
	const q = Z(8) // four codes, after the sums
	for i, argument := range []struct {
		name string
		to   R
	}{{"acc", DI}, {"start", R10}, {"x", R11}, {"w", R12}, {"pitch", AX}, {"steps", R13}, {"panels", CX}} {
		c.Op("MOVQ %s+%d(FP), %v", argument.name, 8*i, argument.to)
	}
	c.Op("LEAQ (AX)(AX*2), BX")
	places := []string{"(SI)", "(SI)(AX*1)", "(SI)(AX*2)", "(SI)(BX*1)", "(R8)", "(R8)(AX*1)", "(R8)(AX*2)", "(R8)(BX*1)"}
	for _, n := range []int{8, 4, 2, 1} {
		c.Label(fmt.Sprintf("panels%d", n))
		c.Op("CMPQ CX, $%d", n)
		c.Op("JLT fewer%d", n)
		c.Op("MOVQ R12, SI")
		c.Op("LEAQ (R12)(AX*4), R8")
		c.Op("MOVQ R11, DX")
		c.Op("MOVQ R13, R9")
		for j := range n {
			c.Op("VMOVDQU32 %d(R10), %v", 64*j, Z(j))
		}
		c.Label(fmt.Sprintf("steps%d", n))
		c.Op("VPBROADCASTD (DX), %v", q)
		for j, place := range places[:n] {
			c.Op("VPDPBUSD %s, %v, %v", place, q, Z(j))
		}
		c.Op("ADDQ $4, DX")
		c.Op("ADDQ $64, SI")
		c.Op("ADDQ $64, R8")
		c.Op("DECQ R9")
		c.Op("JNZ steps%d", n)
		for j := range n {
			c.Op("VMOVDQU32 %v, %d(DI)", Z(j), 64*j)
		}
		c.Op("ADDQ $%d, DI", 64*n)
		c.Op("ADDQ $%d, R10", 64*n)
		for range n {
			c.Op("ADDQ AX, R12")
		}
		c.Op("SUBQ $%d, CX", n)
		c.Op("JMP panels%d", n)
		c.Label(fmt.Sprintf("fewer%d", n))
	}
	c.Op("VZEROUPPER")
	c.Op("RET")
	f.Func("dotRow", "(acc, start *int32, x *uint8, w *int8, pitch, steps, panels int)", 56, 0, c,
		"dotRow writes to acc the sums of one row of codes x, of so many steps of four, for panels of 16 channels: start, and products with weights",
		"as tiles have them, [panel][step][16][4], pitch bytes from a panel to the next.")
}
