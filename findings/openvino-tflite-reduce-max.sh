#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# REDUCE_MAX and REDUCE_MIN of TFLite take the greatest and the least code along some axes; input and output have the same scale and zero
# point. OpenVINO, of int8 with any zero point but 0, gives -1 for every result of 0 or more: the codes plus 128 are UINT8, and are then
# saturated as if they were INT8. A ReLU before leaves zero point -128, so that half of the range is gone. Global max pooling of
# Keras is a REDUCE_MAX. With zero point 0 it is right, and so is a ReduceMax between DequantizeLinear and QuantizeLinear in a file
# of ONNX. LiteRT (every set of kernels) and TFLite Micro are right. No warning. Seen in OpenVINO 2026.4.1 on x86-64, the same with
# kernels for AVX2 and for AVX-512.
#
# For users of goqat: maxima in files of `qat export --format tflite` are MAX_POOL_2D, which OpenVINO has right, and the exporter knows neither of
# the two operators.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ai-edge-litert==2.3.0 tflite-micro==0.dev20261023182759 openvino==2026.4.1 flatbuffers==25.12.19 onnx==1.23.2 numpy==2.4.6
cat >"$work/reduce.py" <<'PYTHON'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
import openvino as ov
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from onnx import TensorProto, checker, helper, numpy_helper
from tflite_micro.python.tflite_micro import runtime

path = sys.argv[1]
codes = [-128, -100, -11, -1, 0, 1, 50, 127]
axes = np.array([1, 2], np.int32)
# An image of one channel for each code, the same in all of its 2×2 pixels.
image = np.tile(np.array(codes, np.int8), (1, 2, 2, 1))


def tflite(operator, zero):
    model, graph, kind, node, data = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT(), schema.BufferT()
    data.data = np.frombuffer(axes.tobytes(), np.uint8)
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT(), data], [kind]
    kind.builtinCode = kind.deprecatedBuiltinCode = operator
    kind.version, graph.inputs, graph.outputs, graph.tensors, graph.operators = 2, [0], [2], [], [node]
    for name, shape in (("x", list(image.shape)), ("axes", [2]), ("y", [1, len(codes)])):
        t = schema.TensorT()
        t.name, t.shape, t.type = name, shape, schema.TensorType.INT8
        if name == "axes":
            t.type, t.buffer = schema.TensorType.INT32, 1
        else:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale, t.quantization.zeroPoint = [0.5], [zero]
        graph.tensors.append(t)
    node.inputs, node.outputs = [0, 1], [2]
    node.builtinOptionsType, node.builtinOptions = schema.BuiltinOptions.ReducerOptions, schema.ReducerOptionsT()
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def onnx(operator, zero):
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "scale", "zero"], ["real"]),
        helper.make_node(operator, ["real", "axes"], ["reduced"], keepdims=0),
        helper.make_node("QuantizeLinear", ["reduced", "scale", "zero"], ["y"]),
    ]
    constants = {"scale": np.float32(0.5), "zero": np.int8(zero), "axes": axes.astype(np.int64)}
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.INT8, shape)
    graph = helper.make_graph(nodes, "g", [value("x", image.shape)], [value("y", [1, len(codes)])], [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    checker.check_model(model, full_check=True)
    return model.SerializeToString()


def lite(model, kernels):
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, image)
    interpreter.invoke()
    return interpreter.get_tensor(2)


def micro(model):
    interpreter = runtime.Interpreter.from_bytes(model)
    interpreter.set_input(image, 0)
    interpreter.invoke()
    return interpreter.get_output(0)


def openvino(model, ending):
    with open(path + ending, "wb") as f:
        f.write(model)
    core = ov.Core()
    return core.compile_model(core.read_model(path + ending), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(image)[0]


print(*(f"{p} {version(p)}" for p in ("ai-edge-litert", "tflite-micro", "openvino")))
print("codes", codes)
changed = False
for name, operator, other in (("REDUCE_MAX", schema.BuiltinOperator.REDUCE_MAX, "ReduceMax"), ("REDUCE_MIN", schema.BuiltinOperator.REDUCE_MIN, "ReduceMin")):
    for zero in (0, 1, -10, -128):
        file = tflite(operator, zero)
        runs = {
            "LiteRT, XNNPACK": lite(file, OpResolverType.AUTO),
            "LiteRT, built-in": lite(file, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES),
            "LiteRT, reference": lite(file, OpResolverType.BUILTIN_REF),
            "TFLite Micro": micro(file),
            "OpenVINO, of ONNX": openvino(onnx(other, zero), ".onnx"),
            "OpenVINO": openvino(file, ".tflite"),
        }
        for by, y in runs.items():
            seen = np.asarray(y).ravel().tolist()
            print(f"{name}, zero point {zero}, {by}: {seen}")
            changed |= seen != ([min(c, -1) for c in codes] if by == "OpenVINO" and zero else codes)
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/reduce.py" "$work/reduce" 2>&1 | grep -v '^INFO'
