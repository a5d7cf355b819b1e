#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Since version 4 of the operator TRANSPOSE_CONV of TFLite has fused_activation_function, as CONV_2D has: a ReLU or ReLU6 that is no operator of
# its own. LiteRT (every set of kernels) and TFLite Micro apply it. OpenVINO reads the file and leaves it out, so that what should be 0
# is negative and what should be 6 is more, in int8 and in floating point. Decoders, of segmentation and of autoencoders, are made of
# these layers. CONV_2D with the same field is right. No error, no warning. Seen in OpenVINO 2026.4.1.
#
# For users of goqat: goqat has no transposed convolution, and files of `qat export --format tflite` hold none. Of other
# networks, measure such files in LiteRT.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ai-edge-litert==2.3.0 tflite-micro==0.dev20261023182759 openvino==2026.4.1 flatbuffers==25.12.19 numpy==2.4.6
cat >"$work/transpose.py" <<'PYTHON'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
import openvino as ov
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro.python.tflite_micro import runtime

path = sys.argv[1]
real = np.array([-8, -3, 0, 2, 6, 12], np.float32)
image = real.reshape(1, 1, 6, 1)


def file(name, activation, coded):
    """A 1×1 convolution or transposed one by a weight of 1, of real numbers or of int8 with scale 1/4 and zero point 10."""
    model, graph, kind, node = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT()], [kind]
    transposed = name == "TRANSPOSE_CONV"
    kind.builtinCode = kind.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    kind.version, graph.tensors, graph.operators = 4 if transposed else 3, [], [node]
    number = np.int8 if coded else np.float32
    weight, bias = np.ones((1, 1, 1, 1), number), np.zeros(1, np.int32 if coded else np.float32)
    for shape, dtype, scale, zero, value in (
        (image.shape, number, 0.25, 10, None),
        (weight.shape, number, 1.0, 0, weight),
        ([1], bias.dtype.type, 0.25, 0, bias),
        ([4], np.int32, 0, 0, np.array(image.shape, np.int32)),
        (image.shape, number, 0.25, 10, None),
    ):
        t = schema.TensorT()
        t.name, t.shape, t.type = f"t{len(graph.tensors)}", list(shape), {np.int8: schema.TensorType.INT8, np.int32: schema.TensorType.INT32, np.float32: schema.TensorType.FLOAT32}[dtype]
        if coded and scale:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale, t.quantization.zeroPoint = [scale], [zero]
        if value is not None:
            data = schema.BufferT()
            data.data = np.frombuffer(value.tobytes(), np.uint8)
            t.buffer = len(model.buffers)
            model.buffers.append(data)
        graph.tensors.append(t)
    graph.inputs, graph.outputs = [0], [4]
    node.inputs, node.outputs = [3, 1, 0, 2] if transposed else [0, 1, 2], [4]
    node.builtinOptionsType = schema.BuiltinOptions.TransposeConvOptions if transposed else schema.BuiltinOptions.Conv2DOptions
    node.builtinOptions = schema.TransposeConvOptionsT() if transposed else schema.Conv2DOptionsT()
    node.builtinOptions.strideW = node.builtinOptions.strideH = 1
    node.builtinOptions.padding = schema.Padding.VALID
    node.builtinOptions.fusedActivationFunction = activation
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def lite(model, x, kernels):
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def micro(model, x):
    interpreter = runtime.Interpreter.from_bytes(model)
    interpreter.set_input(x, 0)
    interpreter.invoke()
    return interpreter.get_output(0)


def openvino(model, x):
    with open(path, "wb") as f:
        f.write(model)
    core = ov.Core()
    return core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]


runs = {
    "LiteRT, XNNPACK": lambda m, x: lite(m, x, OpResolverType.AUTO),
    "LiteRT, built-in": lambda m, x: lite(m, x, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES),
    "LiteRT, reference": lambda m, x: lite(m, x, OpResolverType.BUILTIN_REF),
    "TFLite Micro": micro,
    "OpenVINO": openvino,
}
print(*(f"{p} {version(p)}" for p in ("ai-edge-litert", "tflite-micro", "openvino")))
print("of", real.tolist())
kinds = schema.ActivationFunctionType
changed = False
for name in ("CONV_2D", "TRANSPOSE_CONV"):
    for kind, activation, most in (("none", kinds.NONE, None), ("ReLU", kinds.RELU, np.inf), ("ReLU6", kinds.RELU6, 6)):
        want = real if most is None else np.clip(real, 0, most)
        for coded in (True, False):
            model = file(name, activation, coded)
            x = (image * 4 + 10).astype(np.int8) if coded else image
            for by, run in runs.items():
                y = np.asarray(run(model, x)).ravel().astype(np.float32)
                y = (y - 10) / 4 if coded else y
                print(f"{name}, {kind}, {'int8' if coded else 'float32'}, {by}: {y.tolist()}")
                changed |= y.tolist() != (real if name == "TRANSPOSE_CONV" and by == "OpenVINO" else want).tolist()
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/transpose.py" "$work/transpose.tflite" 2>&1 | grep -v '^INFO'
