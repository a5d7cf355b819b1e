// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import (
	"golang.org/x/sys/cpu"

	"github.com/goqat/goqat/fixed"
)

func platformSets() []Set {
	return []Set{
		{Name: "neondot", Supported: cpu.ARM64.HasASIMDDP, Plan: newNEONDot, Signs: newSignsNEONDot, Finish: newBlockFinish, Compare: newCompare, MaxPool: maxPoolRows, SumPool: sumPoolRows},
		{Name: "neon", Supported: cpu.ARM64.HasASIMD, Plan: newNEON, Signs: newSignsNEON, Finish: newBlockFinish, Compare: newCompare, MaxPool: maxPoolRows, SumPool: sumPoolRows},
	}
}

// dotRows are the rows of a tile of a dot product, at most.
const dotRows = 4

// By FEAT_DotProd, SDOT multiplies bytes, four taps at a time, exact for all of them.
var dotFours = dotForm{
	name: "neondot 8-bit", width: 1, together: 4, less: 128,
	products: [...]dotProduct{1: dotFours1, dotFours2, dotFours3, dotFours4},
}

// Without it codes are widened to 16 bits and multiplied by SMLAL, exact for all codes.
var dotWords = dotForm{
	name: "neon 16-bit", width: 2, together: 1,
	products: [...]dotProduct{1: dotWords1, dotWords2, dotWords3, dotWords4},
}

// Products of bytes by SMLAL, twice as many an instruction, are exact where those of a block of steps fit int16.
var dotBytes = dotForm{name: "neon 8-bit", width: 1, together: 1, less: 128}

var dotBytesBlocks = [...]dotBlock{1: dotBytes1, dotBytes2, dotBytes3, dotBytes4}

// leastBlock is the least block of which such products are used: what empties its sums is a seventh of the instructions.
const leastBlock = 4

// byteBlock returns the number of steps, each of four taps, for which the sums of dotBytes fit int16, whatever the codes in
// [0, most] are; the weights are in lines of taps.
func byteBlock(weights []int8, taps int, most int32) int {
	worst := int64(1)
	for ; len(weights) > 0; weights = weights[taps:] {
		for i := 0; i < taps; i += 4 {
			worst = max(worst, fixed.DotBound(weights[i:min(i+4, taps)], -dotBytes.less, max(0, most-dotBytes.less)))
		}
	}
	return int((1<<15 - 1) / worst)
}

func newDotNEON(c Conv, weights []int8) Plan {
	if block := byteBlock(weights, c.KW*c.InC, c.Max); block >= leastBlock {
		return newDot(c, weights, dotBytes.withBlock(dotBytesBlocks, block))
	}
	return newDot(c, weights, &dotWords)
}

// Signs are eight bits a byte.
var dotSigns = dotForm{
	name: "neon 1-bit", width: 1, together: 4,
	products: [...]dotProduct{1: dotSigns1, dotSigns2, dotSigns3, dotSigns4},
}

func newNEON(c Conv, weights []int8) Plan { return newPlanNEON(c, weights, newDotNEON) }

func newNEONDot(c Conv, weights []int8) Plan {
	return newPlanNEON(c, weights, func(c Conv, weights []int8) Plan { return newDot(c, weights, &dotFours) })
}

// newPlanNEON prepares a convolution, by dot where that is one of dot products.
func newPlanNEON(c Conv, weights []int8, dot func(c Conv, weights []int8) Plan) Plan {
	switch {
	case c.Groups == 1:
		return dot(c, weights)
	case c.Groups == c.InC && c.Groups == c.OutC && c.InC >= 16:
		return newDepthwiseRows(c, weights)
	default:
		return newGeneric(c, weights)
	}
}

func newSignsNEON(c Conv, n int, weights []int16) Plan {
	return newDotSigns(c, n, weights, newNEON, &dotSigns, 8)
}

func newSignsNEONDot(c Conv, n int, weights []int16) Plan {
	return newDotSigns(c, n, weights, newNEONDot, &dotSigns, 8)
}

const depthwiseName = "neon 16-bit"

// appendPair appends the weights of two taps as the depthwise rows take them: one after the other.
func appendPair(weights []int16, pair *[2][16]int16) []int16 {
	return append(append(weights, pair[0][:]...), pair[1][:]...)
}
