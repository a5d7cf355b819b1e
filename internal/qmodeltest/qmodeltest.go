// SPDX-License-Identifier: Apache-2.0

// Package qmodeltest builds random valid integer models, for the tests of what reads, writes and runs them.
package qmodeltest

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/qmodel"
)

const one = 0x3f800000 // the bits of the float32 1

// A Builder adds operators to a model. Its methods return the index of the tensor they make, and panic where a shape
// is impossible: the builder is for tests.
type Builder struct {
	Model  *qmodel.Model
	rng    *rand.Rand
	bounds map[int][]int64 // of tensors of accumulators
	steps  map[int]int32   // divisors of tensors whose images have steps of their own
	values bool            // the output being made are values
}

// New starts a model with an image of the given shape, tensor 0.
func New(rng *rand.Rand, height, width, channels int) *Builder {
	in := qmodel.Input{Height: height, Width: width, Channels: channels, ZeroPoints: []int32{rng.Int32N(256)}, ScaleBits: []uint32{one}}
	return &Builder{rng: rng, bounds: map[int][]int64{}, steps: map[int]int32{}, Model: &qmodel.Model{
		Version: qmodel.Version, Name: "random", Method: "int", Input: in,
		Tensors: []qmodel.Tensor{{Name: "image", Height: height, Width: width, Channels: channels, Bits: 8, ZeroPoint: in.ZeroPoints[0], ScaleBits: one}},
	}}
}

// Channelwise gives each channel of the image a zero point of its own. It comes before all operators, and the image is
// read by those with weights, maximum poolings and flattening alone.
func (b *Builder) Channelwise() {
	in := &b.Model.Input
	for len(in.ZeroPoints) < in.Channels {
		in.ZeroPoints, in.ScaleBits = append(in.ZeroPoints, b.rng.Int32N(256)), append(in.ScaleBits, one)
	}
	b.Model.SpreadZeroPoints()
}

// Window is the geometry of a convolution or pooling.
type Window struct {
	Kernel, Stride [2]int
	Pad            [4]int
	Dilation       [2]int // zeros for 1
}

// Square returns a window with equal sizes in both directions and the same padding on all sides.
func Square(kernel, stride, pad int) Window {
	return Window{Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Pad: [4]int{pad, pad, pad, pad}}
}

func (w Window) size(t *qmodel.Tensor) (int, int) {
	return geometry.Window{Kernel: w.Kernel, Stride: w.Stride, Dilation: w.Dilation, Pad: w.Pad}.Output(t.Height, t.Width)
}

// output adds a tensor of codes of the given bits.
func (b *Builder) output(height, width, channels, codeBits int) int {
	b.Model.Tensors = append(b.Model.Tensors, qmodel.Tensor{
		Name: "t" + strconv.Itoa(len(b.Model.Tensors)), Height: height, Width: width, Channels: channels,
		Bits: codeBits, ZeroPoint: b.rng.Int32N(1 << codeBits), ScaleBits: one,
	})
	return len(b.Model.Tensors) - 1
}

func (b *Builder) operator(o qmodel.Operator) int {
	o.Name = fmt.Sprintf("%s%d", o.Op, len(b.Model.Operators))
	b.Model.Operators = append(b.Model.Operators, o)
	return o.Output
}

// Conv adds a convolution of tensor in, depthwise where groups, the input channels and the output channels are equal
// and above 1, with weights of the given bits and residual connections from the others. codeBits is the output's
// bits; 0 asks for accumulators, 32 for logits.
func (b *Builder) Conv(in int, w Window, channels, groups, weightBits, codeBits int, others ...int) int {
	return b.ConvForm(in, w, channels, groups, Form{WeightBits: weightBits, CodeBits: codeBits}, others...)
}

// ConvForm is Conv with all that weights and output can be.
func (b *Builder) ConvForm(in int, w Window, channels, groups int, f Form, others ...int) int {
	x := &b.Model.Tensors[in]
	height, width := w.size(x)
	o := qmodel.Operator{Op: qmodel.Conv2D, Method: "int", Inputs: append([]int{in}, others...), Kernel: w.Kernel, Stride: w.Stride, Dilation: w.Dilation, Pad: w.Pad, Groups: groups}
	if groups > 1 && groups == x.Channels && groups == channels {
		o.Op = qmodel.Depthwise
	} else if x.Height == 1 && x.Width == 1 && w == Square(1, 1, 0) && groups == 1 {
		o.Op = qmodel.Linear
	}
	o.Weights = b.weights(f, [4]int{channels, w.Kernel[0], w.Kernel[1], x.Channels / groups})
	bounds := o.Weights.TermBounds(x)
	o.Output = b.output(height, width, channels, max(1, f.CodeBits&31))
	out := &b.Model.Tensors[o.Output]
	if f.CodeBits == 0 && !f.Signs {
		out.Kind, out.Bits, out.ZeroPoint, out.ScaleBits = qmodel.Accumulators, 32, 0, 0
		b.bounds[o.Output] = bounds[0]
		b.steps[o.Output] = b.steps[in]
		return b.operator(o)
	}
	divisors := slices.Repeat([]int32{b.steps[in]}, len(bounds))
	for _, t := range others {
		bounds, divisors = append(bounds, b.bound(t)), append(divisors, b.steps[t])
	}
	switch {
	case f.Signs:
		b.compare(&o, bounds)
	case f.CodeBits == 32:
		out.Kind, out.Bits, out.ZeroPoint = qmodel.Logits, 32, 0
		fallthrough
	default:
		o.Requantizer = b.requantizer(out, bounds, divisors)
	}
	return b.operator(o)
}

// bound returns the greatest |q - zero point| or |accumulator| of a tensor, per channel.
func (b *Builder) bound(t int) []int64 {
	if bounds, ok := b.bounds[t]; ok {
		return bounds
	}
	x := &b.Model.Tensors[t]
	bounds := make([]int64, x.Channels)
	for c := range bounds {
		bounds[c] = int64(max(x.ZeroPoint, x.Max()-x.ZeroPoint))
	}
	return bounds
}

// requantizer draws multipliers that spread accumulators of the given bounds over the output's range: float32
// mantissas as a rule, sometimes wide ones, powers of two (ties), 0, and multipliers far too large or small. Sometimes the
// output may not use all of its codes.
//
// Terms with divisors have steps by image: their multipliers are drawn for images of the typical greatest value.
func (b *Builder) requantizer(out *qmodel.Tensor, bounds [][]int64, divisors []int32) *fixed.Requantizer {
	channels := out.Channels
	if out.Kind == qmodel.Codes && b.rng.IntN(4) == 0 {
		out.Range = [2]int32{b.rng.Int32N(out.ZeroPoint + 1), out.ZeroPoint + b.rng.Int32N(out.Max()-out.ZeroPoint+1)}
	}
	r := &fixed.Requantizer{Bias: make([]int64, channels), AccBias: make([]int32, channels), Shift: make([]uint8, channels), Zero: out.ZeroPoint}
	r.Lo, r.Hi = out.Span()
	spread := out.Bits
	switch {
	case b.values:
		out.Kind, out.Bits, out.ZeroPoint, out.Range = qmodel.Values, 32, 0, [2]int32{-b.rng.Int32() * b.rng.Int32N(2), b.rng.Int32()}
		r.Zero, r.Lo, r.Hi, spread = 0, out.Range[0], out.Range[1], 18
	case out.Kind == qmodel.Logits:
		r.Lo, r.Hi, spread = math.MinInt32, math.MaxInt32, 20
	}
	online := slices.Max(divisors) > 0
	if online {
		r.Divisors = divisors
	}
	for range bounds {
		r.M = append(r.M, make([]int64, channels))
	}
	style := b.rng.IntN(4)
	for c := range channels {
		shift := 24 + b.rng.IntN(10)
		switch style {
		case 1:
			shift = 1 + b.rng.IntN(3)
		case 2:
			shift = 34 + b.rng.IntN(5)
		}
		shift = min(shift, 50-spread)
		if online {
			shift = min(shift, 40-spread)
		}
		r.Shift[c] = uint8(shift)
		for i := range bounds {
			bound := max(1, bounds[i][c])
			m := int64(1)<<(shift+spread+b.rng.IntN(3))/bound + 1
			m = m/2 + b.rng.Int64N(m/2+1)
			switch b.rng.IntN(16) {
			case 0:
				m = 0
			case 1:
				m = 1 << (bits.Len64(uint64(m)) - min(1, int(m)))
			case 2:
				m <<= 5
			}
			if b.rng.IntN(3) == 0 {
				m = -m
			}
			if r.Online(i) {
				m *= int64(r.Divisors[i]) << 11 // 2^31 over fixed.TypicalValue
			}
			r.M[i][c] = m
		}
		if len(bounds) == 1 && !online && b.rng.IntN(2) == 0 {
			r.AccBias[c] = int32(b.rng.Int64N(bounds[0][c]+1) - bounds[0][c]/2)
		} else {
			r.Bias[c] = b.rng.Int64N(int64(1)<<(shift+spread)) - int64(1)<<(shift+spread-1)
		}
	}
	if err := r.Check(bounds); err != nil {
		panic(err)
	}
	return r
}

// MaxPool adds a maximum pooling.
func (b *Builder) MaxPool(in int, w Window) int {
	x := b.Model.Tensors[in]
	height, width := w.size(&x)
	out := b.keep(in, height, width, x.Channels)
	return b.operator(qmodel.Operator{Op: qmodel.MaxPool, Inputs: []int{in}, Output: out, Kernel: w.Kernel, Stride: w.Stride, Pad: w.Pad})
}

// AvgPool adds an average pooling, of the padding too if there is any and chance has it.
func (b *Builder) AvgPool(in int, w Window, codeBits int) int {
	x := b.Model.Tensors[in]
	height, width := w.size(&x)
	out := b.output(height, width, x.Channels, codeBits)
	bounds := b.bound(in)
	count := w.Pad != [4]int{} && b.rng.IntN(2) == 0
	window := geometry.Window{Kernel: w.Kernel, Stride: w.Stride, Pad: w.Pad}
	for c := range bounds {
		bounds[c] *= int64(window.Whole(x.Height, x.Width, count))
	}
	return b.operator(qmodel.Operator{Op: qmodel.AvgPool, Inputs: []int{in}, Output: out, Kernel: w.Kernel, Stride: w.Stride, Pad: w.Pad, CountPad: count,
		Requantizer: b.requantizer(&b.Model.Tensors[out], [][]int64{bounds}, []int32{b.steps[in]})})
}

// Flatten adds a flattening.
func (b *Builder) Flatten(in int) int {
	x := b.Model.Tensors[in]
	out := b.keep(in, 1, 1, x.Len())
	return b.operator(qmodel.Operator{Op: qmodel.Flatten, Inputs: []int{in}, Output: out})
}

// Add adds a sum of tensors of one shape.
func (b *Builder) Add(codeBits int, inputs ...int) int {
	x := b.Model.Tensors[inputs[0]]
	out := b.output(x.Height, x.Width, x.Channels, codeBits)
	var bounds [][]int64
	var divisors []int32
	for _, t := range inputs {
		bounds, divisors = append(bounds, b.bound(t)), append(divisors, b.steps[t])
	}
	return b.operator(qmodel.Operator{Op: qmodel.Add, Inputs: inputs, Output: out, Requantizer: b.requantizer(&b.Model.Tensors[out], bounds, divisors)})
}

// Multiply adds a product of two tensors, of one shape or the second of one number a channel.
func (b *Builder) Multiply(codeBits, first, second int) int {
	x := b.Model.Tensors[first]
	out := b.output(x.Height, x.Width, x.Channels, codeBits)
	bounds := b.bound(first)
	for c, other := range b.bound(second) {
		bounds[c] *= other
	}
	return b.operator(qmodel.Operator{Op: qmodel.Multiply, Inputs: []int{first, second}, Output: out,
		Requantizer: b.requantizer(&b.Model.Tensors[out], [][]int64{bounds}, []int32{0})})
}

// Select adds a choice of so many channels, from one on, in a random order of those that a shuffle gives.
func (b *Builder) Select(in, first, channels int) int {
	x := b.Model.Tensors[in]
	out := b.keep(in, x.Height, x.Width, channels)
	shuffle := 1 + b.rng.IntN(channels)
	for channels%shuffle != 0 {
		shuffle--
	}
	return b.operator(qmodel.Operator{Op: qmodel.Select, Inputs: []int{in}, Output: out, First: first, Shuffle: shuffle})
}

// Upsample adds an upsampling.
func (b *Builder) Upsample(in int, factor [2]int) int {
	x := b.Model.Tensors[in]
	out := b.keep(in, x.Height*factor[0], x.Width*factor[1], x.Channels)
	return b.operator(qmodel.Operator{Op: qmodel.Upsample, Inputs: []int{in}, Output: out, Factor: factor})
}

// keep adds a tensor with the codes of another.
func (b *Builder) keep(in, height, width, channels int) int {
	x := b.Model.Tensors[in]
	out := b.output(height, width, channels, x.Bits)
	t := &b.Model.Tensors[out]
	t.ZeroPoint, t.ZeroPoints, t.ScaleBits, t.Signs, b.steps[out] = x.ZeroPoint, x.ZeroPoints, x.ScaleBits, x.Signs, b.steps[in]
	return out
}

// Concat adds a concatenation of tensors of one size: the codes of each, by a random
// table or, where they have the bits of the output, at times as they are.
func (b *Builder) Concat(codeBits int, inputs ...int) int {
	x, channels := b.Model.Tensors[inputs[0]], 0
	for _, t := range inputs {
		channels += b.Model.Tensors[t].Channels
	}
	out := b.output(x.Height, x.Width, channels, codeBits)
	y := &b.Model.Tensors[out]
	first := b.rng.IntN(2) == 0
	o := qmodel.Operator{Op: qmodel.Concat, Inputs: inputs, Output: out, Tables: make([][]uint8, len(inputs))}
	for i, t := range inputs {
		in := &b.Model.Tensors[t]
		if first && in.Bits == codeBits {
			y.ZeroPoint, y.ScaleBits = in.ZeroPoint, in.ScaleBits
			first = false
			continue
		}
		o.Tables[i] = make([]uint8, 1<<in.Bits)
		for q := range o.Tables[i] {
			o.Tables[i][q] = uint8(b.rng.IntN(1 << codeBits))
		}
	}
	return b.operator(o)
}

// Online adds an online range of the given bits to what operator makes, whose result are values then.
func (b *Builder) Online(codeBits int, operator func() int) int {
	b.values = true
	in := operator()
	b.values = false
	x := b.Model.Tensors[in]
	out := b.output(x.Height, x.Width, x.Channels, codeBits)
	if b.rng.IntN(2) == 0 {
		b.Model.Tensors[out].ZeroPoint = 0
	}
	b.steps[out] = b.Model.Tensors[out].Online().Divisor()
	return b.operator(qmodel.Operator{Op: qmodel.Online, Inputs: []int{in}, Output: out})
}

// Table adds a random table.
func (b *Builder) Table(in, codeBits int) int { return b.tables(in, codeBits, 1) }

// Tables adds a random table for each channel.
func (b *Builder) Tables(in, codeBits int) int {
	return b.tables(in, codeBits, b.Model.Tensors[in].Channels)
}

func (b *Builder) tables(in, codeBits, number int) int {
	x := b.Model.Tensors[in]
	out := b.output(x.Height, x.Width, x.Channels, codeBits)
	o := qmodel.Operator{Op: qmodel.Table, Inputs: []int{in}, Output: out, Table: make([]uint8, number<<x.Bits)}
	for q := range o.Table {
		o.Table[q] = uint8(b.rng.IntN(1 << codeBits))
	}
	return b.operator(o)
}

// Wide returns a model of 16 to 32 channels, which kernels handle by registers: every kind of weights and of residual
// connections, depthwise layers and pools.
func Wide(rng *rand.Rand) *qmodel.Model {
	b := New(rng, 2, 16, 3)
	one, three := Square(1, 1, 0), Square(3, 1, 1)
	x := b.Conv(0, three, 16, 1, 8, 4)
	x = b.Conv(x, three, 16, 1, 4, 8, x)
	x = b.Conv(x, three, 16, 16, 8, 8)
	raw := b.Conv(x, one, 32, 1, 2, 0)
	x = b.ConvForm(x, three, 32, 1, Form{WeightBits: 5, Coding: qmodel.Powers, CodeBits: 8}, raw)
	x = b.MaxPool(x, Window{Kernel: [2]int{1, 2}, Stride: [2]int{1, 2}})
	x = b.ConvForm(x, one, 32, 1, Form{WeightBits: 8, Coding: qmodel.Odd, CodeBits: 6})
	x = b.Conv(x, three, 32, 32, 4, 5)
	x = b.ConvForm(x, one, 24, 1, Form{WeightBits: 1, CodeBits: 1, Signs: true})
	x = b.ConvForm(x, three, 32, 1, Form{WeightBits: 1, CodeBits: 7})
	x = b.AvgPool(x, Square(2, 1, 0), 8)
	return b.Finish(x, 3)
}

// Colors returns a model of an image whose channels have zero points of their own: a depthwise layer, one of groups and one
// that leaves accumulators, all padded, of the image after a maximum pooling; or a linear layer of the flattened image.
func Colors(rng *rand.Rand) *qmodel.Model {
	b := New(rng, 7, 5, 4)
	b.Channelwise()
	if rng.IntN(4) == 0 {
		return b.Finish(0, 3)
	}
	x := b.MaxPool(0, Square(2, 1, 0))
	raw := b.Conv(x, Window{Kernel: [2]int{2, 3}, Stride: [2]int{2, 1}, Pad: [4]int{1, 2, 0, 1}}, 4, 1, 4, 0)
	y := b.Conv(x, Window{Kernel: [2]int{2, 3}, Stride: [2]int{2, 1}, Pad: [4]int{1, 2, 0, 1}}, 4, 4, 8, 7, raw)
	z := b.Conv(x, Window{Kernel: [2]int{2, 3}, Stride: [2]int{2, 1}, Pad: [4]int{1, 2, 0, 1}}, 4, 2, 2, 5)
	return b.Finish(b.Add(6, y, z, raw), 3)
}

// Branches returns a model of what version 3 of the file has: a concatenation of two branches, its operator 2, of which the
// first has the codes of the result and the second a table; a dilated convolution; a padded average.
func Branches(rng *rand.Rand) *qmodel.Model {
	b := New(rng, 4, 5, 1)
	one := b.Conv(0, Square(3, 1, 1), 3, 1, 4, 4)
	two := b.Conv(0, Window{Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}, Pad: [4]int{1, 2, 1, 1}, Dilation: [2]int{2, 3}}, 2, 1, 4, 3)
	x := b.Concat(4, one, two)
	o, y, in := &b.Model.Operators[2], &b.Model.Tensors[x], &b.Model.Tensors[one]
	o.Tables[0], y.ZeroPoint, y.ScaleBits = nil, in.ZeroPoint, in.ScaleBits
	o.Tables[1] = []uint8{0, 1, 2, 3, 4, 5, 6, 15}
	return b.Finish(b.AvgPool(x, Window{Kernel: [2]int{3, 2}, Stride: [2]int{1, 1}, Pad: [4]int{1, 0, 1, 1}}, 5), 3)
}

// Gated returns a model of what version 4 of the file has: tables and a normalization by channel, a product by channel and
// one by value, a choice of channels, an upsampling, and logits that are an average.
func Gated(rng *rand.Rand) *qmodel.Model {
	b := New(rng, 4, 5, 2)
	x := b.Tables(b.Conv(0, Square(3, 1, 1), 6, 1, 4, 5), 4)
	gate := b.Conv(b.AvgPool(x, Window{Kernel: [2]int{4, 5}, Stride: [2]int{1, 1}}, 6), Square(1, 1, 0), 6, 1, 4, 7)
	y := b.Multiply(6, x, gate)
	y = b.Multiply(5, y, b.Add(4, x))
	y = b.Upsample(b.Select(y, 1, 4), [2]int{2, 1})
	y = b.Conv(y, Square(3, 1, 1), 3, 1, 4, 8)
	return b.FinishAverage(y)
}

// FinishAverage adds an average over the whole image, one for each channel, that is the logits, and returns the model, which is
// valid.
func (b *Builder) FinishAverage(in int) *qmodel.Model {
	x := b.Model.Tensors[in]
	classes := x.Channels
	out := b.output(1, 1, classes, 8)
	t := &b.Model.Tensors[out]
	t.Kind, t.Bits, t.ZeroPoint = qmodel.Logits, 32, 0
	bounds := b.bound(in)
	for c := range bounds {
		bounds[c] *= int64(x.Height * x.Width)
	}
	b.operator(qmodel.Operator{Op: qmodel.AvgPool, Inputs: []int{in}, Output: out, Kernel: [2]int{x.Height, x.Width}, Stride: [2]int{1, 1},
		Requantizer: b.requantizer(t, [][]int64{bounds}, []int32{b.steps[in]})})
	return b.done(classes)
}

// Ranged returns a model of what version 6 of the file has: online ranges of every operator that rounds, and every operator
// that takes their codes, with and without terms of one step for all images.
func Ranged(rng *rand.Rand) *qmodel.Model {
	b := New(rng, 6, 5, 2)
	one, three := Square(1, 1, 0), Square(3, 1, 1)
	skip := b.Online(8, func() int { return b.Conv(0, three, 16, 1, 8, 8) })
	x := b.Online(4, func() int { return b.Conv(skip, three, 16, 16, 4, 8) })
	raw := b.Conv(skip, one, 16, 1, 2, 0)
	x = b.Online(8, func() int { return b.Conv(x, three, 16, 1, 4, 8, raw, skip) })
	fixed := b.ConvForm(x, three, 16, 1, Form{WeightBits: 2, Coding: qmodel.Split, CodeBits: 5})
	x = b.Online(3, func() int { return b.Add(8, fixed, x) })
	x = b.Upsample(b.Select(x, 3, 12), [2]int{1, 2})
	x = b.Online(8, func() int { return b.AvgPool(b.MaxPool(x, Square(2, 1, 1)), Square(2, 2, 0), 8) })
	x = b.Online(8, func() int { return b.Conv(b.Flatten(x), one, 20, 1, 8, 8) })
	return b.Finish(x, 3)
}

// Finish adds a flattening and a linear layer to the given number of classes, and returns the model, which is valid.
func (b *Builder) Finish(in, classes int) *qmodel.Model {
	if t := b.Model.Tensors[in]; t.Height > 1 || t.Width > 1 {
		in = b.Flatten(in)
	}
	b.Conv(in, Square(1, 1, 0), classes, 1, 8, 32)
	return b.done(classes)
}

// done returns the model with names for its classes.
func (b *Builder) done(classes int) *qmodel.Model {
	for i := range classes {
		b.Model.Classes = append(b.Model.Classes, "class "+strconv.Itoa(i))
	}
	b.Model.Version = b.Model.Oldest()
	if err := b.Model.Validate(); err != nil {
		panic(err)
	}
	return b.Model
}

// Tiny returns a small model, of about a kilobyte, that has every operator, every packing of weights and residual
// connections of codes and of accumulators.
func Tiny(rng *rand.Rand) *qmodel.Model {
	b := New(rng, 6, 5, 1)
	x := b.Table(0, 8)
	x = b.Conv(x, Window{Kernel: [2]int{3, 2}, Stride: [2]int{1, 1}, Pad: [4]int{1, 0, 1, 1}}, 4, 1, 8, 4)
	skip := x
	x = b.Conv(x, Square(3, 1, 1), 4, 4, 4, 4)
	raw := b.Conv(skip, Square(1, 1, 0), 4, 1, 2, 0)
	x = b.Conv(x, Square(1, 1, 0), 4, 1, 1, 5, raw, skip)
	x = b.Add(3, x, skip, raw)
	x = b.MaxPool(x, Square(2, 1, 1))
	x = b.AvgPool(x, Square(2, 2, 0), 6)
	return b.Finish(x, 3)
}
