// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"fmt"

	"github.com/goqat/goqat/geometry"
)

// A form is what there is to know of a kind of operator beside its numbers.
type form struct {
	inputs   [2]int // how few and how many inputs it has
	since    int    // version of the format
	weighted bool   // it has weights
	windowed bool   // it moves a window over its input
	dilates  bool   // its taps can lie apart
	vector   bool   // its input is a vector, an image of 1 × 1
	keeps    bool   // the output has the codes of the input, where the operator takes them from
	aliases  bool   // the output is the input, in other dimensions
	rounds   bool   // it requantizes its terms or compares them with thresholds
	signs    bool   // the output can be signs alone
	anyInput bool   // the first input can be accumulators, as the others can
	table    bool   // it has a table
	tables   bool   // it has a table for each input, or none
	product  bool   // its sum is the product of its inputs
	selects  bool   // it chooses channels
	enlarges bool   // it repeats rows and columns
	online   bool   // the output has a step for each image

	// check checks what is the operator's own, once its tensors and fields are valid; nil for nothing.
	check func(o *Operator, in, out *Tensor) error
	// checkInputs does the same where it takes all inputs.
	checkInputs func(m *Model, o *Operator) error
}

// forms is the table of all operators.
var forms = map[string]form{
	Conv2D:    {inputs: [2]int{1, maxInputs}, since: 1, weighted: true, windowed: true, dilates: true, rounds: true, check: (*Operator).validateWeights},
	Depthwise: {inputs: [2]int{1, maxInputs}, since: 1, weighted: true, windowed: true, dilates: true, rounds: true, check: (*Operator).validateDepthwise},
	Linear:    {inputs: [2]int{1, maxInputs}, since: 1, weighted: true, vector: true, windowed: true, rounds: true, check: (*Operator).validateLinear},
	MaxPool:   {inputs: [2]int{1, 1}, since: 1, windowed: true, keeps: true},
	AvgPool:   {inputs: [2]int{1, 1}, since: 1, windowed: true, rounds: true},
	Flatten:   {inputs: [2]int{1, 1}, since: 1, keeps: true, aliases: true, check: (*Operator).validateFlatten},
	Add:       {inputs: [2]int{1, maxInputs}, since: 1, rounds: true, anyInput: true},
	Table:     {inputs: [2]int{1, 1}, since: 1, table: true, checkInputs: (*Model).validateTable},
	Multiply:  {inputs: [2]int{2, 2}, since: 4, rounds: true, product: true, checkInputs: (*Model).validateMultiply},
	Select:    {inputs: [2]int{1, 1}, since: 4, keeps: true, selects: true, check: (*Operator).validateSelect},
	Upsample:  {inputs: [2]int{1, 1}, since: 4, keeps: true, enlarges: true, check: (*Operator).validateUpsample},
	Concat:    {inputs: [2]int{2, maxInputs}, since: 3, tables: true, checkInputs: (*Model).validateConcat},
	Online:    {inputs: [2]int{1, 1}, since: 6, anyInput: true, online: true, checkInputs: (*Model).validateOnline},
	Sign:      {inputs: [2]int{1, 1}, since: 1, rounds: true, signs: true},
}

// Weighted says whether the operator has weights.
func (o *Operator) Weighted() bool { return forms[o.Op].weighted }

// Windowed says whether the operator moves a window over its input.
func (o *Operator) Windowed() bool { return forms[o.Op].windowed }

// Vector says whether the operator weighs a vector, an image of 1 × 1.
func (o *Operator) Vector() bool { return forms[o.Op].vector }

// Maximizes says whether the output is the greatest code of each window.
func (o *Operator) Maximizes() bool { return forms[o.Op].windowed && forms[o.Op].keeps }

// Aliases says whether the output is the input, in other dimensions: nothing is to be computed.
func (o *Operator) Aliases() bool { return forms[o.Op].aliases }

// Averages says whether the operator sums what is under its window.
func (o *Operator) Averages() bool { return o.Windowed() && !o.Weighted() && forms[o.Op].rounds }

// Adds says whether the inputs after the first are added to what the operator makes of that.
func (o *Operator) Adds() bool { return forms[o.Op].rounds && !forms[o.Op].product }

// Multiplies says whether the operator multiplies its inputs.
func (o *Operator) Multiplies() bool { return forms[o.Op].product }

// Terms returns the inputs that are terms of what follows after the operator's own accumulators.
func (o *Operator) Terms() []int {
	switch {
	case o.Multiplies() || !forms[o.Op].rounds:
		return nil
	case o.sums():
		return o.Inputs[1:]
	}
	return o.Inputs
}

// sums says whether the operator has accumulators of its own.
func (o *Operator) sums() bool { return o.Weighted() || o.Averages() || o.Multiplies() }

// ends says how the operator gets from its terms to the output: with a requantizer, with thresholds, or neither.
func (o *Operator) ends(out *Tensor) (requantizes, compares bool) {
	f := forms[o.Op]
	if !f.rounds || out.Kind == Accumulators {
		return false, false
	}
	return !out.Signs && !f.signs, out.Signs
}

func (o *Operator) validateFlatten(in, out *Tensor) error {
	if out.Height != 1 || out.Width != 1 || out.Channels != in.Len() {
		return fmt.Errorf("output of shape %d×%d×%d, want 1×1×%d", out.Height, out.Width, out.Channels, in.Len())
	}
	return nil
}

func (o *Operator) validateDepthwise(in, out *Tensor) error {
	if o.Groups != in.Channels || out.Channels != in.Channels {
		return fmt.Errorf("%d groups, %d input and %d output channels, want the same of each", o.Groups, in.Channels, out.Channels)
	}
	return o.validateWeights(in, out)
}

func (o *Operator) validateLinear(in, out *Tensor) error {
	if in.Height != 1 || in.Width != 1 || o.Kernel != [2]int{1, 1} || o.Stride != [2]int{1, 1} || o.Groups != 1 {
		return fmt.Errorf("image %d×%d, kernel %v, stride %v, %d groups, want 1 of each", in.Height, in.Width, o.Kernel, o.Stride, o.Groups)
	}
	return o.validateWeights(in, out)
}

// Window returns the window of the operator.
func (o *Operator) Window() geometry.Window {
	return geometry.Window{Kernel: o.Kernel, Stride: o.Stride, Dilation: o.Dilation, Pad: o.Pad, Groups: o.Groups}
}

// Since returns the version of the format that has the operator as it is.
func (o *Operator) Since() int {
	switch {
	case o.Weights != nil && o.Weights.Packing != Aligned:
		return max(7, forms[o.Op].since)
	case len(o.Inputs) > fewInputs, o.Op == Add && len(o.Inputs) == 1:
		return max(4, forms[o.Op].since)
	case o.Dilation != [2]int{} || o.Averages() && o.Pad != [4]int{}:
		return max(3, forms[o.Op].since)
	}
	return forms[o.Op].since
}

// sinceResize is the version that has rules of resizing.
const sinceResize = 3

// Oldest returns the least version, from 2 on, that has everything in the model.
func (m *Model) Oldest() int {
	oldest := 2
	if m.Input.Samples != nil {
		oldest = sinceSamples
	}
	if m.Data.Resize != "" {
		oldest = max(oldest, sinceResize)
	}
	for i := range m.Operators {
		o := &m.Operators[i]
		oldest = max(oldest, o.Since())
		if m.tables(o) > 1 || o.Averages() && m.Tensors[o.Output].Kind == Logits {
			oldest = max(oldest, 4)
		}
	}
	return oldest
}

// tables returns how many tables a table operator has: one, or one for each channel.
func (m *Model) tables(o *Operator) int {
	if o.Op != Table {
		return 0
	}
	return len(o.Table) / (int(m.Tensors[o.Inputs[0]].Max()) + 1)
}
