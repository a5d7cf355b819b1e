# SPDX-License-Identifier: Apache-2.0
"""goqat's networks, described once for the writers of ONNX and TFLite files: layers
with random weights, without batch normalization, which every runtime folds."""

from collections import namedtuple

import numpy as np

Tensor = namedtuple("Tensor", "name channels height width scale zero")

STEP = np.float32(0.05)  # between two codes of any activation


class Writer:
    """Gives the layers shapes and weights, and counts multiply-accumulates. A format
    adds emit_conv, emit_linear, emit_max_pool, emit_add, emit_average and
    emit_flatten, which get the input, the output and what else they need, and
    zeros: the zero points of activations after and without ReLU."""

    zeros = (0, 128)

    def __init__(self):
        self.random, self.macs, self.count = np.random.default_rng(1), 0, 0

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def tensor(self, channels, height=1, width=1, active=True):
        return Tensor(self.name("t"), channels, height, width, STEP, self.zeros[0 if active else 1])

    def weights(self, *shape):
        """Returns weights, output channels first, and biases."""
        w = self.random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        return w.astype(np.float32), self.random.standard_normal(shape[0]).astype(np.float32) / 10

    def conv(self, x, channels, kernel, stride=1, active=True, depthwise=False):
        w, b = self.weights(channels, 1 if depthwise else x.channels, kernel, kernel)
        y = self.tensor(channels, x.height // stride, x.width // stride, active)
        self.macs += w.size * y.height * y.width
        self.emit_conv(x, y, w, b, stride, active, depthwise)
        return y

    def linear(self, x, channels, active=False):
        w, b = self.weights(channels, x.channels)
        y = self.tensor(channels, active=active)
        self.macs += w.size
        self.emit_linear(x, y, w, b, active)
        return y

    def max_pool(self, x):
        y = self.tensor(x.channels, x.height // 2, x.width // 2)
        self.emit_max_pool(x, y)
        return y

    def add(self, x1, x2):
        y = self.tensor(x1.channels, x1.height, x1.width)
        self.emit_add(x1, x2, y)
        return y

    def average(self, x):
        y = self.tensor(x.channels)
        self.emit_average(x, y)
        return y

    def flatten(self, x):
        y = self.tensor(x.channels * x.height * x.width)
        self.emit_flatten(x, y)
        return y


def quantized(w, b, input_scale):
    """Returns the 8-bit codes of weights and their scales, one a channel, and the
    32-bit codes of biases and their scales, those of the products."""
    scales = np.abs(w).reshape(len(w), -1).max(1) / np.float32(127)
    codes = np.rint(w / scales.reshape([-1] + [1] * (w.ndim - 1))).astype(np.int8)
    products = scales * input_scale
    return codes, scales, np.rint(b / products).astype(np.int32), products


def lenet(net, x):
    x = net.max_pool(net.conv(x, 32, 5))
    x = net.flatten(net.max_pool(net.conv(x, 64, 5)))
    return net.linear(net.linear(x, 512, active=True), 10)


def resnet20(net, x):
    x = net.conv(x, 16, 3)
    for channels in (16, 32, 64):
        for _ in range(3):
            same = channels == x.channels
            stride = 1 if same else 2
            body = net.conv(net.conv(x, channels, 3, stride), channels, 3, active=False)
            x = net.add(body, x if same else net.conv(x, channels, 1, stride, active=False))
    return net.linear(net.flatten(net.average(x)), 10)


def mobilenet(net, x, width=0.5):
    x = net.conv(x, int(32 * width), 3)
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + [(1024, 2), (1024, 1)]
    for channels, stride in plan:
        x = net.conv(x, x.channels, 3, stride, depthwise=True)
        x = net.conv(x, int(channels * width), 1)
    return net.linear(net.flatten(net.average(x)), 10)


NETWORKS = {"lenet": (lenet, (1, 28, 28)), "resnet20": (resnet20, (3, 32, 32)), "mobilenet": (mobilenet, (3, 32, 32))}


def describe(name, writer):
    """Writes the network with the writer and returns its input and its logits."""
    build, (channels, height, width) = NETWORKS[name]
    x = writer.tensor(channels, height, width, active=False)
    return x, build(writer, x)
