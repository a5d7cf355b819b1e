// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package neon

import (
	"golang.org/x/sys/cpu"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

//go:generate sh -c "cd ../_asm && go run . neon"

// Set is the kernels of processors with NEON, and DotSet those with FEAT_DotProd, too.
var (
	Set    = newSet("neon", cpu.ARM64.HasASIMD, planner(newDot))
	DotSet = newSet("neondot", cpu.ARM64.HasASIMDDP, planner(func(c kernel.Conv, weights []int8) kernel.Plan {
		return processor.NewDot(c, weights, &dotFours)
	}))
)

func newSet(name string, supported bool, plan func(c kernel.Conv, weights []int8) kernel.Plan) kernel.Set {
	return kernel.Set{
		Name: name, Supported: supported, Plan: plan,
		Signs: func(c kernel.Conv, n int, weights []int16) kernel.Plan {
			return processor.NewDotSigns(c, n, weights, plan, &dotSigns, 8)
		},
		SignCodes: vector.SignCodes,
		Finish:    newFinish, Compare: kernel.NewCompare, MaxPool: processor.MaxPool, SumPool: processor.SumPool,
		Online: kernel.OnlineCodes,
	}
}

var processor = &vector.Processor{
	Widen:     widen,
	Depthwise: vector.Depthwise{Name: "neon 16-bit", Row: depthwiseRow, AppendPair: appendPair},
	Pool:      vector.Pool{MaxRow16: maxRow16, MaxRow32: maxRow32, SumRow: sumRow},
	Finish: vector.Finish{
		Wide: finishWide, WideCodes: finishWideCodes, WideWide: finishWideWide, CodesCodes: finishCodesCodes, AddBlock: addBlock,
	},
}

func newFinish(e kernel.Epilogue) kernel.Finisher {
	if f := processor.NewFinish(e); f != nil {
		return f
	}
	return kernel.NewFinish(e)
}

// By FEAT_DotProd, SDOT multiplies bytes, four taps at a time, exact for all of them.
var dotFours = vector.Dot{
	Name: "neondot 8-bit", Width: 1, Together: 4, Less: 128,
	Products: []vector.Product{1: dotFours1, dotFours2, dotFours3, dotFours4},
}

// Without it codes are widened to 16 bits and multiplied by SMLAL, exact for all codes.
var dotWords = vector.Dot{
	Name: "neon 16-bit", Width: 2, Together: 1,
	Products: []vector.Product{1: dotWords1, dotWords2, dotWords3, dotWords4},
}

// Products of bytes by SMLAL, twice as many an instruction, are exact where those of a block of steps fit int16.
var dotBytes = vector.Dot{Name: "neon 8-bit", Width: 1, Together: 1, Less: 128}

var dotBytesBlocks = []vector.BlockProduct{1: dotBytes1, dotBytes2, dotBytes3, dotBytes4}

// leastBlock is the least block of which such products are used: what empties its sums is a seventh of the instructions.
const leastBlock = 4

// byteBlock returns the number of steps, each of four taps, for which the sums of dotBytes fit int16, whatever the codes in
// [0, most] are; the weights are in lines of taps.
func byteBlock(weights []int8, taps int, most int32) int {
	worst := int64(1)
	for ; len(weights) > 0; weights = weights[taps:] {
		for i := 0; i < taps; i += 4 {
			worst = max(worst, fixed.DotBound(weights[i:min(i+4, taps)], -dotBytes.Less, max(0, most-dotBytes.Less)))
		}
	}
	return int((1<<15 - 1) / worst)
}

func newDot(c kernel.Conv, weights []int8) kernel.Plan {
	if block := byteBlock(weights, c.KW*c.InC, c.Max); block >= leastBlock {
		return processor.NewDot(c, weights, dotBytes.WithBlock(dotBytesBlocks, block))
	}
	return processor.NewDot(c, weights, &dotWords)
}

// Signs are eight bits a byte.
var dotSigns = vector.Dot{
	Name: "neon 1-bit", Width: 1, Together: 4,
	Products: []vector.Product{1: dotSigns1, dotSigns2, dotSigns3, dotSigns4},
}

// planner returns a function that prepares a convolution, by dot where that is one of dot products.
func planner(dot func(c kernel.Conv, weights []int8) kernel.Plan) func(c kernel.Conv, weights []int8) kernel.Plan {
	return func(c kernel.Conv, weights []int8) kernel.Plan {
		return processor.NewPlan(c, weights, vector.Panel, dot)
	}
}

// appendPair appends the weights of two taps as the depthwise rows take them: one after the other.
func appendPair(weights []int16, pair *[2][16]int16) []int16 {
	return append(append(weights, pair[0][:]...), pair[1][:]...)
}
