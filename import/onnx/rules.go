// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// A rule turns a node into operators of the network: it reads its inputs by the importer's view (the tensor as the file
// sees it), real (the same for a node that reads values, the image's among them) and constant, adds operators by add,
// their parameters by put, and says by set what the node's result is. What does not fit it returns by misfitf, with the
// nearest form that does.
type rule func(i *importer, n *onnxproto.Node) error

// rules is the table of the operators that are taken. To take another, add a row here, with its rule in the file of
// its kind, take its row out of nearest, and see that internal/onnxeval/operators.go computes it.
var rules map[string]rule

func init() { // rules refer to each other
	rules = map[string]rule{
		"Add":                add,
		"AveragePool":        averagePool,
		"BatchNormalization": batchNormalization,
		"Cast":               cast,
		"Clip":               clip,
		"Concat":             concatenate,
		"Conv":               convolution,
		"Div":                divide,
		"Dropout":            same,
		"Flatten":            regroup,
		"Gemm":               gemm,
		"GlobalAveragePool":  globalAverage,
		"HardSigmoid":        hardSigmoid,
		"HardSwish":          curve(network.HardSwish),
		"Identity":           same,
		"LeakyRelu":          leakyRelu,
		"LogSoftmax":         softmax,
		"MatMul":             matmul,
		"MaxPool":            maxPool,
		"Mul":                multiply,
		"Neg":                negate,
		"PRelu":              prelu,
		"Pad":                pad,
		"ReduceMean":         reduceMean,
		"Relu":               activation(network.ReLU),
		"Reshape":            regroup,
		"Resize":             enlarge,
		"Sigmoid":            curve(network.Sigmoid),
		"Slice":              slice,
		"Softmax":            softmax,
		"Split":              split,
		"Squeeze":            regroup,
		"Sub":                subtract,
		"Tile":               tile,
		"Transpose":          transpose,
		"Unsqueeze":          regroup,
		"Upsample":           enlarge,
	}
}

// called are the names of operators that the file gives none, as goqat's layers are called.
var called = map[network.Kind]string{
	network.Convolution: "conv", network.FullyConnected: "fc", network.Addition: "add", network.Maximum: "maxpool",
	network.Average: "avgpool", network.Reshape: "flatten", network.Concatenation: "concat", network.Nonlinearity: "activation",
	network.Normalization: "norm", network.Product: "multiply", network.Selection: "channels", network.Upsampling: "upsample",
}

// nearest says of operators that are not taken what is.
var nearest = map[string]string{
	"ConvTranspose":         "a Resize by nearest neighbours and a Conv",
	"DequantizeLinear":      "the float network, before it was quantized",
	"Elu":                   "LeakyRelu",
	"Gelu":                  "x times Sigmoid(x) (SiLU)",
	"GlobalMaxPool":         "GlobalAveragePool, or a MaxPool of the whole image",
	"GroupNormalization":    "BatchNormalization",
	"InstanceNormalization": "BatchNormalization",
	"LayerNormalization":    "BatchNormalization",
	"LRN":                   "BatchNormalization",
	"QLinearConv":           "the float network, before it was quantized",
	"QLinearMatMul":         "the float network, before it was quantized",
	"QuantizeLinear":        "the float network, before it was quantized",
	"Tanh":                  "HardSwish",
}
