// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/internal/onnxproto"
)

// evaluate runs one node on an input and constants.
func evaluate(t *testing.T, op string, x *Tensor, constants []*Tensor, attributes ...onnxproto.Attribute) (*Tensor, error) {
	t.Helper()
	m := &onnxproto.Model{Opsets: []onnxproto.Opset{{Version: 13}}}
	m.Graph.Inputs = []onnxproto.Value{{Name: "x"}}
	n := onnxproto.Node{Op: op, Inputs: []string{"x"}, Outputs: []string{"y"}, Attributes: attributes}
	for i, c := range constants {
		name := string(rune('a' + i))
		values := onnxproto.Tensor{Type: onnxproto.TypeDouble}
		for _, d := range c.Dims {
			values.Dims = append(values.Dims, int64(d))
		}
		for _, v := range c.Data {
			bits := math.Float64bits(v)
			for k := range 8 {
				values.Data = append(values.Data, byte(bits>>(8*k)))
			}
		}
		values.Name = name
		m.Graph.Initializers = append(m.Graph.Initializers, values)
		n.Inputs = append(n.Inputs, name)
	}
	m.Graph.Nodes = []onnxproto.Node{n}
	all, err := Run(m, x)
	return all["y"], err
}

// numbers of a tensor.
func tensor(dims []int, data ...float64) *Tensor {
	return &Tensor{Type: onnxproto.TypeDouble, Dims: dims, Data: data}
}

func ints(name string, v ...int64) onnxproto.Attribute {
	return onnxproto.Attribute{Name: name, Kind: onnxproto.Ints, Ints: v}
}

func integer(name string, v int64) onnxproto.Attribute {
	return onnxproto.Attribute{Name: name, Kind: onnxproto.Int, Int: v}
}

// TestOperators has the examples of the standard's pages, and others computed by hand.
func TestOperators(t *testing.T) {
	nine := tensor([]int{1, 1, 3, 3}, 1, 2, 3, 4, 5, 6, 7, 8, 9)
	six := tensor([]int{2, 3}, 1, 2, 3, 4, 5, 6)
	sixteen := tensor([]int{1, 1, 4, 4}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
	for name, c := range map[string]struct {
		op         string
		x          *Tensor
		constants  []*Tensor
		attributes []onnxproto.Attribute
		want       *Tensor
	}{
		"convolution, padded": {"Conv", nine, []*Tensor{tensor([]int{1, 1, 2, 2}, 1, 1, 1, 1)}, []onnxproto.Attribute{ints("pads", 1, 0, 0, 1)},
			tensor([]int{1, 1, 3, 3}, 3, 5, 3, 12, 16, 9, 24, 28, 15)},
		"mean without the padding": {"AveragePool", nine, nil, []onnxproto.Attribute{ints("kernel_shape", 2, 2), ints("pads", 1, 1, 0, 0)},
			tensor([]int{1, 1, 3, 3}, 1, 1.5, 2.5, 2.5, 3, 4, 5.5, 6, 7)},
		"mean, rounded up": {"AveragePool", nine, nil, []onnxproto.Attribute{ints("kernel_shape", 2, 2), ints("strides", 2, 2), integer("ceil_mode", 1), integer("count_include_pad", 1)},
			tensor([]int{1, 1, 2, 2}, 3, 4.5, 7.5, 9)},
		"maximum, no window of padding alone": {"MaxPool", nine, nil, []onnxproto.Attribute{ints("kernel_shape", 2, 2), ints("strides", 2, 2), ints("pads", 1, 1, 1, 1), integer("ceil_mode", 1)},
			tensor([]int{1, 1, 2, 2}, 1, 3, 7, 9)},
		"an odd zero behind, SAME_UPPER": {"Conv", sixteen, []*Tensor{tensor([]int{1, 1, 3, 3}, 1, 1, 1, 1, 1, 1, 1, 1, 1)}, []onnxproto.Attribute{ints("strides", 2, 2), {Name: "auto_pad", Kind: onnxproto.String, String: "SAME_UPPER"}},
			tensor([]int{1, 1, 2, 2}, 54, 45, 72, 54)},
		"an odd zero in front, SAME_LOWER": {"MaxPool", nine, nil, []onnxproto.Attribute{ints("kernel_shape", 2, 2), {Name: "auto_pad", Kind: onnxproto.String, String: "SAME_LOWER"}},
			nine},
		"mean of padding and image, not beyond": {"AveragePool", tensor([]int{1, 1, 1, 2}, 8, 8), nil, []onnxproto.Attribute{ints("kernel_shape", 1, 3), ints("strides", 1, 2), ints("pads", 0, 1, 0, 1), integer("ceil_mode", 1), integer("count_include_pad", 1)},
			tensor([]int{1, 1, 1, 2}, 16.0/3, 4)},
		"resized to a size":      {"Resize", six, []*Tensor{tensor([]int{0}), tensor([]int{0}), tensor([]int{2}, 2, 6)}, nil, tensor([]int{2, 6}, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6)},
		"maximum, dilated":       {"MaxPool", nine, nil, []onnxproto.Attribute{ints("kernel_shape", 2, 2), ints("dilations", 2, 2)}, tensor([]int{1, 1, 1, 1}, 9)},
		"tile":                   {"Tile", tensor([]int{1, 2}, 3, 4), []*Tensor{tensor([]int{2}, 2, 2)}, nil, tensor([]int{2, 4}, 3, 4, 3, 4, 3, 4, 3, 4)},
		"slice backwards":        {"Slice", six, []*Tensor{tensor([]int{1}, -1), tensor([]int{1}, -9), tensor([]int{1}, 1), tensor([]int{1}, -2)}, nil, tensor([]int{2, 2}, 3, 1, 6, 4)},
		"transpose":              {"Transpose", six, nil, nil, tensor([]int{3, 2}, 1, 4, 2, 5, 3, 6)},
		"gather":                 {"Gather", six, []*Tensor{tensor([]int{2}, 2, -3)}, []onnxproto.Attribute{integer("axis", 1)}, tensor([]int{2, 2}, 3, 1, 6, 4)},
		"pad and cut":            {"Pad", six, []*Tensor{tensor([]int{4}, 1, -1, 0, 1), tensor(nil, 7)}, nil, tensor([]int{3, 3}, 7, 7, 7, 2, 3, 7, 5, 6, 7)},
		"matrix, transposed":     {"Gemm", six, []*Tensor{tensor([]int{1, 3}, 1, 0, 2), tensor([]int{1}, 10)}, []onnxproto.Attribute{integer("transB", 1), {Name: "alpha", Kind: onnxproto.Float, Float: 2}}, tensor([]int{2, 1}, 24, 42)},
		"mean of columns":        {"ReduceMean", six, nil, []onnxproto.Attribute{ints("axes", 0), integer("keepdims", 0)}, tensor([]int{3}, 2.5, 3.5, 4.5)},
		"a number for each row":  {"Sub", six, []*Tensor{tensor([]int{2, 1}, 1, 2)}, nil, tensor([]int{2, 3}, 0, 1, 2, 2, 3, 4)},
		"normalization":          {"BatchNormalization", tensor([]int{1, 2, 1, 1}, 3, 4), []*Tensor{tensor([]int{2}, 2, 1), tensor([]int{2}, 1, 0), tensor([]int{2}, 1, 4), tensor([]int{2}, 4, 1)}, []onnxproto.Attribute{{Name: "epsilon", Kind: onnxproto.Float}}, tensor([]int{1, 2, 1, 1}, 3, 0)},
		"reshape by -1 and 0":    {"Reshape", six, []*Tensor{tensor([]int{3}, 0, -1, 1)}, nil, tensor([]int{2, 3, 1}, 1, 2, 3, 4, 5, 6)},
		"hard swish":             {"HardSwish", tensor([]int{3}, -4, 1, 5), nil, nil, tensor([]int{3}, 0, 2.0/3, 5)},
		"padded as TensorFlow's": {"MaxPool", nine, nil, []onnxproto.Attribute{ints("kernel_shape", 2, 2), ints("strides", 2, 2), {Name: "auto_pad", Kind: onnxproto.String, String: "SAME_UPPER"}}, tensor([]int{1, 1, 2, 2}, 5, 6, 8, 9)},
	} {
		got, err := evaluate(t, c.op, c.x, c.constants, c.attributes...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		near := slices.EqualFunc(got.Data, c.want.Data, func(a, b float64) bool { return math.Abs(a-b) < 1e-12 })
		if !slices.Equal(got.Dims, c.want.Dims) || !near {
			t.Errorf("%s: %v %v, want %v %v", name, got.Dims, got.Data, c.want.Dims, c.want.Data)
		}
	}
}

// TestSoftmaxBeforeThirteen has the two definitions of Softmax: over all dimensions from an axis on, and along the axis.
// Other evaluators know the second alone: findings/onnx-softmax-before-13.sh.
func TestSoftmaxBeforeThirteen(t *testing.T) {
	for opset, want := range map[int64]float64{12: 1. / 6, 13: 1. / 2} {
		m := &onnxproto.Model{Opsets: []onnxproto.Opset{{Version: opset}}}
		m.Graph.Inputs = []onnxproto.Value{{Name: "x"}}
		m.Graph.Nodes = []onnxproto.Node{{Op: "Softmax", Inputs: []string{"x"}, Outputs: []string{"y"}, Attributes: []onnxproto.Attribute{integer("axis", 1)}}}
		all, err := Run(m, tensor([]int{1, 2, 1, 3}, make([]float64, 6)...))
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range all["y"].Data {
			if math.Abs(got-want) > 1e-12 {
				t.Errorf("opset %d: %v, want %v", opset, got, want)
			}
		}
	}
}

// TestResizeBeforeEleven has the two rules of Resize: places rounded down, and the middles of pixels. The converter of the onnx
// package makes the second of the first: findings/onnx-version-converter-upsample.sh.
func TestResizeBeforeEleven(t *testing.T) {
	for opset, want := range map[int64][]float64{10: {0, 4}, 11: {1, 5}} {
		inputs := []string{"x", "scales"}
		if opset == 11 {
			inputs = []string{"x", "", "scales"}
		}
		m := &onnxproto.Model{Opsets: []onnxproto.Opset{{Version: opset}}}
		m.Graph.Inputs = []onnxproto.Value{{Name: "x"}}
		m.Graph.Initializers = []onnxproto.Tensor{{Name: "scales", Type: onnxproto.TypeFloat, Dims: []int64{1}, Data: []byte{0, 0, 0x80, 0x3e}}} // 1/4
		m.Graph.Nodes = []onnxproto.Node{{Op: "Resize", Inputs: inputs, Outputs: []string{"y"}}}
		all, err := Run(m, tensor([]int{8}, 0, 1, 2, 3, 4, 5, 6, 7))
		if err != nil {
			t.Fatal(err)
		}
		if got := all["y"].Data; !slices.Equal(got, want) {
			t.Errorf("opset %d: %v, want %v", opset, got, want)
		}
	}
}

// TestRefuses wants sentences of what cannot be.
func TestRefuses(t *testing.T) {
	six := tensor([]int{2, 3}, 1, 2, 3, 4, 5, 6)
	one := func(v float64) *Tensor { return tensor([]int{1}, v) }
	for name, c := range map[string]struct {
		op         string
		constants  []*Tensor
		attributes []onnxproto.Attribute
	}{
		"no such operator":     {"Mish", nil, nil},
		"an axis sliced twice": {"Slice", []*Tensor{tensor([]int{2}, 1, 1), tensor([]int{2}, 2, 2), tensor([]int{2}, 0, 0)}, nil},
		"a step of 0":          {"Slice", []*Tensor{one(0), one(1), one(0), one(0)}, nil},
		"too large":            {"Expand", []*Tensor{tensor([]int{3}, 1<<30, 1, 1)}, nil},
		"of no shape":          {"Reshape", []*Tensor{tensor([]int{2}, -1, 4)}, nil},
		"an index beyond":      {"Gather", []*Tensor{one(2)}, nil},
		"no matrices":          {"MatMul", []*Tensor{tensor([]int{2, 2}, 1, 2, 3, 4)}, nil},
		"no input":             {"Add", nil, nil},
		"no window":            {"MaxPool", nil, []onnxproto.Attribute{ints("kernel_shape", 2, 2)}},
		"an aspect ratio kept": {"Resize", []*Tensor{tensor([]int{0}), tensor([]int{0}), tensor([]int{2}, 2, 6)}, []onnxproto.Attribute{{Name: "keep_aspect_ratio_policy", Kind: onnxproto.String, String: "not_larger"}}},
		"no permutation":       {"Transpose", nil, []onnxproto.Attribute{ints("perm", 0, 0)}},
	} {
		if y, err := evaluate(t, c.op, six, c.constants, c.attributes...); err == nil {
			t.Errorf("%s: %v", name, y)
		}
	}
}
