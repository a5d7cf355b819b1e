#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# CAST of TFLite changes the type of numbers, from in_data_type to out_data_type of its options. Of an int8 tensor with a scale and
# a zero point LiteRT (every set of kernels) and TFLite Micro hand on the codes. OpenVINO reads the file as if all between
# were real numbers: it multiplies by the scale first, and cuts the fraction off. Code 50 of scale 1/2 and zero point -128 is 89.
# The other way, float to int8, it divides. So a table of 256 entries, looked up by CAST, ADD of 128 and GATHER, gives
# other entries, with neither an error nor a warning. With scale 1 and zero point 0 all agree. Seen in OpenVINO 2026.4.1.
#
# For users of goqat: functions of one tensor, such as hard-swish, are such tables in files of `qat export --format tflite`. In a
# network of two convolutions with hard-swish (random weights) OpenVINO chose LiteRT's class for 0 of 50 images. The exporter says of
# such layers that the file is not one for OpenVINO, for which --format onnx is; a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ai-edge-litert==2.3.0 tflite-micro==0.dev20261023182759 openvino==2026.4.1 flatbuffers==25.12.19 numpy==2.4.6
cat >"$work/cast.py" <<'PYTHON'
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
import openvino as ov
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro.python.tflite_micro import runtime

path = sys.argv[1]
codes = np.array([-128, -5, -1, 0, 1, 2, 50, 127], np.int8)
int8, int32 = schema.TensorType.INT8, schema.TensorType.INT32


def file(scale, zero_point, table):
    """CAST of int8 codes to int32; with a table, ADD of 128 and GATHER of that entry of -128, -127, …, 127 after it."""
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT()], []
    graph.tensors, graph.operators, graph.inputs = [], [], [0]

    def tensor(kind, data=None, scale=1, zero_point=0):
        t = schema.TensorT()
        t.name, t.type, t.shape = f"t{len(graph.tensors)}", kind, [len(codes) if data is None else len(data)]
        if kind == int8:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale, t.quantization.zeroPoint = [scale], [zero_point]
        if data is not None:
            t.buffer = len(model.buffers)
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            model.buffers.append(buffer)
        graph.tensors.append(t)
        return len(graph.tensors) - 1

    def node(name, inputs, kind, options, **fields):
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        code.version = 1
        operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes), inputs, [tensor(kind)]
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, f"{options}Options")
        operator.builtinOptions = getattr(schema, f"{options}OptionsT")()
        for field, value in fields.items():
            setattr(operator.builtinOptions, field, value)
        model.operatorCodes.append(code)
        graph.operators.append(operator)
        return operator.outputs[0]

    y = node("CAST", [tensor(int8, None, scale, zero_point)], int32, "Cast", inDataType=int8, outDataType=int32)
    if table:
        y = node("ADD", [y, tensor(int32, np.array([128], np.int32))], int32, "Add")
        y = node("GATHER", [tensor(int8, np.arange(-128, 128, dtype=np.int8)), y], int8, "Gather")
    graph.outputs = [y]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def lite(model, kernels):
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], codes)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def micro(model):
    interpreter = runtime.Interpreter.from_bytes(model)
    interpreter.set_input(codes, 0)
    interpreter.invoke()
    return interpreter.get_output(0)


def openvino(model):
    with open(path, "wb") as f:
        f.write(model)
    core = ov.Core()
    return core.compile_model(core.read_model(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(codes)[0]


runs = {
    "LiteRT, XNNPACK": lambda m: lite(m, OpResolverType.AUTO),
    "LiteRT, reference": lambda m: lite(m, OpResolverType.BUILTIN_REF),
    "TFLite Micro": micro,
    "OpenVINO": openvino,
}
print(*(f"{p} {version(p)}" for p in ("ai-edge-litert", "tflite-micro", "openvino")))
print("codes", codes.tolist())
as_reals = {(0.5, 0): [-64, -2, 0, 0, 0, 1, 25, 63], (0.5, -128): [0, 61, 63, 64, 64, 65, 89, 127], (1, 0): codes.tolist()}
for (scale, zero_point), reals in as_reals.items():
    for table in False, True:
        model = file(scale, zero_point, table)
        for name, run in runs.items():
            y = np.asarray(run(model)).astype(int)
            print(f"scale {scale}, zero point {zero_point}, {'entry of a table' if table else 'CAST'}, {name}: {y.tolist()}")
            if y.tolist() != (reals if name == "OpenVINO" else codes.tolist()):
                raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/cast.py" "$work/cast.tflite" 2>&1 | grep -v '^INFO'
