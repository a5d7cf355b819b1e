// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/goqat/goqat/internal/kernel"
)

// A Quantizer is the last step of an epilogue: it replaces activations by
// quantized ones in training, with gradients of its own making.
//
// Forward and Backward are given blocks of the tensor, several at a time from
// several goroutines; they must treat the elements of a block independently of
// each other and of other blocks.
type Quantizer interface {
	// Params are the learned parameters, in the order of Backward's grad.
	Params() []*Param
	// Begin is called once a run before any block.
	Begin(r *Run)
	// Forward writes the quantized (and dequantized) values of src to dst,
	// which may be the same memory.
	Forward(dst, src []float32)
	// Backward writes the gradient by src to dx, which may be the memory of
	// dy, and adds to grad, one element for every value of the parameters.
	Backward(dx, src, dy []float32, grad []float64)
	// Observe is called once after the forward pass of a run whose ranges count
	// (Pass.Observe), with the statistics of the values the quantizer was given
	// (or would have been).
	Observe(r *Run, s Stats)
}

// A Rectifier is a Quantizer that may say of itself that it rectifies: its
// Backward takes every src ≤ 0 like 0, and its gradient there is 0. A ReLU before
// it then has no part in the backward pass.
type Rectifier interface {
	Quantizer
	Rectifies() bool
}

// A Gated Quantizer may say of itself that its Backward lets the gradients pass of values within
// limits, which belong to it, and stops all others. Spill then adds to grad what Backward adds, of
// sums at these limits.
type Gated interface {
	Quantizer
	Gate() (limits Limits, ok bool)
	Spill(s Spills, grad []float64)
}

// Limits are the least and the greatest value whose gradients pass a Gated quantizer, and a step whose gradient is wanted,
// 0 for none. Spills are sums of gradients there: of those below the limits and above, and with a step inside them, each
// multiplied by what rounding adds to the number of steps.
type (
	Limits = kernel.Limits
	Spills = kernel.Spills
)

// An ImageQuantizer is a Quantizer that may say of itself that it takes the range of
// each image from the values of that image alone. Then its ForwardImage is called,
// with all values of an image, in place of Forward.
type ImageQuantizer interface {
	Quantizer
	ByImage() bool
	ForwardImage(dst, src []float32)
}

// Stats describes the values a quantizer was given in one run.
type Stats struct {
	Min, Max float32

	// The rest is collected only in runs with Pass.Calibrate set.
	Count                   int
	Sum, SumAbs, SumSquares float64
}

// reset empties s.
func (s *Stats) reset() {
	*s = Stats{Min: float32(math.Inf(1)), Max: float32(math.Inf(-1))}
}

// add merges t into s.
func (s *Stats) add(t *Stats) {
	s.Min = min(s.Min, t.Min)
	s.Max = max(s.Max, t.Max)
	s.Count += t.Count
	s.Sum += t.Sum
	s.SumAbs += t.SumAbs
	s.SumSquares += t.SumSquares
}

// moments adds the count and the sums of x to s.
func (s *Stats) moments(x []float32) {
	s.Count += len(x)
	for _, v := range x {
		f := float64(v)
		s.Sum += f
		s.SumAbs += math.Abs(f)
		s.SumSquares += float64(f * f)
	}
}
