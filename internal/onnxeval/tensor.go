// SPDX-License-Identifier: Apache-2.0

// Package onnxeval evaluates ONNX files by the plainest loops, from the standard's definitions of the operators
// (https://onnx.ai/onnx/operators): those that goqat writes, for tests that need no other runtime, and those that it
// reads, for a word on what an import changes.
//
// A model is prepared first: all shapes are found, and what does not depend on the input is computed, before anything else
// is. A number of a tensor is held in a float64, and rounded to the type of its tensor after every addition and
// multiplication, so that a file that depends on more than its types shows it; or floats are not rounded, for a result
// that is as good as any runtime's.
package onnxeval

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/goqat/goqat/internal/onnxproto"
)

// A Tensor is an array of numbers, in row-major order of its dimensions.
type Tensor struct {
	Type onnxproto.Type
	Dims []int
	Data []float64 // nil while only the shape is known

	stored *onnxproto.Tensor // an initializer, whose numbers are in the file
	fixed  bool              // it does not depend on the input
	last   int               // the step that reads it last
}

// New returns a tensor of zeros.
func New(kind onnxproto.Type, dims ...int) *Tensor {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return &Tensor{Type: kind, Dims: append([]int{}, dims...), Data: make([]float64, n)}
}

// Len returns the number of numbers.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Dims {
		n *= d
	}
	return n
}

// Fixed says whether the tensor does not depend on the input, so that its numbers are known.
func (t *Tensor) Fixed() bool { return t.fixed }

// Values returns the numbers of a fixed tensor.
func (t *Tensor) Values() []float64 {
	if t.Data == nil && t.stored != nil {
		return numbers(t.stored)
	}
	return t.Data
}

// At returns number i of a fixed tensor.
func (t *Tensor) At(i int) float64 {
	if t.Data == nil && t.stored != nil {
		return readers[t.stored.Type](t.stored.Data, i)
	}
	return t.Data[i]
}

// maxLen bounds a tensor.
const maxLen = 1 << 31

// sized returns the number of numbers of a shape.
func sized(dims []int) (int, error) {
	n := 1
	for _, d := range dims {
		if d < 0 || d > maxLen || n*d > maxLen {
			return 0, fmt.Errorf("the shape %v is of no or of too many numbers", dims)
		}
		n *= d
	}
	return n, nil
}

// header returns an initializer whose numbers stay where they are, after a check that they are all there.
func header(p *onnxproto.Tensor) (*Tensor, error) {
	t := &Tensor{Type: p.Type, Dims: []int{}, stored: p, fixed: true}
	for _, d := range p.Dims {
		if d < 0 || d > maxLen {
			return nil, fmt.Errorf("it has the shape %v", p.Dims)
		}
		t.Dims = append(t.Dims, int(d))
	}
	n, err := sized(t.Dims)
	bytes := n * p.Type.Size()
	if p.Type == onnxproto.TypeInt4 {
		bytes = (n + 1) / 2
	}
	switch {
	case err != nil:
		return nil, err
	case p.External != nil:
		return nil, fmt.Errorf("its numbers are in another file, %q, which was not read", p.External.Location)
	case readers[p.Type] == nil:
		return nil, fmt.Errorf("its numbers are %v, which goqat does not compute with", p.Type)
	case len(p.Data) != bytes:
		return nil, fmt.Errorf("it has %d bytes, want %d for %v of %v", len(p.Data), bytes, p.Dims, p.Type)
	}
	return t, nil
}

// readers read number i of little-endian bytes.
var readers = map[onnxproto.Type]func(b []byte, i int) float64{
	onnxproto.TypeFloat: func(b []byte, i int) float64 {
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])))
	},
	onnxproto.TypeDouble: func(b []byte, i int) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])) },
	onnxproto.TypeUint8:  func(b []byte, i int) float64 { return float64(b[i]) },
	onnxproto.TypeBool:   func(b []byte, i int) float64 { return float64(min(b[i], 1)) },
	onnxproto.TypeInt8:   func(b []byte, i int) float64 { return float64(int8(b[i])) },
	onnxproto.TypeInt16:  func(b []byte, i int) float64 { return float64(int16(binary.LittleEndian.Uint16(b[2*i:]))) },
	onnxproto.TypeInt32:  func(b []byte, i int) float64 { return float64(int32(binary.LittleEndian.Uint32(b[4*i:]))) },
	onnxproto.TypeInt64:  func(b []byte, i int) float64 { return float64(int64(binary.LittleEndian.Uint64(b[8*i:]))) },
	onnxproto.TypeInt4:   func(b []byte, i int) float64 { return float64(int8(b[i/2]<<(4-i%2*4)) >> 4) },
}

// numbers returns the numbers of a checked initializer.
func numbers(p *onnxproto.Tensor) []float64 {
	n := 1
	for _, d := range p.Dims {
		n *= int(d)
	}
	data, read := make([]float64, n), readers[p.Type]
	for i := range data {
		data[i] = read(p.Data, i)
	}
	return data
}

// floating says whether numbers of a type are floats.
func floating(kind onnxproto.Type) bool {
	return kind == onnxproto.TypeFloat || kind == onnxproto.TypeDouble
}
