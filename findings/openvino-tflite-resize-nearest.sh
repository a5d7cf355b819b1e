#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# RESIZE_NEAREST_NEIGHBOR of TFLite has half_pixel_centers, set for what TensorFlow 2 resizes (tf.image.resize, Keras Resizing): row i
# of the result is row floor((i + 1/2)·in/out), to half the size 1, 3, 5, … LiteRT (every set of kernels) and TFLite Micro do that. OpenVINO
# does not look at it: it takes floor(i·in/out), 0, 2, 4, …, and, to a third, 0, 3, 6, … in place of 1, 4, 7, … A whole number of times as large,
# both are the same. No warning. Seen in 2026.4.1.
#
# For users of goqat: an upsampling in files of `qat export --format tflite` is a whole number of times, and images come in at the
# network's size. Who has TFLite reduce images before a network must not measure it in OpenVINO.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet ai-edge-litert==2.3.0 tflite-micro==0.dev20261023182759 openvino==2026.4.1 flatbuffers==25.12.19 numpy==2.4.6
cat >"$work/nearest.py" <<'PYTHON'
import math
import sys
from importlib.metadata import version

import flatbuffers
import numpy as np
import openvino as ov
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from tflite_micro.python.tflite_micro import runtime

path = sys.argv[1]


def file(rows, to):
    """A picture of int8, of one column, resized to so many rows."""
    model, graph, kind, node = schema.ModelT(), schema.SubGraphT(), schema.OperatorCodeT(), schema.OperatorT()
    size = schema.BufferT()
    size.data = np.frombuffer(np.array([to, 1], np.int32).tobytes(), np.uint8)
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT(), size], [kind]
    kind.builtinCode = kind.deprecatedBuiltinCode = schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR
    kind.version, graph.inputs, graph.outputs, graph.tensors = 3, [0], [2], []
    for name, shape in (("x", [1, rows, 1, 1]), ("size", [2]), ("y", [1, to, 1, 1])):
        t = schema.TensorT()
        t.name, t.shape, t.type = name, shape, schema.TensorType.INT8
        if name == "size":
            t.type, t.buffer = schema.TensorType.INT32, 1
        else:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale, t.quantization.zeroPoint = [1.0], [0]
        graph.tensors.append(t)
    node.inputs, node.outputs, node.builtinOptionsType = [0, 1], [2], schema.BuiltinOptions.ResizeNearestNeighborOptions
    node.builtinOptions = schema.ResizeNearestNeighborOptionsT()
    node.builtinOptions.halfPixelCenters = True
    graph.operators = [node]
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def lite(model, x, kernels):
    interpreter = Interpreter(model_content=model, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    interpreter.set_tensor(0, x)
    interpreter.invoke()
    return interpreter.get_tensor(2)


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
    "LiteRT, reference": lambda m, x: lite(m, x, OpResolverType.BUILTIN_REF),
    "TFLite Micro": micro,
    "OpenVINO": openvino,
}
print(*(f"{p} {version(p)}" for p in ("ai-edge-litert", "tflite-micro", "openvino")))
for rows, to in ((8, 4), (8, 2), (4, 6), (9, 3), (4, 8), (4, 12)):
    x, model = np.arange(rows, dtype=np.int8).reshape(1, rows, 1, 1), file(rows, to)
    centers, corners = [[math.floor((i + shift) * rows / to) for i in range(to)] for shift in (0.5, 0)]
    for name, run in runs.items():
        y = np.asarray(run(model, x)).ravel().tolist()
        print(f"{rows} rows to {to}, {name}: {y}")
        if y != (corners if name == "OpenVINO" else centers):
            raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/nearest.py" "$work/nearest.tflite" 2>&1 | grep -v '^INFO'
