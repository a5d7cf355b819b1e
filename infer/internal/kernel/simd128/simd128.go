// SPDX-License-Identifier: Apache-2.0

package simd128

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

//go:generate sh -c "cd ../_asm && go run . simd128"

// Set is the kernels of WebAssembly with SIMD. Without the permission of the host its plans are those of portable Go.
var Set = kernel.Set{
	Name: "simd128", Supported: supported, Permit: permit, Plan: newPlan, Signs: newSigns, SignCodes: vector.SignCodes,
	Finish: newFinish, Compare: newCompare, MaxPool: maxPool, SumPool: sumPool, Online: kernel.OnlineCodes,
}

// permitted says whether the module is there.
func permitted() bool { return permit() == nil }

var processor = &vector.Processor{
	Depthwise: vector.Depthwise{Name: "simd128 16-bit", Row: depthwiseRow, AppendPair: appendPair},
	Pool:      vector.Pool{MaxRow16: maxRow, MaxRow32: maxRow, SumRow: sumRow},
	Finish: vector.Finish{
		Wide: finishWideTies, WideCodes: finishWideCodes, WideWide: finishWideWide, CodesCodes: finishCodesCodes, AddBlock: addBlock,
	},
	Sums: &vector.Sums{
		Lanes: lanes, Whole: true, SumWide: sumWide, SumCodes: sumCodes, RequantizeCodes: requantizeCodes, RequantizeWide: requantizeWide,
		CompareSums: compareSums, ComparePlanes: comparePlanes,
	},
}

func newPlan(c kernel.Conv, weights []int8) kernel.Plan {
	if !permitted() {
		return kernel.NewGeneric(c, weights)
	}
	return processor.NewPlan(c, weights, lanes, newDot)
}

func newSigns(c kernel.Conv, n int, weights []int16) kernel.Plan {
	return signs(c, n, weights, newPlan)
}

// countedSigns are eight bits a byte.
var countedSigns = vector.Dot{Name: "simd128 1-bit", Width: 1, Together: 4, Products: []vector.Product{1: dotSigns1, dotSigns2}}

// signs prepares a convolution of signs, with plan where weights are others.
func signs(c kernel.Conv, n int, weights []int16, plan func(c kernel.Conv, weights []int8) kernel.Plan) kernel.Plan {
	if !permitted() {
		return kernel.NewBits(c, n, weights)
	}
	return processor.NewDotSigns(c, n, weights, plan, &countedSigns, 8)
}

func maxPool(w *kernel.Window, dst, x []uint8, row, rows int) {
	if !permitted() {
		kernel.MaxPool(w, dst, x, row, rows)
		return
	}
	processor.MaxPool(w, dst, x, row, rows)
}

func sumPool(w *kernel.Window, acc []int32, x []uint8, row, rows int) {
	if !permitted() {
		kernel.SumPool(w, acc, x, row, rows)
		return
	}
	processor.SumPool(w, acc, x, row, rows)
}

func newCompare(e kernel.Epilogue) kernel.Finisher {
	if !permitted() {
		return kernel.NewCompare(e)
	}
	return processor.NewCompare(e)
}

// appendPair appends the weights of two taps of a block, those of a channel next to each other.
func appendPair(weights []int16, pair *[2][16]int16) []int16 {
	for lane := range pair[0] {
		weights = append(weights, pair[0][lane], pair[1][lane])
	}
	return weights
}
