# SPDX-License-Identifier: Apache-2.0
"""Writes a network as an 8-bit TFLite file, measures LiteRT with XNNPACK on it, and
prints JSON. Padding is SAME, which for an even size and stride 2 lies at the other
side than goqat's; the work is the same."""

import argparse
import json
import statistics
import time

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as tfl
from ai_edge_litert.interpreter import Interpreter
from importlib.metadata import version

from networks import NETWORKS, Writer, describe, quantized

TYPES = {"int8": tfl.TensorType.INT8, "int32": tfl.TensorType.INT32}


class TfliteWriter(Writer):
    zeros = (-128, 0)

    def __init__(self, batch):
        super().__init__()
        self.batch, self.places, self.codes = batch, {}, []
        self.graph = tfl.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.buffers = [tfl.BufferT()]

    def place(self, shape, kind, scales=None, zero=0, data=None, axis=0):
        """Adds a tensor, constant if it has data, and returns its index."""
        t = tfl.TensorT()
        t.name, t.shape, t.type, t.buffer = self.name("v"), list(shape), TYPES[kind], 0
        if scales is not None:
            q = t.quantization = tfl.QuantizationParametersT()
            q.scale, q.zeroPoint, q.quantizedDimension = list(scales), [zero] * len(scales), axis
        if data is not None:
            b = tfl.BufferT()
            b.data, t.buffer = np.frombuffer(data.tobytes(), np.uint8), len(self.buffers)
            self.buffers.append(b)
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def index(self, t, flat=False):
        if t.name not in self.places:
            shape = [self.batch, t.channels] if flat else [self.batch, t.height, t.width, t.channels]
            self.places[t.name] = self.place(shape, "int8", [t.scale], t.zero)
        return self.places[t.name]

    def operator(self, kind, revision, inputs, output, options, **fields):
        if (kind, revision) not in self.codes:
            self.codes.append((kind, revision))
        op = tfl.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = self.codes.index((kind, revision)), inputs, [output]
        o = op.builtinOptions = options()
        op.builtinOptionsType = getattr(tfl.BuiltinOptions, options.__name__[:-1])
        for field, value in fields.items():
            setattr(o, field, value)
        self.graph.operators.append(op)

    def constants(self, x, w, b, axis=0):
        """Places weights, whose channels are on the axis, and biases."""
        codes, scales, biases, products = quantized(w, b, x.scale)
        codes = np.moveaxis(codes, 1, -1) if axis == 0 else codes.transpose(1, 2, 3, 0)
        return [self.place(codes.shape, "int8", scales, data=codes, axis=axis),
                self.place(biases.shape, "int32", products, data=biases)]

    def emit_conv(self, x, y, w, b, stride, active, depthwise):
        fields = {"strideH": stride, "strideW": stride, "padding": tfl.Padding.SAME, "dilationHFactor": 1, "dilationWFactor": 1,
                  "fusedActivationFunction": tfl.ActivationFunctionType.RELU if active else tfl.ActivationFunctionType.NONE}
        inputs = [self.index(x)] + self.constants(x, w, b, 3 if depthwise else 0)
        if depthwise:
            self.operator("DEPTHWISE_CONV_2D", 3, inputs, self.index(y), tfl.DepthwiseConv2DOptionsT, depthMultiplier=1, **fields)
        else:
            self.operator("CONV_2D", 3, inputs, self.index(y), tfl.Conv2DOptionsT, **fields)

    def emit_linear(self, x, y, w, b, active):
        self.operator("FULLY_CONNECTED", 4, [self.index(x)] + self.constants(x, w, b), self.index(y, flat=True), tfl.FullyConnectedOptionsT,
                      fusedActivationFunction=tfl.ActivationFunctionType.RELU if active else tfl.ActivationFunctionType.NONE)

    def emit_max_pool(self, x, y):
        self.operator("MAX_POOL_2D", 2, [self.index(x)], self.index(y), tfl.Pool2DOptionsT, padding=tfl.Padding.VALID,
                      strideH=2, strideW=2, filterHeight=2, filterWidth=2)

    def emit_add(self, x1, x2, y):
        self.operator("ADD", 2, [self.index(x1), self.index(x2)], self.index(y), tfl.AddOptionsT,
                      fusedActivationFunction=tfl.ActivationFunctionType.RELU)

    def emit_average(self, x, y):
        axes = np.array([1, 2], np.int32)
        self.operator("MEAN", 2, [self.index(x), self.place(axes.shape, "int32", data=axes)], self.index(y), tfl.ReducerOptionsT, keepDims=True)

    def emit_flatten(self, x, y):
        shape = np.array([self.batch, y.channels], np.int32)
        self.operator("RESHAPE", 1, [self.index(x), self.place(shape.shape, "int32", data=shape)], self.index(y, flat=True),
                      tfl.ReshapeOptionsT, newShape=list(shape))

    def file(self, x, logits):
        self.graph.inputs, self.graph.outputs = [self.index(x)], [self.index(logits)]
        m = tfl.ModelT()
        m.version, m.subgraphs, m.buffers, m.operatorCodes = 3, [self.graph], self.buffers, []
        for kind, revision in self.codes:
            c = tfl.OperatorCodeT()
            c.builtinCode = c.deprecatedBuiltinCode = getattr(tfl.BuiltinOperator, kind)
            c.version = revision
            m.operatorCodes.append(c)
        b = flatbuffers.Builder(1 << 20)
        b.Finish(m.Pack(b), b"TFL3")
        return bytes(b.Output())


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", choices=NETWORKS, required=True)
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=1)
    a = p.parse_args()
    writer = TfliteWriter(a.batch)
    interpreter = Interpreter(model_content=writer.file(*describe(a.model, writer)), num_threads=a.threads)
    interpreter.allocate_tensors()
    x, logits = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    taken = [op for op in interpreter._get_ops_details() if op["op_name"] == "DELEGATE"]
    if len(taken) != 1 or x["index"] not in taken[0]["inputs"] or logits["index"] not in taken[0]["outputs"]:
        raise SystemExit(f"litert_run.py: XNNPACK did not take all of {a.model}: {taken}")
    interpreter.set_tensor(x["index"], np.random.default_rng(1).integers(-128, 128, x["shape"], np.int8))
    for _ in range(3):
        interpreter.invoke()
    times, end = [], time.perf_counter() + a.seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        interpreter.invoke()
        times.append((time.perf_counter() - start) * 1e3)
    print(json.dumps({"version": version("ai-edge-litert"), "ms": statistics.median(times)}))


main()
