// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/goqat/goqat/internal/onnxproto"
)

// A file builds a model in memory, with random weights.
type file struct {
	m   onnxproto.Model
	rng *rand.Rand
}

// newFile returns a model that reads "image", of the given dimensions after the batch.
func newFile(dims ...int64) *file {
	f := &file{rng: rand.New(rand.NewPCG(1, 2))}
	f.m = onnxproto.Model{IR: 8, Opsets: []onnxproto.Opset{{Version: 13}}}
	x := onnxproto.Value{Name: "image", Type: onnxproto.TypeFloat, Dims: []onnxproto.Dim{{Name: "N"}}}
	for _, d := range dims {
		x.Dims = append(x.Dims, onnxproto.Dim{Size: d})
	}
	f.m.Graph.Inputs = []onnxproto.Value{x}
	return f
}

// model ends the graph with a tensor.
func (f *file) model(output string) *onnxproto.Model {
	f.m.Graph.Outputs = []onnxproto.Value{{Name: output, Type: onnxproto.TypeFloat}}
	return &f.m
}

// node adds a node, called like its operator with a number, and returns its result.
func (f *file) node(op string, inputs []string, attributes ...onnxproto.Attribute) string {
	name := fmt.Sprintf("%s_%d", op, len(f.m.Graph.Nodes))
	f.m.Graph.Nodes = append(f.m.Graph.Nodes, onnxproto.Node{Name: name, Op: op, Inputs: inputs, Outputs: []string{name}, Attributes: attributes})
	return name
}

// floats adds an initializer.
func (f *file) floats(name string, dims []int64, values ...float32) string {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	f.m.Graph.Initializers = append(f.m.Graph.Initializers, onnxproto.Tensor{Name: name, Type: onnxproto.TypeFloat, Dims: dims, Data: data})
	return name
}

// random adds an initializer of random numbers around a mean.
func (f *file) random(name string, mean float64, dims ...int64) string {
	n := int64(1)
	for _, d := range dims {
		n *= d
	}
	values := make([]float32, n)
	for i := range values {
		values[i] = float32(mean + 0.3*f.rng.NormFloat64())
	}
	return f.floats(name, dims, values...)
}

// wholes adds an initializer of INT64.
func (f *file) wholes(name string, values ...int64) string {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, uint64(v))
	}
	f.m.Graph.Initializers = append(f.m.Graph.Initializers, onnxproto.Tensor{Name: name, Type: onnxproto.TypeInt64, Dims: []int64{int64(len(values))}, Data: data})
	return name
}

// conv adds a convolution with a bias, of square kernels.
func (f *file) conv(x, name string, out, in, kernel int64, attributes ...onnxproto.Attribute) string {
	return f.node("Conv", []string{x, f.random(name+".weight", 0, out, in, kernel, kernel), f.random(name+".bias", 0, out)}, attributes...)
}

// norm adds a batch normalization.
func (f *file) norm(x, name string, channels int64) string {
	return f.node("BatchNormalization", []string{x, f.random(name+".weight", 1, channels), f.random(name+".bias", 0, channels),
		f.random(name+".running_mean", 0, channels), f.random(name+".running_var", 2, channels)},
		onnxproto.Attribute{Name: "epsilon", Kind: onnxproto.Float, Float: 1e-3})
}

// classify ends a network with a linear layer of 3 classes.
func (f *file) classify(x string, in int64) *onnxproto.Model {
	return f.model(f.node("Gemm", []string{x, f.random("fc.weight", 0, 3, in), f.random("fc.bias", 0, 3)}, whole("transB", 1)))
}

func whole(name string, v int64) onnxproto.Attribute {
	return onnxproto.Attribute{Name: name, Kind: onnxproto.Int, Int: v}
}

func list(name string, v ...int64) onnxproto.Attribute {
	return onnxproto.Attribute{Name: name, Kind: onnxproto.Ints, Ints: v}
}
