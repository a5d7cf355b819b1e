# SPDX-License-Identifier: Apache-2.0
"""Writes the networks of `qat bench` as ONNX models of 8-bit codes and weights: each tensor quantized and dequantized,
weights for each output channel, so that ONNX Runtime fuses every node to one on integers. Weights are random."""

import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save


class Network:
    """A graph under construction. Tensors are (name of the dequantized value, channels)."""

    def __init__(self, name, shape):
        self.name, self.shape = name, shape
        self.nodes, self.constants, self.random = [], [], np.random.default_rng(1)
        self.count = 0

    def fresh(self, kind):
        self.count += 1
        return f"{kind}{self.count}"

    def constant(self, value):
        name = self.fresh("c")
        self.constants.append(numpy_helper.from_array(value, name))
        return name

    def node(self, op, inputs, **attributes):
        out = self.fresh(op.lower())
        self.nodes.append(helper.make_node(op, inputs, [out], name=out, **attributes))
        return out

    def input(self):
        return self.node("DequantizeLinear", ["image", self.constant(np.float32(1 / 64)), self.constant(np.uint8(128))]), self.shape[0]

    def codes(self, x, zero, step=1 / 32):
        """Quantizes and dequantizes."""
        scale, zero = self.constant(np.float32(step)), self.constant(np.uint8(zero))
        return self.node("DequantizeLinear", [self.node("QuantizeLinear", [x, scale, zero]), scale, zero])

    def weights(self, shape):
        n = int(np.prod(shape[1:]))
        codes = self.random.integers(-127, 128, shape, dtype=np.int8)
        scale = np.full(shape[0], 2 / 127 / n ** 0.5, np.float32)
        w = self.node("DequantizeLinear", [self.constant(codes), self.constant(scale), self.constant(np.zeros(shape[0], np.int8))], axis=0)
        bias = self.constant(self.random.integers(-500, 500, shape[0], dtype=np.int32))
        return w, bias, scale

    def bias(self, name, scale, step):
        zero = self.constant(np.zeros(len(scale), np.int32))
        return self.node("DequantizeLinear", [name, self.constant(np.float32(step) * scale), zero], axis=0)

    def conv(self, x, channels, kernel, stride=1, groups=1, relu=True, step=1 / 32):
        name, before = x
        w, bias, scale = self.weights((channels, before // groups, kernel, kernel))
        pad = kernel // 2
        y = self.node("Conv", [name, w, self.bias(bias, scale, step)], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, group=groups)
        return self.codes(self.node("Relu", [y]) if relu else y, 0 if relu else 128), channels

    def linear(self, x, outputs, relu):
        name, before = x
        w, bias, scale = self.weights((outputs, before))
        y = self.node("Gemm", [name, w, self.bias(bias, scale, 1 / 32)], transB=1)
        return self.codes(self.node("Relu", [y]) if relu else y, 0 if relu else 128), outputs

    def add(self, a, b):
        return self.codes(self.node("Relu", [self.node("Add", [a[0], b[0]])]), 0), a[1]

    def pool(self, x):
        return self.codes(self.node("MaxPool", [x[0]], kernel_shape=[2, 2], strides=[2, 2]), 0), x[1]

    def average(self, x):
        return self.codes(self.node("GlobalAveragePool", [x[0]]), 0), x[1]

    def flatten(self, x, features):
        return self.codes(self.node("Flatten", [x[0]]), 0), features

    def save(self, x, path):
        self.nodes[-1].output[0] = "logits"
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", *self.shape])
        logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", x[1]])
        graph = helper.make_graph(self.nodes, self.name, [image], [logits], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 8
        save(model, path)


def lenet():
    n = Network("lenet", (1, 28, 28))
    x = n.pool(n.conv(n.input(), 32, 5, step=1 / 64))
    x = n.pool(n.conv(x, 64, 5))
    return n, n.linear(n.linear(n.flatten(x, 7 * 7 * 64), 512, True), 10, False)


def resnet20():
    n = Network("resnet20", (3, 32, 32))
    x = n.conv(n.input(), 16, 3, step=1 / 64)
    for channels in 16, 32, 64:
        for _ in range(3):
            stride = 1 if x[1] == channels else 2
            skip = x if stride == 1 else n.conv(x, channels, 1, 2, relu=False)
            x = n.add(n.conv(n.conv(x, channels, 3, stride), channels, 3, relu=False), skip)
    return n, n.linear(n.flatten(n.average(x), 64), 10, False)


def mobilenet():
    n = Network("mobilenet", (3, 32, 32))
    x = n.conv(n.input(), 16, 3, step=1 / 64)
    for channels, stride in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]:
        x = n.conv(n.conv(x, x[1], 3, stride, groups=x[1]), channels // 2, 1)
    return n, n.linear(n.flatten(n.average(x), 512), 10, False)


if __name__ == "__main__":
    for build in lenet, resnet20, mobilenet:
        network, logits = build()
        network.save(logits, f"{sys.argv[1]}/{network.name}.onnx")
