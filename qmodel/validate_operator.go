// SPDX-License-Identifier: Apache-2.0

package qmodel

import "fmt"

// validateOperator checks one operator whose tensors are valid, and adds the bounds of accumulators that it leaves.
func (m *Model) validateOperator(o *Operator, accumulators map[int][]int64) error {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	if err := o.validateFields(); err != nil {
		return err
	}
	if o.Op != Add && in.Kind != Codes {
		return fmt.Errorf("the input is not a tensor of codes")
	}
	var bounds []int64 // of the operator's own accumulators
	lo, hi := -in.ZeroPoint, in.Max()-in.ZeroPoint
	switch {
	case o.Weighted():
		if err := o.validateWindow(in, out); err != nil {
			return err
		}
		if err := o.validateWeights(in, out); err != nil {
			return err
		}
		bounds = o.Weights.Bounds(lo, hi)
	case o.Op == AvgPool:
		if err := o.validateWindow(in, out); err != nil {
			return err
		}
		bounds = repeat(int64(o.Kernel[0])*int64(o.Kernel[1])*int64(max(-lo, hi)), out.Channels)
	case o.Op == MaxPool:
		if err := o.validateWindow(in, out); err != nil {
			return err
		}
	case o.Op == Flatten:
		if out.Height != 1 || out.Width != 1 || out.Channels != in.Len() {
			return fmt.Errorf("output of shape %d×%d×%d, want 1×1×%d", out.Height, out.Width, out.Channels, in.Len())
		}
	case o.Op == Table:
		if err := o.validateTable(in, out); err != nil {
			return err
		}
	}
	if o.Op == MaxPool || o.Op == Flatten {
		if out.Kind != Codes || out.Bits != in.Bits || out.ZeroPoint != in.ZeroPoint || out.ScaleBits != in.ScaleBits {
			return fmt.Errorf("the output has other bits, zero point or scale than the input")
		}
	}
	if o.Op == MaxPool || o.Op == Flatten || o.Op == Table || out.Kind == Accumulators {
		if o.Requantizer != nil {
			return fmt.Errorf("a requantizer, which it does not use")
		}
	}
	if out.Kind == Accumulators {
		if !o.Weighted() || len(o.Inputs) > 1 {
			return fmt.Errorf("only a weighted operator of one input leaves accumulators")
		}
		for c, bound := range bounds {
			if bound > maxInt32 {
				return fmt.Errorf("channel %d: accumulator can reach %d, which int32 does not hold", c, bound)
			}
		}
		accumulators[o.Output] = bounds
		return nil
	}
	if bounds == nil && o.Op != Add {
		return nil
	}
	return m.validateRequantizer(o, bounds, accumulators)
}

// validateFields checks which fields are set: each operator has those it needs and no others.
func (o *Operator) validateFields() error {
	weighted, window := o.Weighted(), o.Weighted() || o.Op == MaxPool || o.Op == AvgPool
	switch o.Op {
	case Conv2D, Depthwise, Linear, MaxPool, AvgPool, Flatten, Add, Table:
	default:
		return fmt.Errorf("unknown operator")
	}
	switch {
	case (o.Weights != nil) != weighted:
		return fmt.Errorf("weights are missing, or there without use")
	case (o.Groups != 0) != weighted:
		return fmt.Errorf("%d groups", o.Groups)
	case !window && (o.Kernel != [2]int{} || o.Stride != [2]int{} || o.Pad != [4]int{}):
		return fmt.Errorf("a kernel, stride or padding without use")
	case o.Op == AvgPool && o.Pad != [4]int{}:
		return fmt.Errorf("padding in an average")
	case (len(o.Table) != 0) != (o.Op == Table):
		return fmt.Errorf("a table is missing, or there without use")
	case o.Op == Add && len(o.Inputs) < 2, !weighted && o.Op != Add && len(o.Inputs) > 1:
		return fmt.Errorf("%d inputs", len(o.Inputs))
	}
	return nil
}

// validateWindow checks kernel, stride and padding against the sizes of input and output.
func (o *Operator) validateWindow(in, out *Tensor) error {
	inSize, outSize := [2]int{in.Height, in.Width}, [2]int{out.Height, out.Width}
	for d := range 2 {
		k, s, before, after := o.Kernel[d], o.Stride[d], o.Pad[d], o.Pad[d+2]
		if k < 1 || k > maxSize || s < 1 || s > maxSize || before < 0 || before >= k || after < 0 || after >= k {
			return fmt.Errorf("kernel %v, stride %v, padding %v: kernel and stride are at least 1, padding is less than the kernel", o.Kernel, o.Stride, o.Pad)
		}
		room := inSize[d] + before + after - k
		if room < 0 || room/s+1 != outSize[d] {
			return fmt.Errorf("kernel %v, stride %v, padding %v on %v do not give %v", o.Kernel, o.Stride, o.Pad, inSize, outSize)
		}
	}
	if !o.Weighted() && in.Channels != out.Channels {
		return fmt.Errorf("%d channels become %d", in.Channels, out.Channels)
	}
	return nil
}

func (o *Operator) validateWeights(in, out *Tensor) error {
	w := o.Weights
	if o.Groups < 1 || in.Channels%o.Groups != 0 || out.Channels%o.Groups != 0 {
		return fmt.Errorf("%d groups of %d input and %d output channels", o.Groups, in.Channels, out.Channels)
	}
	if o.Op == Depthwise && (o.Groups != in.Channels || out.Channels != in.Channels) {
		return fmt.Errorf("%d groups, %d input and %d output channels, want the same of each", o.Groups, in.Channels, out.Channels)
	}
	if o.Op == Linear && (in.Height != 1 || in.Width != 1 || o.Kernel != [2]int{1, 1} || o.Stride != [2]int{1, 1} || o.Groups != 1) {
		return fmt.Errorf("image %d×%d, kernel %v, stride %v, %d groups, want 1 of each", in.Height, in.Width, o.Kernel, o.Stride, o.Groups)
	}
	if w.Shape != [4]int{out.Channels, o.Kernel[0], o.Kernel[1], in.Channels / o.Groups} {
		return fmt.Errorf("weights of shape %v, want [%d %d %d %d]", w.Shape, out.Channels, o.Kernel[0], o.Kernel[1], in.Channels/o.Groups)
	}
	if n, ok := product(w.Shape); !ok || n != len(w.Codes) {
		return fmt.Errorf("%d weights for the shape %v", len(w.Codes), w.Shape)
	}
	return w.validateCodes()
}

// product returns the number of weights of a shape of positive sizes, and whether it is within limits.
func product(shape [4]int) (int, bool) {
	n := int64(1)
	for _, s := range shape {
		if n *= int64(s); n > maxWeights { // maxWeights·maxSize is far from overflow
			return 0, false
		}
	}
	return int(n), true
}

func (w *Weights) validateCodes() error {
	if w.Bits < 1 || w.Bits > 8 {
		return fmt.Errorf("weights of %d bits, want 1 to 8", w.Bits)
	}
	least, most := -(1<<(w.Bits-1) - 1), 1<<(w.Bits-1)-1
	switch {
	case w.Odd && w.Bits == 1:
		return fmt.Errorf("odd weights of 1 bit, want at least 2")
	case w.Odd:
		least--
	case w.Bits == 1:
		least, most = -1, 1
	}
	for i, v := range w.Codes {
		if int(v) < least || int(v) > most || w.Bits == 1 && v == 0 {
			return fmt.Errorf("weight %d is %d, outside of the codes of %d bits", i, v, w.Bits)
		}
	}
	return nil
}

func (o *Operator) validateTable(in, out *Tensor) error {
	if out.Kind != Codes || out.Height != in.Height || out.Width != in.Width || out.Channels != in.Channels {
		return fmt.Errorf("the output is not one code for each of the input")
	}
	if len(o.Table) != int(in.Max())+1 {
		return fmt.Errorf("a table of %d codes for an input of %d bits", len(o.Table), in.Bits)
	}
	for q, v := range o.Table {
		if int32(v) > out.Max() {
			return fmt.Errorf("code %d becomes %d, which %d bits do not hold", q, v, out.Bits)
		}
	}
	return nil
}

// validateRequantizer proves the bounds of an operator's requantization; own are those of its own accumulators, nil
// for add.
func (m *Model) validateRequantizer(o *Operator, own []int64, accumulators map[int][]int64) error {
	out, r := &m.Tensors[o.Output], o.Requantizer
	if r == nil {
		return fmt.Errorf("no requantizer")
	}
	lo, hi := int32(0), out.Max()
	if out.Kind == Logits {
		lo, hi = minInt32, maxInt32
	}
	if r.Zero != out.ZeroPoint || r.Lo != lo || r.Hi != hi {
		return fmt.Errorf("requantizer with zero point %d and range [%d, %d], its output has %d and [%d, %d]", r.Zero, r.Lo, r.Hi, out.ZeroPoint, lo, hi)
	}
	if r.Channels() != out.Channels {
		return fmt.Errorf("requantizer of %d channels for %d", r.Channels(), out.Channels)
	}
	var bounds [][]int64
	others := o.Inputs
	if own != nil {
		bounds, others = append(bounds, own), o.Inputs[1:]
	}
	for _, i := range others {
		t := &m.Tensors[i]
		if t.Height != out.Height || t.Width != out.Width || t.Channels != out.Channels {
			return fmt.Errorf("input %d×%d×%d is added to %d×%d×%d", t.Height, t.Width, t.Channels, out.Height, out.Width, out.Channels)
		}
		bound := accumulators[i]
		if t.Kind == Codes {
			bound = repeat(int64(max(t.ZeroPoint, t.Max()-t.ZeroPoint)), out.Channels)
		}
		bounds = append(bounds, bound)
	}
	return r.Check(bounds)
}

func repeat(x int64, n int) []int64 {
	s := make([]int64, n)
	for i := range s {
		s[i] = x
	}
	return s
}
