// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx2

import (
	"golang.org/x/sys/cpu"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

//go:generate sh -c "cd ../_asm && go run . avx2"

// Set is the kernels of processors with AVX2.
var Set = kernel.Set{
	Name: "avx2", Supported: cpu.X86.HasAVX2, Plan: newPlan, Small: newSmallPlan, Signs: newSigns, SignCodes: vector.SignCodes,
	Finish: newFinish, Compare: Processor.NewCompare, MaxPool: Processor.MaxPool, SumPool: Processor.SumPool,
	Online: kernel.OnlineCodes,
}

// Processor is the loops of AVX2.
var Processor = &vector.Processor{
	Widen:     widen,
	Depthwise: vector.Depthwise{Name: "avx2 16-bit", Row: depthwiseRow, Line: depthwiseLine, AppendPair: appendPair},
	Pool:      vector.Pool{MaxRow16: maxRow16, MaxRow32: maxRow32, SumRow: sumRow},
	Finish: vector.Finish{
		Wide: finishWideTies, WideCodes: finishWideCodes, WideWide: finishWideWide, CodesCodes: finishCodesCodes, AddBlock: addBlock,
	},
	Sums: &vector.Sums{
		Lanes: 8, Whole: true, SumWide: sumWide, SumCodes: sumCodes, RequantizeCodes: requantizeCodes, RequantizeWide: requantizeWide,
		CompareSums: compareSums, ComparePlanes: comparePlanes,
	},
	Winograd: &vector.Winograd{
		Name: "avx2 16-bit winograd", Codes: transformCodes, Pack: packWeights, Weights: transformWeights, Sums: transformSums,
		Products: []vector.PointsProduct{1: dotPoints1, dotPoints2, dotPoints3, dotPoints4, dotPoints5, dotPoints6},
	},
}

// newFinish prepares an epilogue, by sums where one or two terms of 32 bits will not do.
func newFinish(e kernel.Epilogue) kernel.Finisher {
	if f := newWideFinish(e); f != nil {
		return f
	}
	if f := Processor.NewFinish(e); f != nil {
		return f
	}
	return Processor.NewSums(e)
}

func newPlan(c kernel.Conv, weights []int8) kernel.Plan { return planOf(c, weights, false) }

func newSmallPlan(c kernel.Conv, weights []int8) kernel.Plan { return planOf(c, weights, true) }

func planOf(c kernel.Conv, weights []int8, small bool) kernel.Plan {
	return Processor.NewPlan(c, weights, vector.Panel, func(c kernel.Conv, weights []int8) kernel.Plan { return newDot(c, weights, small) })
}

// Codes are widened to 16 bits and multiplied by VPMADDWD, exact for all codes.
var dotWords = vector.Dot{
	Name: "avx2 16-bit", Width: 2, Together: 2,
	Products: []vector.Product{1: dotWords1, dotWords2, dotWords3, dotWords4, dotWords5, dotWords6},
}

// Signs are four bits a byte.
var dotSigns = vector.Dot{
	Name: "avx2 1-bit", Width: 1, Together: 4,
	Products: []vector.Product{1: dotSigns1, dotSigns2, dotSigns3, dotSigns4, dotSigns5, dotSigns6},
}

// Products of codes by VPMADDUBSW, at twice the speed, are exact where those of a block of steps fit int16.
var dotBytes = vector.Dot{Name: "avx2 8-bit", Width: 1, Together: 4}

var dotBytesBlocks = []vector.BlockProduct{1: dotBytes1, dotBytes2, dotBytes3, dotBytes4, dotBytes5, dotBytes6}

func newDot(c kernel.Conv, weights []int8, small bool) kernel.Plan {
	if block := wordBlock(weights, c.KW*c.InC, c.Max); block > 1 {
		return Processor.NewDot(c, weights, dotBytes.WithBlock(dotBytesBlocks, block))
	}
	if p := Processor.NewWinograd(c, weights, small); p != nil {
		return p
	}
	return Processor.NewDot(c, weights, &dotWords)
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

func newSigns(c kernel.Conv, n int, weights []int16) kernel.Plan {
	return Processor.NewDotSigns(c, n, weights, newPlan, &dotSigns, 4)
}

// appendPair appends the weights of two taps as the depthwise rows take them: the taps of a channel next to each other, and
// channels in the order to which interleaving two taps in registers brings their codes.
func appendPair(weights []int16, pair *[2][16]int16) []int16 {
	for _, lane := range []int{0, 1, 2, 3, 8, 9, 10, 11, 4, 5, 6, 7, 12, 13, 14, 15} {
		weights = append(weights, pair[0][lane], pair[1][lane])
	}
	return weights
}
