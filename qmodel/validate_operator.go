// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/geometry"
)

// validateShape checks what an operator, whose tensors are valid, says before its numbers are known: which fields it has,
// its window and how its weights are coded.
func (m *Model) validateShape(o *Operator) error {
	if err := o.validateFields(m.Version); err != nil {
		return err
	}
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	if o.Windowed() {
		if err := o.validateWindow(in, out); err != nil {
			return err
		}
	}
	if !o.Weighted() {
		return nil
	}
	if o.Groups < 1 || in.Channels%o.Groups != 0 || out.Channels%o.Groups != 0 {
		return fmt.Errorf("%d groups of %d input and %d output channels", o.Groups, in.Channels, out.Channels)
	}
	return o.Weights.validate()
}

// validateOperator checks one operator whose tensors and fields are valid, and adds the bounds of accumulators that it leaves.
// steps are m.Steps().
func (m *Model) validateOperator(o *Operator, accumulators map[int][]int64, steps []int) error {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	f := forms[o.Op]
	if (len(o.Table) != 0) != f.table {
		return fmt.Errorf("a table is missing, or there without use")
	}
	if err := m.validateReads(o, &f); err != nil {
		return err
	}
	if err := m.validateSteps(o, steps); err != nil {
		return err
	}
	if o.Tables != nil && !f.tables {
		return fmt.Errorf("tables without use")
	}
	if o.Averages() && out.Kind == Logits && m.Version < 4 {
		return fmt.Errorf("logits that are an average are part of version 4 of the format, not of %d", m.Version)
	}
	if f.checkInputs != nil {
		if err := f.checkInputs(m, o); err != nil {
			return err
		}
	}
	if f.check != nil {
		if err := f.check(o, in, out); err != nil {
			return err
		}
	}
	return m.validateLeaves(o, &f, accumulators, steps)
}

// validateReads checks that an operator of a form can read the kinds of its inputs.
func (m *Model) validateReads(o *Operator, f *form) error {
	in := &m.Tensors[o.Inputs[0]]
	if !f.anyInput && in.Kind != Codes {
		return fmt.Errorf("the input is not a tensor of codes")
	}
	if in.Signs && !f.weighted && !f.keeps {
		return fmt.Errorf("the input are signs")
	}
	for i, t := range o.Inputs {
		if m.Tensors[t].ZeroPoints != nil && (i > 0 || !f.weighted && (!f.keeps || f.selects)) {
			return fmt.Errorf("the channels of the input %q have zero points of their own: %s cannot read it, only layers with weights, maximum poolings and flattening can", m.Tensors[t].Name, o.Op)
		}
	}
	return nil
}

// validateLeaves checks what an operator of a form makes of its accumulators, and adds the bounds of those that it leaves.
func (m *Model) validateLeaves(o *Operator, f *form, accumulators map[int][]int64, steps []int) error {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	bounds := m.ownBounds(o)
	if f.keeps && (out.Kind != Codes || out.Bits != in.Bits || out.Signs != in.Signs || out.ZeroPoint != in.ZeroPoint || out.ScaleBits != in.ScaleBits) {
		return fmt.Errorf("the output has other bits, zero point or scale than the input")
	}
	requantizes, compares := o.ends(out)
	if !requantizes && o.Requantizer != nil {
		return fmt.Errorf("a requantizer, which it does not use")
	}
	if !compares && o.Thresholds != nil {
		return fmt.Errorf("thresholds, which it does not use")
	}
	switch {
	case out.Kind == Accumulators:
		if !o.Weighted() || len(o.Inputs) > 1 || len(bounds) > 1 {
			return fmt.Errorf("only a weighted operator of one input and one accumulator leaves accumulators")
		}
		for c, bound := range bounds[0] {
			if bound > maxInt32 {
				return fmt.Errorf("channel %d: accumulator can reach %d, which int32 does not hold", c, bound)
			}
		}
		accumulators[o.Output] = bounds[0]
		return nil
	case requantizes || compares:
		return m.validateEnd(o, bounds, accumulators, steps)
	case f.signs:
		return fmt.Errorf("the output are not signs")
	default:
		return nil
	}
}

// whole returns the number of taps that the sums of an average are brought to, 0 for other operators.
func (o *Operator) whole(in *Tensor) int64 {
	switch {
	case !o.Averages():
		return 0
	case o.Pad == [4]int{} || o.CountPad:
		return int64(o.Kernel[0]) * int64(o.Kernel[1])
	}
	return int64(o.Window().Whole(in.Height, in.Width, false))
}

// ownBounds returns the bounds of the operator's own accumulators, [accumulator][channel].
func (m *Model) ownBounds(o *Operator) [][]int64 {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	switch {
	case o.Weighted():
		return o.Weights.TermBounds(in)
	case o.Averages():
		lo, hi := in.Reach()
		return [][]int64{repeat(o.whole(in)*int64(max(-lo, hi)), out.Channels)}
	case o.Multiplies():
		return [][]int64{repeat(in.mostAbs()*m.Tensors[o.Inputs[1]].mostAbs(), out.Channels)}
	}
	return nil
}

// validateFields checks which fields are set, but for the numbers: each operator has those it needs and no others.
func (o *Operator) validateFields(version int) error {
	f, known := forms[o.Op]
	if !known {
		return fmt.Errorf("unknown operator")
	}
	if since := o.Since(); since > version {
		return fmt.Errorf("the operator is part of version %d of the format, not of %d", since, version)
	}
	switch {
	case (o.Weights != nil) != f.weighted:
		return fmt.Errorf("weights are missing, or there without use")
	case (o.Groups != 0) != f.weighted:
		return fmt.Errorf("%d groups", o.Groups)
	case !f.windowed && (o.Kernel != [2]int{} || o.Stride != [2]int{} || o.Pad != [4]int{}):
		return fmt.Errorf("a kernel, stride or padding without use")
	case o.Dilation != [2]int{} && (!f.dilates || o.Dilation == [2]int{1, 1} || min(o.Dilation[0], o.Dilation[1]) < 1 || max(o.Dilation[0], o.Dilation[1]) > maxSize):
		return fmt.Errorf("dilation %v, want 1 to %d in convolutions, and none said for 1 and 1", o.Dilation, maxSize)
	case o.CountPad && (!o.Averages() || o.Pad == [4]int{}):
		return fmt.Errorf("padding counts, without use")
	case o.First != 0 && !f.selects || (o.Shuffle != 0) != f.selects || o.Shuffle < 0:
		return fmt.Errorf("channels from %d on, shuffled by %d: missing, or there without use", o.First, o.Shuffle)
	case f.enlarges && (min(o.Factor[0], o.Factor[1]) < 1 || max(o.Factor[0], o.Factor[1]) > maxSize) || !f.enlarges && o.Factor != [2]int{}:
		return fmt.Errorf("enlarged %v times", o.Factor)
	case len(o.Inputs) < f.inputs[0] || len(o.Inputs) > f.inputs[1]:
		return fmt.Errorf("%d inputs", len(o.Inputs))
	}
	return nil
}

// validateWindow checks kernel, stride and padding against the sizes of input and output.
func (o *Operator) validateWindow(in, out *Tensor) error {
	inSize, outSize := [2]int{in.Height, in.Width}, [2]int{out.Height, out.Width}
	for d := range 2 {
		k, s, before, after := o.Kernel[d], o.Stride[d], o.Pad[d], o.Pad[d+2]
		if k >= 1 && k <= maxSize {
			k = (k-1)*max(1, o.Dilation[d]) + 1 // rows or columns from the first tap to the last
		}
		if k < 1 || o.Kernel[d] > maxSize || s < 1 || s > maxSize || before < 0 || before >= k || after < 0 || after >= k {
			return fmt.Errorf("kernel %v, stride %v, padding %v: kernel and stride are at least 1, padding is less than the kernel", o.Kernel, o.Stride, o.Pad)
		}
		room := inSize[d] + before + after - k
		if room < 0 || room/s+1 != outSize[d] {
			return fmt.Errorf("kernel %v, stride %v, padding %v on %v do not give %v", o.Kernel, o.Stride, o.Pad, inSize, outSize)
		}
	}
	if n := int64(inSize[0]+o.Pad[0]+o.Pad[2]) * int64(inSize[1]+o.Pad[1]+o.Pad[3]) * int64(in.Channels); n > maxTensorLen {
		return fmt.Errorf("padding %v makes %d numbers of %v×%d, more than %d", o.Pad, n, inSize, in.Channels, maxTensorLen)
	}
	if o.Pad != [4]int{} && !o.CountPad && o.whole(in) > geometry.MaxWhole {
		return fmt.Errorf("kernel %v, padding %v on %v: an average without the padding, of windows whose numbers of taps have no common multiple up to %d", o.Kernel, o.Pad, inSize, geometry.MaxWhole)
	}
	if !o.Weighted() && in.Channels != out.Channels {
		return fmt.Errorf("%d channels become %d", in.Channels, out.Channels)
	}
	return nil
}

func (o *Operator) validateWeights(in, out *Tensor) error {
	w := o.Weights
	if w.Shape != [4]int{out.Channels, o.Kernel[0], o.Kernel[1], in.Channels / o.Groups} {
		return fmt.Errorf("weights of shape %v, want [%d %d %d %d]", w.Shape, out.Channels, o.Kernel[0], o.Kernel[1], in.Channels/o.Groups)
	}
	if !w.validShape() {
		return fmt.Errorf("weights of shape %v", w.Shape)
	}
	return w.validateCodes()
}

// validShape says whether the number of weights of a shape of positive sizes is within limits.
func (w *Weights) validShape() bool {
	n := int64(max(1, w.Planes))
	for _, s := range w.Shape {
		if n *= int64(s); n > maxWeights { // maxWeights·maxSize is far from overflow
			return false
		}
	}
	return true
}

func (m *Model) validateTable(o *Operator) error {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	if out.Kind != Codes || out.Height != in.Height || out.Width != in.Width || out.Channels != in.Channels {
		return fmt.Errorf("the output is not one code for each of the input")
	}
	each, tables := int(in.Max())+1, m.tables(o)
	if tables > 1 && (m.Version < 4 || tables != in.Channels) || tables*each != len(o.Table) {
		return fmt.Errorf("%d codes for an input of %d bits and %d channels: want a table for all channels, or since version 4 one for each", len(o.Table), in.Bits, in.Channels)
	}
	for c := range tables {
		if err := checkTable(o.Table[c*each:][:each], in, out); err != nil {
			return err
		}
	}
	return nil
}

// checkTable checks the codes of out that the codes of in become.
func checkTable(table []uint8, in, out *Tensor) error {
	if len(table) != int(in.Max())+1 {
		return fmt.Errorf("a table of %d codes for an input of %d bits", len(table), in.Bits)
	}
	for q, v := range table {
		if out.Signs && v&(v+1) != 0 {
			return fmt.Errorf("code %d becomes %d, in which signs do not rise", q, v)
		}
		if int32(v) > out.Max() {
			return fmt.Errorf("code %d becomes %d, which %d bits do not hold", q, v, out.Bits)
		}
	}
	return nil
}

// validateEnd proves the bounds of an operator's requantization or comparison; own are those of its own accumulators,
// its first terms.
func (m *Model) validateEnd(o *Operator, own [][]int64, accumulators map[int][]int64, steps []int) error {
	out, bounds := &m.Tensors[o.Output], own
	for _, i := range o.Terms() {
		t := &m.Tensors[i]
		if t.Height != out.Height || t.Width != out.Width || t.Channels != out.Channels {
			return fmt.Errorf("input %d×%d×%d is added to %d×%d×%d", t.Height, t.Width, t.Channels, out.Height, out.Width, out.Channels)
		}
		if t.Signs || t.Kind == Values {
			return fmt.Errorf("the input %q, which is added, are signs or values", t.Name)
		}
		bound := accumulators[i]
		if t.Kind == Codes {
			bound = repeat(t.mostAbs(), out.Channels)
		}
		bounds = append(bounds, bound)
	}
	if out.Signs {
		return o.validateThresholds(out, bounds)
	}
	if r := o.Requantizer; r != nil && !slices.Equal(r.Divisors, m.divisors(o, steps)) {
		return fmt.Errorf("a requantizer with the divisors %d, its terms have %d", r.Divisors, m.divisors(o, steps))
	}
	return o.validateRequantizer(out, bounds)
}

func (o *Operator) validateRequantizer(out *Tensor, bounds [][]int64) error {
	r := o.Requantizer
	if r == nil {
		return fmt.Errorf("no requantizer")
	}
	lo, hi := out.Span()
	if out.Kind == Logits {
		lo, hi = minInt32, maxInt32
	}
	if r.Zero != out.ZeroPoint || r.Lo != lo || r.Hi != hi {
		return fmt.Errorf("requantizer with zero point %d and range [%d, %d], its output has %d and [%d, %d]", r.Zero, r.Lo, r.Hi, out.ZeroPoint, lo, hi)
	}
	if r.Channels() != out.Channels {
		return fmt.Errorf("requantizer of %d channels for %d", r.Channels(), out.Channels)
	}
	return r.Check(bounds)
}

func (o *Operator) validateThresholds(out *Tensor, bounds [][]int64) error {
	t := o.Thresholds
	switch {
	case t == nil:
		return fmt.Errorf("no thresholds")
	case t.Planes() != out.Bits:
		return fmt.Errorf("thresholds of %d planes for signs of %d bits", t.Planes(), out.Bits)
	case t.Channels() != out.Channels:
		return fmt.Errorf("thresholds of %d channels for %d", t.Channels(), out.Channels)
	}
	return t.Check(bounds)
}

func repeat(x int64, n int) []int64 {
	s := make([]int64, n)
	for i := range s {
		s[i] = x
	}
	return s
}
