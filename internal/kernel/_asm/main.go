// SPDX-License-Identifier: Apache-2.0

// Command _asm generates the assembly of package kernel.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const lanes = 8

func text(name, arguments, doc string) {
	TEXT(name, NOSPLIT, "func("+arguments+")")
	Doc(doc)
	Pragma("noescape")
}

// broadcast loads a float32 argument into every lane.
func broadcast(name string) VecVirtual {
	address, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := YMM()
	VBROADCASTSS(address.Addr, v)
	return v
}

// peak generates a loop of 12 independent multiply-adds, 192 operations.
func peak() {
	text("peakAVX2", "rounds int", "peakAVX2 is Peak of a positive number of rounds of 12 vectors.")
	rounds := Load(Param("rounds"), GP64())
	var sums [12]VecVirtual
	for i := range sums {
		sums[i] = YMM()
		VXORPS(sums[i], sums[i], sums[i])
	}
	x := YMM()
	VXORPS(x, x, x)
	Label("loop")
	for _, s := range sums {
		VFMADD231PS(x, x, s)
	}
	DECQ(rounds)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func main() {
	ConstraintExpr("!purego")
	mask := columnMask()
	tiles("matrixTilesAVX2", "matrixTilesAVX2 computes whole tiles of a tiling; see matrixTilesGeneric.", false, mask)
	tiles("channelTilesAVX2", "channelTilesAVX2 computes whole tiles of a tiling per channel; see channelTilesGeneric.", true, mask)
	transpose()
	copyRows()
	elementwiseKernels()
	minMax()
	channelKernels()
	sumKernels()
	quantizedKernels()
	maxPoolKernels()
	peak()
	Generate()
}
