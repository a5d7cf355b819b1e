// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/import/onnx"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qat/settings"
)

// pool is that of all tests.
var pool = graph.NewPool(1)

// policy quantizes to 8 bits.
func policy(t testing.TB) qat.Policy {
	method, err := qat.New("int", settings.All{})
	if err != nil {
		t.Fatal(err)
	}
	return qat.Policy{Method: method, WeightBits: 8, ActivationBits: 8, FirstLast: qat.FirstLast8}
}

// exact is a normalization of which 255·mean is whole: goqat's images are the file's.
var exact = onnx.Options{Mean: []float64{0.2}, Deviation: []float64{0.25}}

// networks are files of all forms that are taken, each with what the network is called in goqat.
var networks = map[string]struct {
	file func() *onnxproto.Model
	want string // a part of the network, as it is written
}{
	"normalization folded": {func() *onnxproto.Model {
		f := newFile(2, 6, 6)
		x := f.node("Relu", []string{f.norm(f.conv("image", "body.conv", 4, 2, 3, list("pads", 1, 1, 1, 1)), "bn", 4)})
		x = f.node("MaxPool", []string{x}, list("kernel_shape", 2, 2), list("strides", 2, 2))
		return f.classify(f.node("Flatten", []string{x}), 36)
	}, "body.conv = convolution(image) 6×6×4, 3×3 window with stride 1, padding [1 1 1 1], normalized, relu\nmaxpool1"},
	"normalization before its activation, of a concatenation": {func() *onnxproto.Model {
		f := newFile(1, 6, 6)
		x := f.node("Relu", []string{f.conv("image", "a", 2, 1, 3, list("pads", 1, 1, 1, 1))})
		y := f.conv(x, "b", 3, 2, 1)
		z := f.node("Concat", []string{x, y}, whole("axis", 1))
		z = f.node("Relu", []string{f.norm(z, "bn", 5)})
		z = f.node("AveragePool", []string{z}, list("kernel_shape", 2, 2), list("strides", 2, 2))
		return f.classify(f.node("Flatten", []string{f.node("GlobalAveragePool", []string{z})}), 5)
	}, "norm1 = normalization(concat1) 6×6×5, normalized, relu"},
	"residual": {func() *onnxproto.Model {
		f := newFile(1, 5, 5)
		x := f.node("Clip", []string{f.conv("image", "a", 3, 1, 3, list("pads", 1, 1, 1, 1)), f.floats("lo", nil, 0), f.floats("hi", nil, 6)})
		y := f.conv(x, "b", 3, 3, 3, list("pads", 1, 1, 1, 1))
		x = f.node("Relu", []string{f.node("Add", []string{x, y})})
		x = f.node("ReduceMean", []string{x}, list("axes", 2, 3), whole("keepdims", 0))
		return f.classify(x, 3)
	}, "add1 = addition(a, b) 5×5×3, relu"},
	"grouped, dilated, oblong": {func() *onnxproto.Model {
		f := newFile(2, 9, 7)
		x := f.conv("image", "a", 4, 1, 3, whole("group", 2), list("dilations", 2, 1), list("strides", 1, 2), list("pads", 2, 0, 1, 1))
		x = f.node("AveragePool", []string{x}, list("kernel_shape", 3, 2), list("pads", 1, 0, 1, 1), whole("count_include_pad", 1))
		x = f.node("MaxPool", []string{x}, list("kernel_shape", 3, 3), list("strides", 2, 2), whole("ceil_mode", 1))
		return f.classify(f.node("Flatten", []string{x}), 4*4*1)
	}, "a = convolution(image) 8×3×4, 3×3 window with stride 1×2, dilation 2×1, padding [2 0 1 1], 2 groups, biased"},
	"a mean of windows that reach beyond the image, as AvgPool2d(2, ceil_mode=True)": {func() *onnxproto.Model {
		f := newFile(1, 7, 6)
		x := f.node("Relu", []string{f.conv("image", "a", 3, 1, 3)})
		x = f.node("AveragePool", []string{x}, list("kernel_shape", 2, 2), list("strides", 2, 2), whole("ceil_mode", 1), whole("count_include_pad", 1))
		return f.classify(f.node("Flatten", []string{x}), 3*3*2)
	}, "avgpool1 = average(a) 3×2×3, 2×2 window with stride 2, padding [0 0 1 0]\n"},
	"rows of pixels, as Keras": {func() *onnxproto.Model {
		f := newFile(6, 6, 3)
		x := f.node("Transpose", []string{"image"}, list("perm", 0, 3, 1, 2))
		x = f.node("Pad", []string{x, f.wholes("pads", 0, 0, 0, 0, 0, 0, 1, 1)})
		x = f.node("Relu", []string{f.conv(x, "a", 4, 3, 3, list("strides", 2, 2))})
		x = f.node("Transpose", []string{x}, list("perm", 0, 2, 3, 1))
		x = f.node("Reshape", []string{x, f.wholes("shape", -1, 36)})
		x = f.node("MatMul", []string{x, f.random("dense", 0, 36, 5)})
		x = f.node("Relu", []string{f.node("Add", []string{x, f.random("dense.bias", 0, 5)})})
		x = f.node("Add", []string{f.node("MatMul", []string{x, f.random("last", 0, 5, 3)}), f.random("last.bias", 0, 1, 3)})
		return f.model(f.node("Softmax", []string{x}))
	}, "a = convolution(image) 3×3×4, 3×3 window with stride 2, padding [0 0 1 1], biased, relu\nflatten1 = reshape(a) 1×1×36\n"},
	"shapes computed in the file": {func() *onnxproto.Model {
		f := newFile(2, 4, 4)
		x := f.conv("image", "a", 3, 2, 1)
		batch := f.node("Gather", []string{f.node("Shape", []string{x}), f.wholes("first", 0)}, whole("axis", 0))
		shape := f.node("Concat", []string{batch, f.wholes("rest", -1)}, whole("axis", 0))
		x = f.node("Reshape", []string{f.node("Dropout", []string{x}), shape})
		return f.classify(x, 48)
	}, "flatten1 = reshape(a) 1×1×48\nfc = linear(flatten1) 1×1×3, biased\n"},
	"a part of the image": {func() *onnxproto.Model {
		f := newFile(2, 5, 6)
		x := f.node("Relu", []string{f.conv("image", "a", 3, 2, 1)})
		x = f.node("Slice", []string{x, f.wholes("starts", 1, -4), f.wholes("ends", 5, 99), f.wholes("axes", 2, 3)})
		return f.classify(f.node("Flatten", []string{x}), 48)
	}, "conv1 = convolution(a) 4×4×3, 2×3 window with stride 1, 3 groups, biased\n"},
	"arithmetic of channels": {func() *onnxproto.Model {
		f := newFile(3, 4, 4)
		x := f.node("Mul", []string{f.conv("image", "a", 4, 3, 3), f.random("k", 1, 4, 1, 1)})
		x = f.node("Sub", []string{x, f.random("d", 0, 1, 4, 1, 1)})
		x = f.node("Relu", []string{f.node("MaxPool", []string{x}, list("kernel_shape", 2, 2))})
		return f.classify(f.node("Flatten", []string{x}), 4)
	}, "activation1 = nonlinearity(maxpool1) 1×1×4, relu\n"},
	"an end without weights": {func() *onnxproto.Model {
		f := newFile(1, 4, 4)
		x := f.node("Relu", []string{f.conv("image", "a", 3, 1, 3)})
		return f.model(f.node("Flatten", []string{f.node("GlobalAveragePool", []string{x})}))
	}, "avgpool1 = average(a) 1×1×3"},
	"squeeze and excitation": {func() *onnxproto.Model {
		f := newFile(2, 6, 6)
		x := f.node("HardSwish", []string{f.conv("image", "a", 4, 2, 3)})
		s := f.node("Relu", []string{f.conv(f.node("GlobalAveragePool", []string{x}), "b", 2, 4, 1)})
		s = f.node("HardSigmoid", []string{f.conv(s, "c", 4, 2, 1)}, onnxproto.Attribute{Name: "alpha", Kind: onnxproto.Float, Float: 1.0 / 6})
		x = f.node("Mul", []string{s, x})
		return f.classify(f.node("Flatten", []string{x}), 64)
	}, "multiply1 = product(activation1, activation2) 4×4×4\n"},
	"swish in two nodes": {func() *onnxproto.Model {
		f := newFile(2, 6, 6)
		x := f.conv("image", "a", 4, 2, 3)
		x = f.node("Mul", []string{x, f.node("Sigmoid", []string{x})})
		x = f.node("LeakyRelu", []string{f.conv(x, "b", 4, 4, 3)}, onnxproto.Attribute{Name: "alpha", Kind: onnxproto.Float, Float: 0.1})
		x = f.node("PRelu", []string{f.conv(x, "c", 4, 4, 1), f.random("slopes", 0.2, 4, 1, 1)})
		return f.classify(f.node("Flatten", []string{x}), 16)
	}, "activation1 = nonlinearity(a) 4×4×4, silu\n"},
	"channels split and shuffled": {func() *onnxproto.Model {
		f := newFile(2, 6, 6)
		x := f.node("Relu", []string{f.conv("image", "a", 8, 2, 3)})
		part := f.node("Split", []string{x, f.wholes("parts", 4, 4)}, whole("axis", 1))
		nodes := f.m.Graph.Nodes
		nodes[len(nodes)-1].Outputs = append(nodes[len(nodes)-1].Outputs, "right")
		y := f.node("Relu", []string{f.conv("right", "b", 4, 1, 3, whole("group", 4), list("pads", 1, 1, 1, 1))})
		x = f.node("Concat", []string{part, y}, whole("axis", 1))
		x = f.node("Reshape", []string{x, f.wholes("groups", 1, 2, 4, 4, 4)})
		x = f.node("Transpose", []string{x}, list("perm", 0, 2, 1, 3, 4))
		x = f.node("Reshape", []string{x, f.wholes("again", 1, 8, 4, 4)})
		y = f.node("Slice", []string{x, f.wholes("starts", 2), f.wholes("ends", 7), f.wholes("axes", 1)})
		x = f.node("Concat", []string{f.conv(x, "c", 3, 8, 1), y}, whole("axis", 1))
		return f.classify(f.node("Flatten", []string{x}), 128)
	}, "shuffled by 2"},
	"enlarged": {func() *onnxproto.Model {
		f := newFile(2, 4, 4)
		x := f.node("Relu", []string{f.conv("image", "a", 3, 2, 3)})
		x = f.node("Resize", []string{x, "", f.floats("scales", []int64{4}, 1, 1, 2, 3)},
			onnxproto.Attribute{Name: "coordinate_transformation_mode", Kind: onnxproto.String, String: "asymmetric"},
			onnxproto.Attribute{Name: "nearest_mode", Kind: onnxproto.String, String: "floor"})
		x = f.node("Relu", []string{f.conv(x, "b", 3, 3, 3)})
		return f.classify(f.node("Flatten", []string{x}), 3*2*4)
	}, "upsample1 = upsampling(a) 4×6×3, 2×3 times\n"},
	"PReLU and upsampling as Keras writes them": {func() *onnxproto.Model {
		f := newFile(1, 2, 3)
		x := f.conv("image", "a", 3, 1, 1)
		y := f.node("Relu", []string{f.node("Neg", []string{x})})
		x = f.node("Add", []string{f.node("Mul", []string{y, f.floats("slope", []int64{1, 3, 1, 1}, -0.1, 0.2, -0.3)}), f.node("Relu", []string{x})})
		x = f.node("Transpose", []string{x}, list("perm", 0, 2, 3, 1))
		x = f.node("Tile", []string{f.node("Unsqueeze", []string{x, f.wholes("after rows", 2)}), f.wholes("twice", 1, 1, 2, 1, 1)})
		x = f.node("Reshape", []string{x, f.wholes("high", 1, 4, 3, 3)})
		x = f.node("Tile", []string{f.node("Unsqueeze", []string{x, f.wholes("after columns", 3)}), f.wholes("thrice", 1, 1, 1, 3, 1)})
		x = f.node("Transpose", []string{f.node("Reshape", []string{x, f.wholes("wide", 1, 4, 9, 3)})}, list("perm", 0, 3, 1, 2))
		x = f.node("Neg", []string{f.conv(x, "b", 2, 3, 1)})
		return f.classify(f.node("Flatten", []string{x}), 72)
	}, "activation1 = nonlinearity(a) 2×3×3, prelu\nupsample1 = upsampling(activation1) 4×3×3, 2×1 times\n"},
	"hard-swish and padding as Keras writes them": {func() *onnxproto.Model {
		f := newFile(4, 5, 1)
		x := f.conv(f.node("Transpose", []string{"image"}, list("perm", 0, 3, 1, 2)), "a", 4, 1, 3, list("pads", 1, 1, 1, 1))
		y := f.node("Clip", []string{f.node("Add", []string{f.floats("three", nil, 3), x}), f.floats("lo", nil, 0), f.floats("hi", nil, 6)})
		y = f.node("Mul", []string{y, f.floats("sixth", nil, 1./6)})
		x = f.node("Transpose", []string{f.node("Mul", []string{x, y})}, list("perm", 0, 2, 3, 1))
		x = f.node("Pad", []string{x, f.wholes("pads", 0, 0, 1, 0, 0, 1, 1, 0)})
		x = f.conv(f.node("Transpose", []string{x}, list("perm", 0, 3, 1, 2)), "b", 2, 4, 2)
		return f.classify(f.node("Flatten", []string{x}), 2*4*6)
	}, "hard_swish\nb = convolution(activation1) 4×6×2, 2×2 window with stride 1, padding [0 1 1 1], biased\n"},
	"inputs that nobody reads": {func() *onnxproto.Model {
		f := newFile(1, 2, 2)
		f.m.Graph.Inputs = append([]onnxproto.Value{{Name: "mean", Type: onnxproto.TypeFloat, Dims: []onnxproto.Dim{{Size: 1}}}}, f.m.Graph.Inputs...)
		return f.classify(f.node("Flatten", []string{"image"}), 4)
	}, "fc = linear(flatten1)"},
	"signals": {func() *onnxproto.Model {
		f := newFile(2, 16)
		x := f.node("Conv", []string{"image", f.random("a.weight", 0, 4, 2, 5), f.random("a.bias", 0, 4)}, list("pads", 2, 2), list("strides", 2))
		x = f.node("MaxPool", []string{f.node("Relu", []string{x})}, list("kernel_shape", 2), list("strides", 2))
		return f.classify(f.node("Flatten", []string{x}), 16)
	}, "a = convolution(image) 1×8×4, 1×5 window with stride 1×2, padding [0 2 0 2], biased, relu\n"},
	"vectors": {func() *onnxproto.Model {
		f := newFile(12)
		x := f.node("Relu", []string{f.norm(f.node("Gemm", []string{"image", f.random("a.weight", 0, 12, 8)}), "bn", 8)})
		return f.classify(x, 8)
	}, "a = linear(image) 1×1×8, normalized, relu\n"},
	"factors of a product and of its bias": {func() *onnxproto.Model {
		f := newFile(12)
		x := f.node("Gemm", []string{"image", f.random("a.weight", 0, 8, 12), f.random("a.bias", 0, 8)}, whole("transB", 1),
			onnxproto.Attribute{Name: "alpha", Kind: onnxproto.Float, Float: 2}, onnxproto.Attribute{Name: "beta", Kind: onnxproto.Float, Float: 0.5})
		return f.classify(f.node("Relu", []string{x}), 8)
	}, "a = linear(image) 1×1×8, biased, relu\n"},
}

// TestSameLogits compares the file's logits with those of goqat's network.
func TestSameLogits(t *testing.T) {
	for name, c := range networks {
		t.Run(name, func(t *testing.T) {
			m, err := onnx.Import(c.file(), exact)
			if err != nil {
				t.Fatal(err)
			}
			if got := m.Network.String(); !strings.Contains(got, c.want) {
				t.Errorf("imported\n%swant\n%s", got, c.want)
			}
			n, err := m.Build(layers.Config{Batch: 2, Policy: policy(t), Pool: pool})
			if err != nil {
				t.Fatal(err)
			}
			d, err := m.Compare(context.Background(), n, made(m.Input, 3), func(int) {})
			if err != nil {
				t.Fatal(err)
			}
			if d.Images != 3 || d.Relative() > 2e-6 || d.Top > 0 {
				t.Errorf("the difference is %+v", d)
			}
		})
	}
}

// made returns random images.
func made(in layers.Input, count int) []uint8 {
	rng := rand.New(rand.NewPCG(3, 4))
	images := make([]uint8, count*in.Height*in.Width*in.Channels)
	for i := range images {
		images[i] = uint8(rng.Uint32())
	}
	return images
}

// TestNormalization takes over what a file does to pixels, exactly where no padding meets the image.
func TestNormalization(t *testing.T) {
	for name, c := range map[string]struct {
		options onnx.Options
		file    func(f *file) string
		zero    int32 // of the last channel
	}{
		"none":    {onnx.Options{}, func(*file) string { return "image" }, 0},
		"outside": {onnx.Options{Mean: []float64{0.485, 0.456, 0.406}, Deviation: []float64{0.229, 0.224, 0.225}}, func(*file) string { return "image" }, 104},
		"inside": {onnx.Options{}, func(f *file) string {
			x := f.node("Div", []string{"image", f.floats("by", nil, 255)})
			x = f.node("Sub", []string{x, f.floats("mean", []int64{1, 3, 1, 1}, 0.485, 0.456, 0.406)})
			return f.node("Div", []string{x, f.floats("std", []int64{3, 1, 1}, 0.229, 0.224, 0.225)})
		}, 104},
		"inside, to ±1": {onnx.Options{}, func(f *file) string {
			x := f.node("Mul", []string{"image", f.floats("by", nil, 1/127.5)})
			return f.node("Add", []string{x, f.floats("minus", nil, -1)})
		}, 127},
		"inverted": {onnx.Options{}, func(f *file) string { return f.node("Sub", []string{f.floats("one", nil, 1), "image"}) }, 255},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(3, 5, 5)
			x := f.conv(c.file(f), "a", 4, 3, 3)
			m, err := onnx.Import(f.classify(f.node("Flatten", []string{x}), 36), c.options)
			if err != nil {
				t.Fatal(err)
			}
			n, err := m.Build(layers.Config{Batch: 1, Policy: policy(t), Pool: pool})
			if err != nil {
				t.Fatal(err)
			}
			d, err := m.Compare(context.Background(), n, made(m.Input, 2), func(int) {})
			if err != nil || d.Relative() > 2e-6 {
				t.Errorf("the difference is %+v, %v", d, err)
			}
			if said := strings.Contains(strings.Join(m.Notes, " "), "pixels are given as 0 to 1"); said != (name == "none") {
				t.Errorf("notes %q", m.Notes)
			}
			if z := m.Input.Channel(2).ZeroPoint; z != c.zero {
				t.Errorf("the zero point is %d, want %d", z, c.zero)
			}
		})
	}
}

// TestRefusals are all listed, with the nearest form.
func TestRefusals(t *testing.T) {
	f := newFile(1, 6, 6)
	x := f.conv("image", "a", 4, 1, 3)
	x = f.node("Mish", []string{x})
	x = f.node("Clip", []string{x, f.floats("lo", nil, -1), f.floats("hi", nil, 1)})
	x = f.node("MaxPool", []string{x}, list("kernel_shape", 2, 2), list("dilations", 2, 2))
	x = f.node("LSTM", []string{x})
	_, err := onnx.Import(f.classify(x, 4), onnx.Options{})
	var refused *onnx.Unsupported
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	var got []string
	for _, r := range refused.Nodes {
		got = append(got, r.Operator)
	}
	if !slices.Contains(got, "Mish") || !slices.Contains(got, "LSTM") {
		t.Errorf("refused %+v", refused.Nodes)
	}
	if text := err.Error(); strings.Contains(text, "\n") || !strings.Contains(text, "Mish_1 (Mish)") {
		t.Errorf("the error is %q", text)
	}
}

// TestMeanOfAPartOfThePadding is refused with what to do in PyTorch.
func TestMeanOfAPartOfThePadding(t *testing.T) {
	f := newFile(1, 7, 7)
	x := f.node("AveragePool", []string{f.node("Relu", []string{f.conv("image", "a", 3, 1, 2)})},
		list("kernel_shape", 3, 3), list("strides", 2, 2), list("pads", 1, 1, 1, 1), whole("ceil_mode", 1), whole("count_include_pad", 1))
	_, err := onnx.Import(f.classify(f.node("Flatten", []string{x}), 48), onnx.Options{})
	if err == nil || !strings.Contains(err.Error(), "count_include_pad=False, or without ceil_mode") {
		t.Errorf("%v", err)
	}
}

// TestRefusalsOfOneKindAreSaidTogether: of ten nodes of a reason eight are named, and what to do is said once, also of another operator.
func TestRefusalsOfOneKindAreSaidTogether(t *testing.T) {
	const advice = "the float network, before it was quantized"
	e := &onnx.Unsupported{}
	for i := range 10 {
		e.Nodes = append(e.Nodes, onnx.Refusal{Node: fmt.Sprint("q", i), Operator: "QuantizeLinear", Reason: "no", Nearest: advice},
			onnx.Refusal{Node: fmt.Sprint("d", i), Operator: "DequantizeLinear", Reason: "no", Nearest: advice})
	}
	const want = "onnx: goqat cannot take 20 nodes: q0, q1, q2, q3, q4, q5, q6, q7 and 2 more (QuantizeLinear): no; nearest: " + advice +
		"; d0, d1, d2, d3, d4, d5, d6, d7 and 2 more (DequantizeLinear): no"
	if e.Error() != want {
		t.Errorf("%s", e)
	}
}

// TestSeveralOutputs takes the output that is named, with what it needs and nothing else.
func TestSeveralOutputs(t *testing.T) {
	file := func() *onnxproto.Model {
		f := newFile(1, 4, 4)
		x := f.node("Relu", []string{f.conv("image", "a", 4, 1, 3)})
		boxes := f.node("Mish", []string{f.conv(x, "boxes", 2, 4, 2)})
		x = f.node("Gemm", []string{f.node("Flatten", []string{x}), f.random("fc.weight", 0, 3, 16), f.random("fc.bias", 0, 3)}, whole("transB", 1))
		m := f.model(f.node("Softmax", []string{x}))
		for _, other := range []string{x, boxes} {
			m.Graph.Outputs = append(m.Graph.Outputs, onnxproto.Value{Name: other, Type: onnxproto.TypeFloat, Dims: []onnxproto.Dim{{Name: "N"}, {Size: 3}}})
		}
		return m
	}
	for name, want := range map[string]string{
		"":       `has 3 outputs, "Softmax_6", "Gemm_5" of N×3, "Mish_3" of N×3, and goqat's networks have one: name that of the logits`,
		"scores": `has no output "scores"; it has "Softmax_6"`,
		"Mish_3": "Mish",
	} {
		if _, err := onnx.Import(file(), onnx.Options{Logits: name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %s", name, err, want)
		}
	}
	for _, name := range []string{"Softmax_6", "Gemm_5"} {
		options := exact
		options.Logits = name
		m, err := onnx.Import(file(), options)
		if err != nil {
			t.Fatal(err)
		}
		n, err := m.Build(layers.Config{Batch: 1, Policy: policy(t), Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		d, err := m.Compare(context.Background(), n, made(m.Input, 3), func(int) {})
		if err != nil || d.Relative() > 2e-6 || strings.Contains(m.Network.String(), "boxes") || len(m.Notes) == 0 || !strings.Contains(m.Notes[0], "of 3 outputs") {
			t.Errorf("%s: the difference is %+v, %v; notes %q\n%s", name, d, err, m.Notes, m.Network)
		}
	}
}

// TestOpenReadsBesides reads numbers beside the model, and nowhere else.
func TestOpenReadsBeside(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "net")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	f := newFile(1, 2, 2)
	m := f.classify(f.node("Flatten", []string{"image"}), 4)
	weights := m.Graph.Initializers[0].Data
	for _, path := range []string{filepath.Join(folder, "w.bin"), filepath.Join(dir, "w.bin")} {
		if err := os.WriteFile(path, append([]byte("12345678"), weights...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "w.bin"), filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	for location, c := range map[string]struct {
		length int64
		ok     bool
	}{
		"w.bin":                     {48, true},
		"./w.bin":                   {0, true},
		"../w.bin":                  {48, false},
		"link":                      {48, false},
		filepath.Join(dir, "w.bin"): {48, false},
		"none":                      {48, false},
		"w.bin ":                    {48, false},
	} {
		m.Graph.Initializers[0].Data = nil
		m.Graph.Initializers[0].External = &onnxproto.External{Location: location, Offset: 8, Length: c.length}
		path := filepath.Join(folder, "net.onnx")
		if err := os.WriteFile(path, m.Marshal(), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := onnx.Open(path, exact); (err == nil) != c.ok {
			t.Errorf("%q: %v", location, err)
		}
	}
}

// FuzzImport proves that no file makes the import panic, or what it gives impossible to build.
func FuzzImport(f *testing.F) {
	for _, c := range networks {
		f.Add(c.file().Marshal())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := onnxproto.Unmarshal(data)
		if err != nil {
			return
		}
		m, err := onnx.Import(p, onnx.Options{Memory: 1 << 24, Work: 1 << 22})
		if err != nil {
			return
		}
		n, err := m.Build(layers.Config{Batch: 1, Policy: policy(t), Pool: pool, Memory: 1 << 24})
		if err != nil {
			return
		}
		_, _ = m.Compare(context.Background(), n, made(m.Input, 1), func(int) {}) // logits may be infinite
	})
}
