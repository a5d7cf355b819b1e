// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "golang.org/x/sys/cpu"

func platformSets() []Set {
	return []Set{
		{Name: "avx512vnni", Supported: hasAVX512, Plan: newVNNI, Signs: newSignsAVX512, Finish: newVNNIFinish, Compare: newCompareAVX512, MaxPool: maxPoolRows, SumPool: sumPoolRows},
		{Name: "avx2", Supported: cpu.X86.HasAVX2, Plan: newAVX2, Signs: newSignsAVX2, Finish: newFinishAVX2, Compare: newCompareAVX2, MaxPool: maxPoolRows, SumPool: sumPoolRows},
	}
}

// newFinishAVX2 prepares an epilogue, by sums where one of two terms at most, of 32 bits, will not do.
func newFinishAVX2(e Epilogue) Finisher {
	f := newBlockFinish(e)
	if _, portable := f.(*genericFinish); portable {
		return newSums(e, sumsAVX2)
	}
	return f
}

func newAVX2(c Conv, weights []int8) Plan {
	switch {
	case c.Groups == 1:
		return newDotAVX2(c, weights)
	case c.Groups == c.InC && c.Groups == c.OutC && c.InC >= 16:
		return newDepthwiseRows(c, weights)
	default:
		return newGeneric(c, weights)
	}
}

// dotRows are the rows of a tile of a dot product, at most.
const dotRows = 6

// Codes are widened to 16 bits and multiplied by VPMADDWD, exact for all codes.
var dotWords = dotForm{
	name: "avx2 16-bit", width: 2, together: 2,
	products: [...]dotProduct{1: dotWords1, dotWords2, dotWords3, dotWords4, dotWords5, dotWords6},
}

// Signs are four bits a byte.
var dotSigns = dotForm{
	name: "avx2 1-bit", width: 1, together: 4,
	products: [...]dotProduct{1: dotSigns1, dotSigns2, dotSigns3, dotSigns4, dotSigns5, dotSigns6},
}

// Products of codes by VPMADDUBSW, at twice the speed, are exact where those of a block of steps fit int16.
var dotBytes = dotForm{name: "avx2 8-bit", width: 1, together: 4}

var dotBytesBlocks = [...]dotBlock{1: dotBytes1, dotBytes2, dotBytes3, dotBytes4, dotBytes5, dotBytes6}

func newDotAVX2(c Conv, weights []int8) Plan {
	if block := wordBlock(weights, c.KW*c.InC, c.Max); block > 1 {
		return newDot(c, weights, dotBytes.withBlock(dotBytesBlocks, block))
	}
	return newDot(c, weights, &dotWords)
}

// wordBlock returns the number of steps for which sums of VPMADDUBSW fit int16, whatever the codes in [0, most] are;
// the weights are in lines of taps.
func wordBlock(weights []int8, taps int, most int32) int {
	worst := int32(0)
	for ; len(weights) > 0; weights = weights[taps:] {
		line := weights[:taps]
		if taps%2 == 1 {
			last := int32(line[taps-1])
			worst, line = max(worst, last, -last), line[:taps-1]
		}
		for ; len(line) > 0; line = line[2:] {
			pair := (*[2]int8)(line)
			v, w := int32(pair[0]), int32(pair[1])
			worst = max(worst, max(v, 0)+max(w, 0), max(-v, 0)+max(-w, 0))
		}
	}
	worst = max(1, worst*most)
	return int((1<<15 - 1) / worst)
}

func newSignsAVX2(c Conv, n int, weights []int16) Plan {
	return newDotSigns(c, n, weights, newAVX2, &dotSigns, 4)
}

const depthwiseName = "avx2 16-bit"

// appendPair appends the weights of two taps as the depthwise rows take them: the taps of a channel next to each other, and
// channels in the order to which interleaving two taps in registers brings their codes.
func appendPair(weights []int16, pair *[2][16]int16) []int16 {
	for _, lane := range []int{0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15} {
		weights = append(weights, pair[0][lane], pair[1][lane])
	}
	return weights
}
