// SPDX-License-Identifier: Apache-2.0

// Command _asm generates the assembly of package kernel.
package main

import (
	"fmt"

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

// peak generates a loop of independent multiply-adds.
func peak(name string, vector func() VecVirtual, vectors int) {
	text(name, "rounds int", fmt.Sprintf("%s is Peak of a positive number of rounds of %d vectors.", name, vectors))
	rounds := Load(Param("rounds"), GP64())
	sums := make([]VecVirtual, vectors)
	for i := range sums {
		sums[i] = vector()
		VXORPS(sums[i], sums[i], sums[i])
	}
	x := vector()
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
	for _, t := range []tile{
		{YMM, 8, 6, 16, false, 1, nil},
		{YMM, 8, 5, 16, false, 1, nil},
		{YMM, 8, 6, 16, true, 1, nil},
		{YMM, 8, 3, 16, true, 1, nil},
		{ZMM, 16, 24, 16, false, 4, nil},
		{ZMM, 16, 8, 16, false, 1, nil},
		{ZMM, 16, 12, 32, false, 1, nil},
		{ZMM, 16, 4, 32, false, 1, nil},
		{ZMM, 16, 12, 16, true, 1, nil},
		{ZMM, 16, 4, 16, true, 1, nil},
		{ZMM, 16, 12, 32, true, 1, nil},
		{ZMM, 16, 4, 32, true, 1, nil},
	} {
		t.generate(mask)
	}
	integerKernels(mask)
	vnniKernels()
	transpose()
	transposeWide()
	copyRows()
	fetch()
	elementwiseKernels()
	tanhKernels()
	minMax()
	for _, x := range []vectors{avx2, avx512} {
		x.channelKernels()
		x.sumKernels()
		x.gateStore()
	}
	quantizedKernels()
	encodings()
	maxPoolKernels()
	minimalKernels()
	tileKernels()
	peak("peakAVX2", YMM, 12)
	peak("peakAVX512", ZMM, 24)
	Generate()
}
