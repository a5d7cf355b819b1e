// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"fmt"

	"github.com/goqat/goqat/graph"
)

// A WeightQuantizer replaces shadow weights, [channels, …], by quantized ones.
type WeightQuantizer interface {
	// Params are the learned parameters, in the order of Backward's grad.
	Params() []*graph.Param
	// Forward writes the quantized weights, code times scale, to dst.
	Forward(dst, w []float32)
	// Backward writes the gradient by the shadow weights to dw and those of the
	// learned parameters to grad. dst of the last Forward is not kept: it may
	// use what Forward found.
	Backward(dw, w, dy []float32, grad [][]float32)
	// Integers writes the quantized weights as integers to codes and returns
	// the scale of each channel, or one scale for all; where the integers fall
	// apart in several sets, those of one set after those of the other.
	Integers(codes []int16, w []float32) (scale []float32)
}

// Weights adds the quantization of a layer's shadow weights. While Run.Quantize
// is off it passes them on; in Integer runs its result are the codes.
func Weights(g *graph.Graph, name string, w *graph.Param, q WeightQuantizer) *graph.Node {
	f := &weights{q: q, codes: make([]int16, len(w.Value))}
	inputs := []*graph.Node{w.Node()}
	for _, p := range q.Params() {
		inputs = append(inputs, p.Node())
	}
	return g.ApplyParam(name, f, w, inputs...)
}

// weights is the graph.Function of Weights.
type weights struct {
	q     WeightQuantizer
	codes []int16
}

func (f *weights) Forward(r *graph.Run, y []float32, x [][]float32) error {
	w := x[0]
	for i, v := range w {
		if v != v {
			return fmt.Errorf("weight %d is not a number; lower the learning rate", i)
		}
	}
	switch {
	case r.Mode == graph.Integer:
		f.q.Integers(f.codes, w)
		for i, c := range f.codes {
			y[i] = float32(c)
		}
	case r.Quantize:
		f.q.Forward(y, w)
	default:
		copy(y, w)
	}
	return nil
}

func (f *weights) Backward(r *graph.Run, dx [][]float32, dy, _ []float32, x [][]float32) error {
	if r.Quantize {
		f.q.Backward(dx[0], x[0], dy, dx[1:])
		return nil
	}
	copy(dx[0], dy)
	for _, d := range dx[1:] {
		clear(d)
	}
	return nil
}
