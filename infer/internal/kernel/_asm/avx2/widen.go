// SPDX-License-Identifier: Apache-2.0

package avx2

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
)

// widen generates the widening of codes.
func widen() {
	TEXT("widen", NOSPLIT, "func(dst, codes *uint8, blocks int)")
	Doc("widen copies blocks of 16 codes to dst as little-endian 16-bit words.")
	Pragma("noescape")
	dst, codes, blocks := Load(Param("dst"), GP64()), Load(Param("codes"), GP64()), Load(Param("blocks"), GP64())
	Label("block")
	words := YMM()
	VPMOVZXBW(Mem{Base: codes}, words)
	VMOVDQU(words, Mem{Base: dst})
	ADDQ(Imm(16), codes)
	ADDQ(Imm(32), dst)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}
