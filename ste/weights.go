// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
)

// A WeightQuantizer replaces shadow weights, [channels, …], by quantized ones.
type WeightQuantizer interface {
	// Params are the learned parameters, in the order of Backward's grad.
	Params() []*graph.Param
	// Forward writes the quantized weights, code times scale, to dst.
	Forward(dst, w []float32)
	// Backward writes the gradient by the shadow weights to dw and the gradients by the
	// learned parameters to grad. dst of the last Forward is not kept: it may
	// use what Forward found.
	Backward(dw, w, dy []float32, grad [][]float32)
	// Integers writes the quantized weights as integers to codes and returns
	// the scale of each channel, or one scale for all; where the integers fall
	// apart in several sets, the integers of one set come after the integers of another.
	Integers(codes []int16, w []float32) (scale []float32)
}

// A Channelwise quantizer treats each channel, or all weights as one, for itself.
// Its channels are quantized on all threads.
type Channelwise interface {
	WeightQuantizer
	// Channels is the number of equal parts of the weights.
	Channels() int
	// ForwardChannel is Forward of channel c; dst and w hold this channel alone.
	ForwardChannel(c int, dst, w []float32)
	// BackwardChannel is Backward of channel c; dw, w and dy hold this channel alone.
	// grad holds the gradients of all channels, and the call writes its own part.
	BackwardChannel(c int, dw, w, dy []float32, grad [][]float32)
}

// A Measured quantizer looks at all weights before any channel is quantized.
type Measured interface {
	Channelwise
	Measure(w []float32)
}

// A Begun quantizer is told of every run before it quantizes, and before it computes gradients: of
// the runs of one step it quantizes in the first alone, and in none if others have all of them; then it
// is told at the end of the step.
type Begun interface {
	WeightQuantizer
	Begin(r *graph.Run)
}

// A Stepped quantizer says of which steps the weights are whole numbers that its Forward
// last wrote: it appends the step of each channel, or one for all, to steps, and returns
// the greatest magnitude of the whole numbers; 0 where the weights are no such numbers.
// Where they fall apart in several sets, the steps of one set come after those of another.
type Stepped interface {
	WeightQuantizer
	StepSizes(steps []float32) (all []float32, most int)
}

// Weights adds the quantization of a layer's shadow weights. While Pass.Quantize
// is off it passes them on; in Integer runs its result is the codes.
func Weights(g *graph.Graph, name string, w *graph.Param, q WeightQuantizer) *graph.Node {
	f := &weights{name: w.Name, q: q, codes: make([]int16, len(w.Value))}
	f.channels, _ = q.(Channelwise)
	inputs := []*graph.Node{w.Node()}
	for _, p := range q.Params() {
		inputs = append(inputs, p.Node())
	}
	return g.ApplyParam(name, f, w, inputs...)
}

// weights is the graph.Function of Weights.
type weights struct {
	name     string // of the parameter
	q        WeightQuantizer
	channels Channelwise // q, if it is
	codes    []int16
	steps    []float32

	// of the pass under way
	y, w, dw, dy []float32
	grad         [][]float32
}

// The passes over groups of channels, each a graph.Task.
type (
	forwardChannels  weights
	backwardChannels weights
)

func (t *forwardChannels) Tile(i, _ int) {
	(*weights)(t).group(i, func(c, lo, hi int) { t.channels.ForwardChannel(c, t.y[lo:hi], t.w[lo:hi]) })
}

func (t *backwardChannels) Tile(i, _ int) {
	(*weights)(t).group(i, func(c, lo, hi int) {
		t.channels.BackwardChannel(c, t.dw[lo:hi], t.w[lo:hi], t.dy[lo:hi], t.grad)
	})
}

// groupSize is the number of weights from which on a tile is worth what it costs to start.
const groupSize = 1 << 12

// groups returns the number of tiles, and the channels of each.
func (f *weights) groups() (n, channels int) {
	all := f.channels.Channels()
	channels = max(1, groupSize*all/len(f.w))
	return (all + channels - 1) / channels, channels
}

// group calls a function for each channel of tile i, with the first of its weights and
// the index after the last.
func (f *weights) group(i int, do func(c, lo, hi int)) {
	_, n := f.groups()
	all := f.channels.Channels()
	size := len(f.w) / all
	for c := i * n; c < min((i+1)*n, all); c++ {
		do(c, c*size, (c+1)*size)
	}
}

func (f *weights) Forward(r *graph.Run, y []float32, x [][]float32) error {
	w := x[0]
	if s := kernel.SumSquares(w); s != s {
		bad := slices.IndexFunc(w, func(v float32) bool { return v != v })
		return fmt.Errorf("weight %d is not a number; lower the learning rate", bad)
	}
	f.Begin(r)
	switch {
	case r.Mode == graph.Integer:
		f.q.Integers(f.codes, w)
		for i, c := range f.codes {
			y[i] = float32(c)
		}
	case r.Quantizes(f.name) && f.channels != nil:
		if m, ok := f.q.(Measured); ok {
			m.Measure(w)
		}
		f.y, f.w = y, w
		n, _ := f.groups()
		r.Do((*forwardChannels)(f), n)
	case r.Quantizes(f.name):
		f.q.Forward(y, w)
	default:
		copy(y, w)
	}
	return nil
}

// WeightSteps implements [graph.SteppedWeights].
func (f *weights) WeightSteps(r *graph.Run) (steps []float32, most int) {
	q, ok := f.q.(Stepped)
	if !ok || !r.Quantizes(f.name) {
		return nil, 0
	}
	if f.steps, most = q.StepSizes(f.steps[:0]); most == 0 {
		return nil, 0
	}
	return f.steps, most
}

// Begin tells the quantizer of a run, or of the end of a step.
func (f *weights) Begin(r *graph.Run) {
	if b, ok := f.q.(Begun); ok {
		b.Begin(r)
	}
}

func (f *weights) Backward(r *graph.Run, dx [][]float32, dy []float32, x [][]float32) error {
	f.Begin(r)
	switch {
	case r.Quantizes(f.name) && f.channels != nil:
		f.dw, f.w, f.dy, f.grad = dx[0], x[0], dy, dx[1:]
		n, _ := f.groups()
		r.Do((*backwardChannels)(f), n)
		return nil
	case r.Quantizes(f.name):
		f.q.Backward(dx[0], x[0], dy, dx[1:])
		return nil
	}
	copy(dx[0], dy)
	for _, d := range dx[1:] {
		clear(d)
	}
	return nil
}
