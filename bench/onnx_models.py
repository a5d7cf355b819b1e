# SPDX-License-Identifier: Apache-2.0
"""Writes networks as ONNX files of operator set 13, in float and with 8 bits in the
form that ONNX Runtime fuses: codes of activations unsigned, one QuantizeLinear after
each operator, one DequantizeLinear for each consumer, zero point 0 after ReLU, scales
of weights for each channel, biases in 32 bits."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from networks import Writer, describe, quantized

# What remains of an 8-bit network when everything is fused. QuantizeLinear is not
# among it: the input is codes.
FUSED = {"QLinearConv", "QGemm", "QLinearAdd", "QLinearGlobalAveragePool", "QLinearAveragePool",
         "MaxPool", "NhwcMaxPool", "Flatten", "Reshape", "Transpose", "DequantizeLinear"}


class OnnxWriter(Writer):
    def __init__(self, integers):
        super().__init__()
        self.integers, self.nodes, self.constants = integers, [], []

    def constant(self, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), self.name("c")))
        return self.constants[-1].name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], name=self.name(kind), **attributes))
        return output

    def parameters(self, t):
        return [self.constant(t.scale), self.constant(np.uint8(t.zero))]

    def read(self, t):
        if not self.integers:
            return t.name
        return self.node("DequantizeLinear", [t.name] + self.parameters(t), self.name("f"))

    def operator(self, kind, inputs, y, rectify=False, **attributes):
        """Emits an operator and what makes its result y: with 8 bits a
        QuantizeLinear, which rectifies where the zero point is 0."""
        result = self.node(kind, inputs, self.name("f") if self.integers or rectify else y.name, **attributes)
        if self.integers:
            self.node("QuantizeLinear", [result] + self.parameters(y), y.name)
        elif rectify:
            self.node("Relu", [result], y.name)

    def read_weights(self, x, w, b):
        if not self.integers:
            return [self.constant(w), self.constant(b)]
        codes, scales, biases, products = quantized(w, b, x.scale)
        return [self.node("DequantizeLinear", [self.constant(c), self.constant(s), self.constant(np.zeros(len(c), c.dtype))],
                          self.name("f"), axis=0) for c, s in ((codes, scales), (biases, products))]

    def emit_conv(self, x, y, w, b, stride, active, depthwise):
        kernel = w.shape[2]
        self.operator("Conv", [self.read(x)] + self.read_weights(x, w, b), y, active, kernel_shape=[kernel] * 2,
                      pads=[kernel // 2] * 4, strides=[stride] * 2, group=x.channels if depthwise else 1)

    def emit_linear(self, x, y, w, b, active):
        self.operator("Gemm", [self.read(x)] + self.read_weights(x, w, b), y, active, transB=1)

    def emit_max_pool(self, x, y):
        self.operator("MaxPool", [self.read(x)], y, kernel_shape=[2, 2], strides=[2, 2])

    def emit_add(self, x1, x2, y):
        self.operator("Add", [self.read(x1), self.read(x2)], y, True)

    def emit_average(self, x, y):
        self.operator("GlobalAveragePool", [self.read(x)], y)

    def emit_flatten(self, x, y):
        self.operator("Flatten", [self.read(x)], y)


def write(name, integers, path):
    """Writes a network and returns its multiply-accumulates for an image."""
    w = OnnxWriter(integers)
    x, logits = describe(name, w)
    output = w.node("Identity", [w.read(logits)], "logits")
    kind = TensorProto.UINT8 if integers else TensorProto.FLOAT
    graph = helper.make_graph(
        w.nodes, name, [helper.make_tensor_value_info(x.name, kind, ["batch", x.channels, x.height, x.width])],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", logits.channels])], w.constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="goqat bench", ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return w.macs


def unfused(path):
    """Returns what an optimized 8-bit graph computes in float, a list of types."""
    kinds = [node.op_type for node in onnx.load(path).graph.node]
    return sorted(set(kinds) - FUSED) + ["DequantizeLinear"] * (kinds.count("DequantizeLinear") > 1)
