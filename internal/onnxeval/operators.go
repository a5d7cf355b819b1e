// SPDX-License-Identifier: Apache-2.0

package onnxeval

import "math"

// operators are those of the standard that goqat writes or reads, and those of QONNX.
var operators = map[string]func(*call){
	// Elementwise, of one tensor.
	"Abs":         unary(math.Abs),
	"Ceil":        unary(math.Ceil),
	"Exp":         unary(math.Exp),
	"Floor":       unary(math.Floor),
	"Log":         unary(math.Log),
	"Neg":         unary(func(v float64) float64 { return -v }),
	"Not":         unary(func(v float64) float64 { return 1 - v }),
	"Reciprocal":  unary(func(v float64) float64 { return 1 / v }),
	"Relu":        unary(func(v float64) float64 { return max(v, 0) }),
	"Round":       unary(math.RoundToEven),
	"Sigmoid":     unary(sigmoid),
	"Softplus":    unary(func(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) }),
	"Sqrt":        unary(math.Sqrt),
	"Tanh":        unary(math.Tanh),
	"HardSwish":   unary(func(v float64) float64 { return v * min(max(v/6+0.5, 0), 1) }),
	"LeakyRelu":   leakyRelu,
	"HardSigmoid": hardSigmoid,
	"Elu":         elu,
	"Clip":        clip,
	"Cast":        cast,
	"Identity":    identity,
	"Dropout":     identity, // outside training

	// Elementwise, of several tensors, which are broadcast.
	"Add":            combine(func(a, b float64) float64 { return a + b }),
	"Sub":            combine(func(a, b float64) float64 { return a - b }),
	"Mul":            combine(func(a, b float64) float64 { return a * b }),
	"Div":            divide,
	"Pow":            combine(math.Pow),
	"PRelu":          combine(func(a, slope float64) float64 { return max(a, 0) + min(a, 0)*slope }),
	"Min":            combine(func(a, b float64) float64 { return min(a, b) }),
	"Max":            combine(func(a, b float64) float64 { return max(a, b) }),
	"And":            compare(func(a, b float64) bool { return a != 0 && b != 0 }),
	"Or":             compare(func(a, b float64) bool { return a != 0 || b != 0 }),
	"Equal":          compare(func(a, b float64) bool { return a == b }),
	"Less":           compare(func(a, b float64) bool { return a < b }),
	"LessOrEqual":    compare(func(a, b float64) bool { return a <= b }),
	"Greater":        compare(func(a, b float64) bool { return a > b }),
	"GreaterOrEqual": compare(func(a, b float64) bool { return a >= b }),
	"Where":          where,

	// Shapes.
	"Concat":          concatenate,
	"Constant":        constant,
	"ConstantOfShape": constantOfShape,
	"Expand":          expand,
	"Flatten":         flatten,
	"Gather":          gather,
	"Pad":             pad,
	"Range":           span,
	"Reshape":         reshape,
	"Resize":          resize,
	"Shape":           shape,
	"Slice":           slice,
	"Split":           split,
	"Squeeze":         squeeze,
	"Tile":            tile,
	"Transpose":       transpose,
	"Unsqueeze":       unsqueeze,
	"Upsample":        resize, // before version 10 of the operators

	// Weights.
	"Conv":               convolution,
	"Gemm":               gemm,
	"MatMul":             matmul,
	"BatchNormalization": batchNormalization,

	// Windows and means.
	"AveragePool":       averagePool,
	"GlobalAveragePool": globalPool(0, func(a, v float64) float64 { return a + v }, true),
	"GlobalMaxPool":     globalPool(math.Inf(-1), func(a, v float64) float64 { return max(a, v) }, false),
	"MaxPool":           maxPool,
	"ReduceMax":         reduce(math.Inf(-1), func(a, v float64) float64 { return max(a, v) }, false),
	"ReduceMean":        reduce(0, func(a, v float64) float64 { return a + v }, true),
	"ReduceProd":        reduce(1, func(a, v float64) float64 { return a * v }, false),
	"ReduceSum":         reduce(0, func(a, v float64) float64 { return a + v }, false),
	"Softmax":           softmax(false),
	"LogSoftmax":        softmax(true),

	// Quantization.
	"QuantizeLinear":   quantize,
	"DequantizeLinear": dequantize,
	"Quant":            quant,
	"BipolarQuant":     bipolar,
	"MultiThreshold":   multiThreshold,
}
