// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/internal/safetensors"
)

// Names of an operator's tensors in the file, which follow the operator's name.
const (
	weightSuffix          = ".weight"           // U8, packed codes; I8, in the shape of the weights, where each has a byte
	tableSuffix           = ".table"            // U8; of concat with the number of the input, absent where the codes stay
	multiplierSuffix      = ".multiplier"       // I32 or I64 [terms, channels]
	thresholdSuffix       = ".threshold"        // I32 or I64 [planes, channels]
	shiftSuffix           = ".shift"            // U8 [channels]
	biasSuffix            = ".bias"             // I32 or I64 [channels], absent if all 0
	accumulatorBiasSuffix = ".accumulator_bias" // I32 [channels], absent if all 0
)

func elementBytes(dtype string) int {
	switch dtype {
	case "I64":
		return 8
	case "I32":
		return 4
	default:
		return 1
	}
}

// numbers returns those of an operator as the file stores them.
func (m *Model) numbers(o *Operator) []safetensors.Tensor {
	var list []safetensors.Tensor
	if w := o.Weights; w != nil {
		dtype, shape := w.stored()
		list = append(list, safetensors.Tensor{Name: o.Name + weightSuffix, DType: dtype, Shape: shape, Data: w.Packed})
	}
	if o.Table != nil {
		shape := []int{len(o.Table)}
		if n := m.tables(o); n > 1 {
			shape = []int{n, len(o.Table) / n}
		}
		list = append(list, safetensors.Tensor{Name: o.Name + tableSuffix, DType: "U8", Shape: shape, Data: o.Table})
	}
	for i, t := range o.Tables {
		if t != nil {
			list = append(list, safetensors.Tensor{Name: o.tableName(i), DType: "U8", Shape: []int{len(t)}, Data: t})
		}
	}
	if r := o.Requantizer; r != nil {
		channels := r.Channels()
		list = append(list, integers(o.Name+multiplierSuffix, slices.Concat(r.M...), r.Terms(), channels))
		list = append(list, safetensors.Tensor{Name: o.Name + shiftSuffix, DType: "U8", Shape: []int{channels}, Data: r.Shift})
		if slices.ContainsFunc(r.Bias, func(b int64) bool { return b != 0 }) {
			list = append(list, integers(o.Name+biasSuffix, r.Bias, channels))
		}
		if slices.ContainsFunc(r.AccBias, func(b int32) bool { return b != 0 }) {
			wide := make([]int64, channels)
			for c, b := range r.AccBias {
				wide[c] = int64(b)
			}
			list = append(list, integers(o.Name+accumulatorBiasSuffix, wide, channels))
		}
	}
	if t := o.Thresholds; t != nil {
		channels := t.Channels()
		list = append(list, integers(o.Name+multiplierSuffix, slices.Concat(t.M...), t.Terms(), channels))
		list = append(list, integers(o.Name+thresholdSuffix, slices.Concat(t.T...), t.Planes(), channels))
	}
	return list
}

// integers returns a tensor of type I32, or I64 where a value asks for it.
func integers(name string, values []int64, shape ...int) safetensors.Tensor {
	t := safetensors.Tensor{Name: name, DType: "I32", Shape: shape}
	for _, v := range values {
		if v < minInt32 || v > maxInt32 {
			t.DType = "I64"
		}
	}
	for _, v := range values {
		if t.DType == "I32" {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(v))
		} else {
			t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(v))
		}
	}
	return t
}

// load fills the operators, whose structure is valid, with the numbers of a file, and refuses numbers that no operator
// asks for.
func (m *Model) load(tensors []safetensors.Tensor) error {
	p := payload{}
	for i := range tensors {
		name := tensors[i].Name
		if p[name] != nil {
			return fmt.Errorf("tensor %.80q is there twice", name)
		}
		p[name] = &tensors[i]
	}
	steps := m.Steps()
	for i := range m.Operators {
		if err := m.loadOperator(&m.Operators[i], p, steps); err != nil {
			return fmt.Errorf("operator %d (%q): %w", i, m.Operators[i].Name, err)
		}
	}
	for name := range p {
		return fmt.Errorf("tensor %.80q belongs to no operator", name)
	}
	return nil
}

func (m *Model) loadOperator(o *Operator, p payload, steps []int) error {
	in, out := &m.Tensors[o.Inputs[0]], &m.Tensors[o.Output]
	var err error
	if w := o.Weights; w != nil {
		w.Shape = [4]int{out.Channels, o.Kernel[0], o.Kernel[1], in.Channels / o.Groups}
		if w.Packed, err = p.weights(o.Name+weightSuffix, w); err != nil {
			return err
		}
	}
	if forms[o.Op].tables {
		return m.loadTables(o, p)
	}
	if forms[o.Op].table {
		if o.Table, err = p.codes(o.Name+tableSuffix, int(in.Max())+1, in.Channels); err != nil {
			return err
		}
	}
	terms := m.Accumulators(o) + len(o.Terms())
	switch requantizes, compares := o.ends(out); {
	case requantizes:
		if o.Requantizer, err = p.requantizer(o, out, terms); err == nil {
			o.Requantizer.Divisors = m.divisors(o, steps)
		}
	case compares:
		o.Thresholds, err = p.thresholds(o, out, terms)
	}
	return err
}

// tableName is the name of the table of input i of a concatenation.
func (o *Operator) tableName(i int) string { return o.Name + tableSuffix + strconv.Itoa(i) }

// loadTables takes the tables of a concatenation: those that there are.
func (m *Model) loadTables(o *Operator, p payload) error {
	o.Tables = make([][]uint8, len(o.Inputs))
	for i, in := range o.Inputs {
		if p[o.tableName(i)] == nil || m.Tensors[in].Kind != Codes {
			continue
		}
		var err error
		if o.Tables[i], err = p.take(o.tableName(i), "U8", int(m.Tensors[in].Max())+1); err != nil {
			return err
		}
	}
	return nil
}

// A payload are the tensors of a file that are not yet taken, by name.
type payload map[string]*safetensors.Tensor

// take removes a tensor of the given type and shape and returns its bytes.
func (p payload) take(name, dtype string, shape ...int) ([]byte, error) {
	t := p[name]
	if t == nil {
		return nil, fmt.Errorf("tensor %q is missing", name)
	}
	if t.DType != dtype || !slices.Equal(t.Shape, shape) {
		return nil, fmt.Errorf("tensor %q is %s %v, want %s %v", name, t.DType, t.Shape, dtype, shape)
	}
	delete(p, name)
	return t.Data, nil
}

// codes takes a table of so many codes, or one for each channel.
func (p payload) codes(name string, each, channels int) ([]byte, error) {
	if t := p[name]; t != nil && channels > 1 && slices.Equal(t.Shape, []int{channels, each}) {
		return p.take(name, "U8", channels, each)
	}
	return p.take(name, "U8", each)
}

// weights takes packed codes.
func (p payload) weights(name string, w *Weights) ([]byte, error) {
	if !w.validShape() {
		return nil, fmt.Errorf("weights of shape %v", w.Shape)
	}
	dtype, shape := w.stored()
	return p.take(name, dtype, shape...)
}

// stored returns type and shape of the tensor of packed codes.
func (w *Weights) stored() (dtype string, shape []int) {
	if l := w.layout(); l.codes > 1 {
		return "U8", []int{l.size(w.Len())}
	}
	return "I8", w.Shape[:]
}

// integers takes a tensor that integers made.
func (p payload) integers(name string, shape ...int) ([]int64, error) {
	dtype := "I32"
	if t := p[name]; t != nil && t.DType == "I64" {
		dtype = "I64"
	}
	data, err := p.take(name, dtype, shape...)
	if err != nil {
		return nil, err
	}
	size := elementBytes(dtype)
	values := make([]int64, len(data)/size)
	for i := range values {
		if size == 4 {
			values[i] = int64(int32(binary.LittleEndian.Uint32(data[4*i:])))
		} else {
			values[i] = int64(binary.LittleEndian.Uint64(data[8*i:]))
		}
	}
	return values, nil
}

func (p payload) requantizer(o *Operator, out *Tensor, terms int) (*fixed.Requantizer, error) {
	channels := out.Channels
	r := &fixed.Requantizer{Bias: make([]int64, channels), AccBias: make([]int32, channels), Zero: out.ZeroPoint}
	r.Lo, r.Hi = out.Span()
	if out.Kind == Logits {
		r.Lo, r.Hi = minInt32, maxInt32
	}
	var err error
	if r.M, err = p.table(o.Name+multiplierSuffix, terms, channels); err != nil {
		return nil, err
	}
	shift, err := p.take(o.Name+shiftSuffix, "U8", channels)
	if err != nil {
		return nil, err
	}
	r.Shift = shift
	if p[o.Name+biasSuffix] != nil {
		if r.Bias, err = p.integers(o.Name+biasSuffix, channels); err != nil {
			return nil, err
		}
	}
	if p[o.Name+accumulatorBiasSuffix] != nil {
		wide, err := p.integers(o.Name+accumulatorBiasSuffix, channels)
		if err != nil {
			return nil, err
		}
		for c, b := range wide {
			if b < minInt32 || b > maxInt32 {
				return nil, fmt.Errorf("channel %d: accumulator bias %d, which int32 does not hold", c, b)
			}
			r.AccBias[c] = int32(b)
		}
	}
	return r, nil
}

func (p payload) thresholds(o *Operator, out *Tensor, terms int) (*fixed.Thresholds, error) {
	m, err := p.table(o.Name+multiplierSuffix, terms, out.Channels)
	if err != nil {
		return nil, err
	}
	t, err := p.table(o.Name+thresholdSuffix, out.Bits, out.Channels)
	return &fixed.Thresholds{M: m, T: t}, err
}

// table takes a tensor of two dimensions that integers made.
func (p payload) table(name string, rows, columns int) ([][]int64, error) {
	values, err := p.integers(name, rows, columns)
	if err != nil {
		return nil, err
	}
	table := make([][]int64, rows)
	for i := range table {
		table[i] = values[i*columns : (i+1)*columns : (i+1)*columns]
	}
	return table, nil
}
