// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Limits of a model, far above the networks this format is for and far below any overflow.
const (
	maxSize      = 1 << 16 // height, width, channels, stride
	maxTensorLen = 1 << 26 // numbers of a tensor per image, padding included
	maxNumbers   = 1 << 28 // of all tensors per image
	maxWeights   = 1 << 30 // of one operator
	maxWork      = 1 << 40 // of the model, per image
	maxOperators = 1 << 12
	maxInputs    = 64
	fewInputs    = 8 // the most before version 4
	maxClasses   = 1 << 16
	maxName      = 256 // bytes

	minInt32 = -1 << 31
	maxInt32 = 1<<31 - 1
)

// Validate proves that the model is well formed and that it runs without leaving any buffer or integer: indices,
// names, order, shapes and sizes, the ranges of codes and weights, and for every accumulator and every requantization
// the worst case that its weights and the range of its input allow. The error names the operator or the tensor.
func (m *Model) Validate() error {
	if err := m.validateStructure(); err != nil {
		return fmt.Errorf("qmodel: %w", err)
	}
	if err := m.validateZeroPoints(); err != nil {
		return fmt.Errorf("qmodel: %w", err)
	}
	accumulators := make(map[int][]int64) // worst cases of the tensors of that kind, per channel
	steps := m.Steps()
	for i := range m.Operators {
		o := &m.Operators[i]
		if err := m.validateOperator(o, accumulators, steps); err != nil {
			return fmt.Errorf("qmodel: operator %d (%q, %.40q): %w", i, o.Name, o.Op, err)
		}
	}
	if m.Work() > maxWork {
		return fmt.Errorf("qmodel: more than %d additions and comparisons per image", int64(maxWork))
	}
	return nil
}

// writeWork is what a number of an operator's output, or each of its accumulators if it has several, counts beside what is
// read for it. To begin, requantize and store one takes as long as many additions, so that an operator of many small sums
// is not taken for a small one.
const writeWork = 32

// Work returns how many additions and comparisons a valid model asks for per image, about in proportion to its time.
func (m *Model) Work() int64 {
	var work int64
	for i := range m.Operators {
		if work += m.work(&m.Operators[i]); work > maxWork { // no sum of it overflows
			break
		}
	}
	return work
}

// work returns the inputs that an operator reads for one image, and what counts for its outputs.
func (m *Model) work(o *Operator) int64 {
	n := int64(m.Tensors[o.Output].Len())
	switch {
	case o.Aliases():
		return 0
	case o.Weighted():
		return (m.macs(o) + writeWork*n) * int64(m.Accumulators(o))
	case o.Windowed():
		return n * (int64(o.Kernel[0])*int64(o.Kernel[1]) + writeWork)
	default:
		return n * (int64(len(o.Inputs)) + writeWork)
	}
}

// validateStructure checks all that does not need the numbers of operators, before they are read from a file.
func (m *Model) validateStructure() error {
	if err := m.validateHead(); err != nil {
		return err
	}
	if err := CheckShapes(m.Tensors); err != nil {
		return err
	}
	for i := range m.Tensors {
		if err := m.Tensors[i].validate(); err != nil {
			return fmt.Errorf("tensor %d (%q): %w", i, m.Tensors[i].Name, err)
		}
	}
	if err := m.validateInput(); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	if err := m.validateOrder(); err != nil {
		return err
	}
	for i := range m.Operators {
		if err := m.validateShape(&m.Operators[i]); err != nil {
			return fmt.Errorf("operator %d (%q, %.40q): %w", i, m.Operators[i].Name, m.Operators[i].Op, err)
		}
	}
	return nil
}

func (m *Model) validateHead() error {
	switch {
	case m.Version < 1 || m.Version > Version:
		return fmt.Errorf("version %d, this program has versions 1 to %d", m.Version, Version)
	case m.Version == 1 && m.Data != Data{}:
		return fmt.Errorf("the digest of the data in version 1")
	case !m.Data.valid():
		return fmt.Errorf("the digest of the data is %.80q, want 64 lower-case hex digits or none", m.Data.Digest)
	case m.Data.Resize != "" && m.Data.Resize != "crop" && m.Data.Resize != "pad":
		return fmt.Errorf("images are resized by the rule %.40q, want crop, pad or none", m.Data.Resize)
	case m.Data.Resize != "" && m.Version < sinceResize:
		return fmt.Errorf("a rule of resizing is part of version %d", sinceResize)
	case len(m.Operators) == 0 || len(m.Operators) > maxOperators:
		return fmt.Errorf("%d operators, want 1 to %d", len(m.Operators), maxOperators)
	case len(m.Tensors) != len(m.Operators)+1:
		return fmt.Errorf("%d tensors for %d operators, want the image and one of each operator", len(m.Tensors), len(m.Operators))
	case len(m.Classes) == 0 || len(m.Classes) > maxClasses:
		return fmt.Errorf("%d classes, want 1 to %d", len(m.Classes), maxClasses)
	}
	for _, name := range append([]string{m.Name, m.Method}, m.Classes...) {
		if len(name) > maxName || !utf8.ValidString(name) {
			return fmt.Errorf("name %.40q is longer than %d bytes or not UTF-8", name, maxName)
		}
	}
	tensors, operators := map[string]bool{}, map[string]bool{}
	for _, t := range m.Tensors {
		if err := unique(tensors, t.Name); err != nil {
			return fmt.Errorf("tensor %w", err)
		}
	}
	for _, o := range m.Operators {
		if err := unique(operators, o.Name); err != nil {
			return fmt.Errorf("operator %w", err)
		}
		if len(o.Method) > maxName || !utf8.ValidString(o.Method) {
			return fmt.Errorf("operator %q: method %.40q is longer than %d bytes or not UTF-8", o.Name, o.Method, maxName)
		}
	}
	return nil
}

func unique(seen map[string]bool, name string) error {
	if name == "" || len(name) > maxName || !utf8.ValidString(name) || seen[name] {
		return fmt.Errorf("name %.40q is empty, longer than %d bytes, not UTF-8 or there twice", name, maxName)
	}
	seen[name] = true
	return nil
}

// CheckShapes says which of the tensors of a network is too large for a model, or that all together are. It looks at
// names, heights, widths and channels only, which are known before the network is trained.
func CheckShapes(tensors []Tensor) error {
	numbers := 0
	for i := range tensors {
		t := &tensors[i]
		if err := t.checkShape(); err != nil {
			return fmt.Errorf("tensor %d (%q): %w", i, t.Name, err)
		}
		if numbers += t.Len(); numbers > maxNumbers {
			return fmt.Errorf("tensors of more than %d numbers per image", maxNumbers)
		}
	}
	return nil
}

func (t *Tensor) checkShape() error {
	for _, n := range []int{t.Height, t.Width, t.Channels} {
		if n < 1 || n > maxSize {
			return fmt.Errorf("shape %d×%d×%d, want sizes from 1 to %d", t.Height, t.Width, t.Channels, maxSize)
		}
	}
	if int64(t.Height)*int64(t.Width)*int64(t.Channels) > maxTensorLen {
		return fmt.Errorf("shape %d×%d×%d is larger than %d", t.Height, t.Width, t.Channels, maxTensorLen)
	}
	return nil
}

// validate checks all but the shape.
func (t *Tensor) validate() error {
	if t.Kind == Codes {
		if t.Bits < 1 || t.Bits > 8 {
			return fmt.Errorf("codes of %d bits, want 1 to 8", t.Bits)
		}
		if t.ZeroPoint < 0 || t.ZeroPoint > t.Max() || t.Signs && (t.ZeroPoint != 0 || t.Range != [2]int32{}) {
			return fmt.Errorf("zero point %d outside of the codes [0, %d], or a zero point or range of signs", t.ZeroPoint, t.Max())
		}
	} else if t.Kind > Values || t.Bits != 32 || t.ZeroPoint != 0 || t.Signs {
		return fmt.Errorf("kind %d of %d bits with zero point %d, want 32 bits and 0, and no signs", t.Kind, t.Bits, t.ZeroPoint)
	}
	if t.Kind == Values {
		return t.validateValues()
	}
	if lo, hi := t.Range[0], t.Range[1]; t.Range != [2]int32{} && (t.Kind != Codes || lo < 0 || hi > t.Max() || t.ZeroPoint < lo || t.ZeroPoint > hi) {
		return fmt.Errorf("range [%d, %d], want codes with the zero point %d among them", lo, hi, t.ZeroPoint)
	}
	if t.Kind == Accumulators {
		if t.ScaleBits != 0 {
			return fmt.Errorf("accumulators with the scale bits %#x, want none", t.ScaleBits)
		}
	} else if !positive(t.ScaleBits) {
		return fmt.Errorf("the scale, bits %#x, is not positive and finite", t.ScaleBits)
	}
	return nil
}

// positive says whether the bits are those of a float32 above 0 that is finite.
func positive(bits uint32) bool { return bits > 0 && bits < 0x7f800000 }

func (m *Model) validateInput() error {
	image, in := &m.Tensors[0], m.Input
	if image.Kind != Codes || image.Bits != 8 || image.Signs {
		return fmt.Errorf("tensor 0 is not an image of 8-bit codes")
	}
	if len(in.ZeroPoints) != len(in.ScaleBits) || len(in.ZeroPoints) != 1 && len(in.ZeroPoints) != in.Channels {
		return fmt.Errorf("%d zero points and %d scales, want one for all channels or one for each of %d", len(in.ZeroPoints), len(in.ScaleBits), in.Channels)
	}
	if m.Version == 1 && len(in.ZeroPoints) > 1 {
		return fmt.Errorf("a zero point for each channel in version 1")
	}
	for c, zero := range in.ZeroPoints {
		if zero < 0 || zero > image.Max() || !positive(in.ScaleBits[c]) {
			return fmt.Errorf("channel %d: zero point %d, scale bits %#x, want a code and a scale that is positive and finite", c, zero, in.ScaleBits[c])
		}
	}
	if err := in.Samples.validate(in.Channels, m.Version); err != nil {
		return fmt.Errorf("samples: %w", err)
	}
	if in.Height != image.Height || in.Width != image.Width || in.Channels != image.Channels ||
		in.ZeroPoints[0] != image.ZeroPoint || in.ScaleBits[0] != image.ScaleBits {
		return fmt.Errorf("%+v differs from tensor 0", in)
	}
	return nil
}

// valid says whether the digest has the form of one, or is empty.
func (d Data) valid() bool {
	if d.Digest == "" {
		return true
	}
	return len(d.Digest) == 64 && strings.Trim(d.Digest, "0123456789abcdef") == ""
}

// validateOrder proves that each tensor is made once, before it is used, and used; and that the last makes the logits.
func (m *Model) validateOrder() error {
	made, used := make([]bool, len(m.Tensors)), make([]bool, len(m.Tensors))
	made[0] = true
	for i, o := range m.Operators {
		if len(o.Inputs) == 0 || len(o.Inputs) > maxInputs {
			return fmt.Errorf("operator %d (%q): %d inputs, want 1 to %d", i, o.Name, len(o.Inputs), maxInputs)
		}
		for _, t := range o.Inputs {
			if t < 0 || t >= len(made) || !made[t] {
				return fmt.Errorf("operator %d (%q): its input, tensor %d, is not made by an operator before", i, o.Name, t)
			}
			used[t] = true
		}
		if t := o.Output; t < 0 || t >= len(made) || made[t] {
			return fmt.Errorf("operator %d (%q): its output, tensor %d, does not exist or is made twice", i, o.Name, t)
		}
		made[o.Output] = true
	}
	last := m.Operators[len(m.Operators)-1].Output
	for i, t := range m.Tensors {
		if (t.Kind == Logits) != (i == last) {
			return fmt.Errorf("tensor %d (%q): the logits are the output of the last operator and nothing else", i, t.Name)
		}
		if i != last && !used[i] {
			return fmt.Errorf("tensor %d (%q) is not used", i, t.Name)
		}
	}
	if t := m.Tensors[last]; t.Height != 1 || t.Width != 1 || t.Channels != len(m.Classes) {
		return fmt.Errorf("logits of shape %d×%d×%d for %d classes", t.Height, t.Width, t.Channels, len(m.Classes))
	}
	return nil
}
