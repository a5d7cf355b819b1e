#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# SPACE_TO_BATCH_ND of TFLite pads an image and deals its pixels out to the images of a batch. With a convolution of the batch and
# BATCH_TO_SPACE_ND behind it is how TensorFlow writes dilated convolutions, and it stays in files whose converter does not make
# one operator of the three. Padding is zeros, so codes of the zero point: LiteRT (every set of kernels) pads with them. OpenVINO, of int8 with any
# zero point but 0, pads with code -128, the most negative number there is: a 3×3 convolution of ones, dilated by 2, of a picture of 4×4
# ones is -292 in place of 4, everywhere, with scale 1/2 and zero point -10. With zero point 0 it is right, and with -128, what a ReLU
# leaves. No warning. Seen in OpenVINO 2026.4.1 on x86-64, the same with kernels for AVX2 and for AVX-512.
#
# For users of goqat: a dilated window is a CONV_2D or DEPTHWISE_CONV_2D with its dilation in files of `qat export --format tflite`, which has no
# SPACE_TO_BATCH_ND.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ai-edge-litert==2.3.0 openvino==2026.4.1 flatbuffers==25.12.19 numpy==2.4.6
cat >"$work/batch.py" <<'PYTHON'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
import openvino as ov
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

path = sys.argv[1]
operators, options = schema.BuiltinOperator, schema.BuiltinOptions


def file(tensors, nodes, result):
    """A model of these tensors, name: (shape, type, scale and zero point, value if constant), from x to result."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT()], []
    names = list(tensors)
    graph.inputs, graph.outputs, graph.tensors, graph.operators = [names.index("x")], [names.index(result)], [], []
    for name, (shape, dtype, scale, zero, value) in tensors.items():
        t = schema.TensorT()
        t.name, t.shape, t.type = name, list(shape), schema.TensorType.INT8 if dtype == np.int8 else schema.TensorType.INT32
        if scale:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale, t.quantization.zeroPoint = [scale], [zero]
        if value is not None:
            data = schema.BufferT()
            data.data = np.frombuffer(np.broadcast_to(np.asarray(value, dtype), shape).tobytes(), np.uint8)
            t.buffer = len(model.buffers)
            model.buffers.append(data)
        graph.tensors.append(t)
    for operator, inputs, output, table, value in nodes:
        kind, node = schema.OperatorCodeT(), schema.OperatorT()
        kind.builtinCode = kind.deprecatedBuiltinCode = operator
        kind.version, node.opcodeIndex = 3 if operator == operators.CONV_2D else 2, len(model.operatorCodes)
        node.inputs, node.outputs, node.builtinOptionsType, node.builtinOptions = [names.index(i) for i in inputs], [names.index(output)], table, value
        model.operatorCodes.append(kind)
        graph.operators.append(node)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def lite(model, x, kernels):
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def openvino(model, x):
    with open(path, "wb") as f:
        f.write(model)
    core = ov.Core()
    return core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]


def runs(model, x):
    yield "LiteRT, XNNPACK", lite(model, x, OpResolverType.AUTO)
    yield "LiteRT, built-in", lite(model, x, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    yield "LiteRT, reference", lite(model, x, OpResolverType.BUILTIN_REF)
    yield "OpenVINO", openvino(model, x)


print(*(f"{p} {version(p)}" for p in ("ai-edge-litert", "openvino")))
changed = False
deal = (options.SpaceToBatchNDOptions, schema.SpaceToBatchNDOptionsT())
window = schema.Conv2DOptionsT()
window.strideW = window.strideH = window.dilationWFactor = window.dilationHFactor = 1
window.padding = schema.Padding.VALID
for zero in (0, 3, -10, 77, -128):
    # One row of three pixels, with one pixel of padding before and two behind: every other one to each image of the batch.
    tensors = {
        "x": ([1, 1, 3, 1], np.int8, 0.5, zero, None),
        "block": ([2], np.int32, 0, 0, [1, 2]),
        "padding": ([2, 2], np.int32, 0, 0, [[0, 0], [1, 2]]),
        "y": ([2, 1, 3, 1], np.int8, 0.5, zero, None),
    }
    model = file(tensors, [(operators.SPACE_TO_BATCH_ND, ["x", "block", "padding"], "y", *deal)], "y")
    for by, y in runs(model, np.full((1, 1, 3, 1), 9, np.int8)):
        pad = -128 if by == "OpenVINO" and zero else zero
        print(f"padding, zero point {zero}, {by}: {y.ravel().tolist()}")
        changed |= y.ravel().tolist() != [pad, 9, pad, 9, 9, pad]

    # A dilated convolution of three operators, of 4×4 pixels of 1 by 3×3 ones.
    tensors = {
        "x": ([1, 4, 4, 1], np.int8, 0.5, zero, None),
        "block": ([2], np.int32, 0, 0, [2, 2]),
        "padding": ([2, 2], np.int32, 0, 0, [[2, 2], [2, 2]]),
        "dealt": ([4, 4, 4, 1], np.int8, 0.5, zero, None),
        "weights": ([1, 3, 3, 1], np.int8, 1.0, 0, 1),
        "bias": ([1], np.int32, 0.5, 0, 0),
        "sums": ([4, 2, 2, 1], np.int8, 4.0, 0, None),
        "crops": ([2, 2], np.int32, 0, 0, 0),
        "y": ([1, 4, 4, 1], np.int8, 4.0, 0, None),
    }
    nodes = [
        (operators.SPACE_TO_BATCH_ND, ["x", "block", "padding"], "dealt", *deal),
        (operators.CONV_2D, ["dealt", "weights", "bias"], "sums", options.Conv2DOptions, window),
        (operators.BATCH_TO_SPACE_ND, ["sums", "block", "crops"], "y", options.BatchToSpaceNDOptions, schema.BatchToSpaceNDOptionsT()),
    ]
    model = file(tensors, nodes, "y")
    for by, y in runs(model, np.full((1, 4, 4, 1), min(zero + 2, 127), np.int8)):
        y = (y * 4.0).ravel()
        print(f"dilated, zero point {zero}, {by}: {y.tolist()}")
        # Four of the nine pixels of a window are in the picture.
        want = 4 + 5 * (-128 - zero) * 0.5 if by == "OpenVINO" and zero else 4
        changed |= np.abs(y - want).max() > 2
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/batch.py" "$work/batch.tflite" 2>&1 | grep -v '^INFO'
