// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"golang.org/x/sys/cpu"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx2"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

//go:generate sh -c "cd ../_asm && go run . avx512"

// supported says whether the processor and the operating system have what the kernels use: server processors since Ice
// Lake and Zen 4.
var supported = cpu.X86.HasAVX2 && cpu.X86.HasBMI2 && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ && cpu.X86.HasAVX512VL &&
	cpu.X86.HasAVX512VNNI && cpu.X86.HasAVX512VPOPCNTDQ && cpu.X86.HasAVX512VBMI

// Set is the kernels of processors with AVX-512 and VNNI.
var Set = kernel.Set{
	Name: "avx512vnni", Supported: supported, Plan: newPlan, Packed: newPacked, FewRows: 14, Signs: newSigns, SignCodes: vector.SignCodes,
	Finish: newFinish, Compare: newCompare, MaxPool: processor.MaxPool, SumPool: processor.SumPool,
	Online: kernel.OnlineCodes,
}

// processor is the loops that the package shares; those of depthwise rows and of pooling are of AVX2.
var processor = &vector.Processor{
	Depthwise: avx2.Processor.Depthwise,
	Pool:      avx2.Processor.Pool,
	Sums: &vector.Sums{
		Lanes: lanes, SumWide: sumWide, SumCodes: sumCodes, RequantizeCodes: requantizeCodes, RequantizeWide: requantizeWide,
		CompareSums: compareSums, ComparePlanes: comparePlanes, CompareRows: compareRows,
	},
}

func newPlan(c kernel.Conv, weights []int8) kernel.Plan { return plan(c, weights, asBytes) }

func newPacked(c kernel.Conv, weights []int8) kernel.Plan { return plan(c, weights, fewestBits) }

// plan prepares a convolution, a product with weights in the form that is chosen.
func plan(c kernel.Conv, weights []int8, choose chooser) kernel.Plan {
	if vector.IsDepthwise(c) {
		return newDepthwise(c, weights)
	}
	return processor.NewPlan(c, weights, lanes, func(c kernel.Conv, weights []int8) kernel.Plan { return newDot(c, weights, choose) })
}

// newCompare prepares thresholds, those of codes by codes.
func newCompare(e kernel.Epilogue) kernel.Finisher {
	if len(e.Terms) == 1 && e.Terms[0].Codes {
		return newCompareCodes(e)
	}
	return processor.NewCompare(e)
}
