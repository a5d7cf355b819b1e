// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

func platformSets() []Set {
	return []Set{
		{Name: "neondot", Supported: cpu.ARM64.HasASIMDDP, Plan: newNEONDot, Signs: newSignsNEONDot, Finish: newBlockFinish, Compare: newCompare, MaxPool: maxPoolRows, SumPool: sumPoolRows},
		{Name: "neon", Supported: cpu.ARM64.HasASIMD, Plan: newNEON, Signs: newSignsNEON, Finish: newBlockFinish, Compare: newCompare, MaxPool: maxPoolRows, SumPool: sumPoolRows},
	}
}

// By FEAT_DotProd, SDOT multiplies bytes, four taps at a time, exact for all of them.
var dotBytes = dotForm{
	name: "neondot 8-bit", width: 1, together: 4, less: 128,
	products: [...]dotProduct{1: dotBytes1, dotBytes2, dotBytes3, dotBytes4, dotBytes5, dotBytes6},
}

// Without it codes are widened to 16 bits and multiplied by SMLAL, exact for all codes.
var dotWords = dotForm{
	name: "neon 16-bit", width: 2, together: 1,
	products: [...]dotProduct{1: dotWords1, dotWords2, dotWords3, dotWords4, dotWords5, dotWords6},
}

// Signs are eight bits a byte.
var dotSigns = dotForm{
	name: "neon 1-bit", width: 1, together: 4,
	products: [...]dotProduct{1: dotSigns1, dotSigns2, dotSigns3, dotSigns4, dotSigns5, dotSigns6},
}

func newNEON(c Conv, weights []int8) Plan { return newPlanNEON(c, weights, &dotWords) }

func newNEONDot(c Conv, weights []int8) Plan { return newPlanNEON(c, weights, &dotBytes) }

func newPlanNEON(c Conv, weights []int8, form *dotForm) Plan {
	switch {
	case c.Groups == 1:
		return newDot(c, weights, form)
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
