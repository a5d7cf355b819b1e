// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/fixed"
)

// Steps returns for each tensor of a model of valid structure the tensor, made by an online range, by whose steps the images
// of that tensor differ: its own index, that of the input whose codes it keeps or sums up, or -1 for one step for all images.
func (m *Model) Steps() []int {
	steps := make([]int, len(m.Tensors))
	for i := range steps {
		steps[i] = -1
	}
	for i := range m.Operators {
		o := &m.Operators[i]
		switch f := forms[o.Op]; {
		case f.online:
			steps[o.Output] = o.Output
		case f.keeps, f.weighted && m.Tensors[o.Output].Kind == Accumulators:
			steps[o.Output] = steps[o.Inputs[0]]
		}
	}
	return steps
}

// Online returns the range by which the codes of a tensor are taken from each image, if an online range makes it.
func (t *Tensor) Online() fixed.Online { return fixed.Online{Zero: t.ZeroPoint, Max: t.Max()} }

// ByImage says whether an operator of a valid model makes an online range or the values for it, or takes codes or sums whose
// images have steps of their own.
func (m *Model) ByImage(o *Operator) bool {
	if forms[o.Op].online || m.Tensors[o.Output].Kind == Values {
		return true
	}
	steps := m.Steps()
	return slices.ContainsFunc(o.Inputs, func(t int) bool { return steps[t] >= 0 })
}

// divisors returns those of a requantizer of the operator's terms (see fixed.Requantizer), nil for none.
func (m *Model) divisors(o *Operator, steps []int) []int32 {
	divisor := func(t int) int32 {
		if steps[t] < 0 {
			return 0
		}
		return m.Tensors[steps[t]].Online().Divisor()
	}
	var divisors []int32
	for range m.Accumulators(o) {
		divisors = append(divisors, divisor(o.Inputs[0]))
	}
	for _, t := range o.Terms() {
		divisors = append(divisors, divisor(t))
	}
	if slices.Max(append(divisors, 0)) == 0 {
		return nil
	}
	return divisors
}

// validateOnline checks an online range, whose tensors are valid.
func (m *Model) validateOnline(o *Operator) error {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	switch {
	case in.Kind != Values:
		return fmt.Errorf("the input are no values")
	case out.Kind != Codes || out.Signs || out.Range != [2]int32{}:
		return fmt.Errorf("the output is not a tensor of codes, or has signs or a range")
	case in.Height != out.Height || in.Width != out.Width || in.Channels != out.Channels:
		return fmt.Errorf("%d×%d×%d values become %d×%d×%d codes", in.Height, in.Width, in.Channels, out.Height, out.Width, out.Channels)
	case in.ScaleBits != out.ScaleBits:
		return fmt.Errorf("the values have the scale bits %#x, the codes %#x", in.ScaleBits, out.ScaleBits)
	}
	return nil
}

// validateSteps refuses inputs whose images have steps of their own where the operator has no use for them, and values where
// it takes none.
func (m *Model) validateSteps(o *Operator, steps []int) error {
	f := forms[o.Op]
	for _, t := range o.Inputs {
		if m.Tensors[t].Kind == Values && !f.online {
			return fmt.Errorf("the input %q are values, of which only an online range makes codes", m.Tensors[t].Name)
		}
		if steps[t] >= 0 && !f.keeps && (!f.rounds || f.product || m.Tensors[o.Output].Signs) {
			return fmt.Errorf("the input %q has a step for each image, which it cannot take", m.Tensors[t].Name)
		}
	}
	return nil
}

// validateValues checks a tensor of values of valid shape.
func (t *Tensor) validateValues() error {
	if lo, hi := t.Range[0], t.Range[1]; lo >= hi || lo < -fixed.MostValue || lo > 0 || hi < 0 {
		return fmt.Errorf("range [%d, %d] of values, want 0 in it and nothing below %d", lo, hi, -fixed.MostValue)
	}
	if !positive(t.ScaleBits) {
		return fmt.Errorf("the scale, bits %#x, is not positive and finite", t.ScaleBits)
	}
	return nil
}
