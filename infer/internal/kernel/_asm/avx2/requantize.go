// SPDX-License-Identifier: Apache-2.0

// Package avx2 generates the kernels of processors with AVX2.
package avx2

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Files are the generators of the package's files.
var Files = map[string]func(){"depthwise": depthwise, "dot": dot, "finish": finish, "pool": pool, "sums": sums, "widen": widen, "winograd": winograd}

// The rule of all that requantizes is RNE(x·2^-s) = (x + 2^(s-1) - 1 + odd) >> s, where odd is the last bit of x >> s.

// fillOnes fills a register with the 64-bit numbers 1.
func fillOnes(y VecVirtual) {
	VPCMPEQQ(y, y, y)
	VPSRLQ(Imm(63), y, y)
}

// roundHalf adds half = 2^(s-1) - 1 and the odd bit to sums of 64 bits, which are then to be shifted by shift = s.
func roundHalf(x VecVirtual, shift, half Op, one VecVirtual) {
	odd := YMM()
	VPSRLVQ(shift, x, odd)
	VPAND(one, odd, odd)
	VPADDQ(half, x, x)
	VPADDQ(odd, x, x)
}

// loopLabel is a label at the start of a line of the instruction cache, for loops that fill the processor.
func loopLabel(name string) {
	Instruction(&ir.Instruction{Opcode: "PCALIGN", Operands: []Op{Imm(64)}})
	Label(name)
}
