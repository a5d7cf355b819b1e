// SPDX-License-Identifier: Apache-2.0

// Package onnxtest evaluates the ONNX files that goqat writes, by the plainest loops, for tests that need no other runtime.
//
// It follows ONNX's definitions of the operators (https://onnx.ai/onnx/operators): a number of a tensor is held in a
// float64 and rounded to the type of its tensor after every addition and multiplication, so that a file that depends on
// more than its types shows it.
package onnxtest

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/goqat/goqat/internal/onnxproto"
)

// A Tensor is an array of numbers.
type Tensor struct {
	Type onnxproto.Type
	Dims []int
	Data []float64
}

// New returns a tensor of zeros.
func New(kind onnxproto.Type, dims ...int) *Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return &Tensor{kind, append([]int{}, dims...), make([]float64, n)}
}

// Run evaluates a model for one input and returns every tensor by name.
func Run(m *onnxproto.Model, input *Tensor) (map[string]*Tensor, error) {
	return Feed(m, input, func(string, *Tensor) {})
}

// Feed is Run with a function that sees every tensor that is made, by its name, and may change its numbers.
func Feed(m *onnxproto.Model, input *Tensor, see func(string, *Tensor)) (map[string]*Tensor, error) {
	tensors := map[string]*Tensor{m.Graph.Inputs[0].Name: input}
	for i := range m.Graph.Initializers {
		t, err := decode(&m.Graph.Initializers[i])
		if err != nil {
			return nil, err
		}
		tensors[m.Graph.Initializers[i].Name] = t
	}
	for i := range m.Graph.Nodes {
		n := &m.Graph.Nodes[i]
		f := operators[n.Op]
		if f == nil {
			return nil, fmt.Errorf("node %s: no operator %s", n.Name, n.Op)
		}
		in := make([]*Tensor, len(n.Inputs))
		for k, name := range n.Inputs {
			if in[k] = tensors[name]; in[k] == nil {
				return nil, fmt.Errorf("node %s: its input %q is not made before", n.Name, name)
			}
		}
		if tensors[n.Outputs[0]] != nil {
			return nil, fmt.Errorf("tensor %q is made twice", n.Outputs[0])
		}
		y := f(n, in)
		see(n.Outputs[0], y)
		tensors[n.Outputs[0]] = y
	}
	return tensors, nil
}

// decode returns the numbers of an initializer.
func decode(p *onnxproto.Tensor) (*Tensor, error) {
	var dims []int
	for _, d := range p.Dims {
		dims = append(dims, int(d))
	}
	t := New(p.Type, dims...)
	size := map[onnxproto.Type]int{onnxproto.TypeFloat: 4, onnxproto.TypeDouble: 8, onnxproto.TypeUint8: 1, onnxproto.TypeInt8: 1,
		onnxproto.TypeInt16: 2, onnxproto.TypeInt32: 4, onnxproto.TypeInt64: 8}[p.Type]
	if p.Type == onnxproto.TypeInt4 {
		for i := range t.Data {
			t.Data[i] = float64(int8(p.Data[i/2]<<(4-i%2*4)) >> 4)
		}
		return t, nil
	}
	if size == 0 || len(p.Data) != size*len(t.Data) {
		return nil, fmt.Errorf("initializer %s: %d bytes for %v of type %d", p.Name, len(p.Data), p.Dims, p.Type)
	}
	for i := range t.Data {
		b := p.Data[i*size:][:size]
		switch p.Type {
		case onnxproto.TypeFloat:
			t.Data[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
		case onnxproto.TypeDouble:
			t.Data[i] = math.Float64frombits(binary.LittleEndian.Uint64(b))
		case onnxproto.TypeUint8:
			t.Data[i] = float64(b[0])
		case onnxproto.TypeInt8:
			t.Data[i] = float64(int8(b[0]))
		case onnxproto.TypeInt16:
			t.Data[i] = float64(int16(binary.LittleEndian.Uint16(b)))
		case onnxproto.TypeInt32:
			t.Data[i] = float64(int32(binary.LittleEndian.Uint32(b)))
		default:
			t.Data[i] = float64(int64(binary.LittleEndian.Uint64(b)))
		}
	}
	return t, nil
}

// round returns v as a number of the type, which is an integer in range of an integer type.
func round(kind onnxproto.Type, v float64) float64 {
	if kind == onnxproto.TypeFloat {
		return float64(float32(v))
	}
	return v
}
