// SPDX-License-Identifier: Apache-2.0

package infer

import "github.com/goqat/goqat/infer/internal/kernel"

// A Layer describes one operator of a model.
type Layer struct {
	Name            string
	Operator        string // such as "conv2d"
	Method          string // quantization method of its weights, "" without weights
	WeightBits      int    // 0 without weights
	ActivationBits  int    // of its first input
	Shape           []int  // of its weights: output channels, kernel height and width, input channels per group; or nil
	Output          [3]int // height, width, channels
	MACs            int64  // multiply-accumulates per image
	Bytes           int    // of its numbers in the file
	AccumulatorBits int    // bits of the narrowest integer that holds its accumulators; 0 without
	Kernel          string // that runs it: the set and, for weights, the bits of its products
}

// Layers describes the model's operators in the order of execution, with the kernels by which this runner runs them.
func (r *Runner) Layers() []Layer {
	q := r.m.q
	layers := make([]Layer, len(q.Operators))
	for i := range q.Operators {
		o := &q.Operators[i]
		in, out := &q.Tensors[o.Inputs[0]], &q.Tensors[o.Output]
		layers[i] = Layer{
			Name: o.Name, Operator: o.Op, Method: o.Method, ActivationBits: in.Bits, Output: [3]int{out.Height, out.Width, out.Channels},
			MACs: q.MACs(i), Bytes: q.PayloadBytes(i), AccumulatorBits: q.AccumulatorBits(i), Kernel: r.Kernel(),
		}
		if w, ok := r.program.apart.steps[i].(*weighted); ok {
			layers[i].Kernel = kernel.NameOf(w.fused, kernel.NameOf(w.plan, r.Kernel()))
		}
		if o.Weights != nil {
			layers[i].WeightBits, layers[i].Shape = o.Weights.Bits*max(1, o.Weights.Planes), o.Weights.Shape[:]
		}
	}
	return layers
}
