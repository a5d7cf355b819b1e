#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# In ONNX a Conv, ConvTranspose or Gemm whose input has a DequantizeLinear and whose output has a QuantizeLinear, but whose weights are real
# numbers, is just that: codes of activations, weights in floating point. ONNX Runtime 1.32.0, at every level of optimization but none,
# rounds these weights to 8 bits by itself, with one scale for all channels: beside a channel of weights of 127 a weight of 0.2 is 0,
# and its channel gives nothing. Nothing warns. MatMul keeps its weights, and so did all four in 1.20.1. A network whose weights were
# left in floating point on purpose, with activations of few bits or in a layer that bears no rounding, is measured with
# other weights than were trained.
#
# For users of goqat: all weights in files of `qat export --format onnx` are codes with a scale for each channel; a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat >"$work/weights.py" <<'PYTHON'
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

ort.set_default_logger_severity(3)
levels = {"none": ort.GraphOptimizationLevel.ORT_DISABLE_ALL, "basic": ort.GraphOptimizationLevel.ORT_ENABLE_BASIC, "all": ort.GraphOptimizationLevel.ORT_ENABLE_ALL}


def run(op, level):
    """Two outputs of the input (100, 0) by the weights (127, 0) and (0.2, 0), scales 1."""
    w = np.array([[127, 0], [0.2, 0]], np.float32)
    dims = [1, 2] + [1, 1] * op.startswith("Conv")
    if op != "Conv":
        w = w.T.copy()
    w = w.reshape(2, 2, *dims[2:])
    constants = [numpy_helper.from_array(v, k) for k, v in {"one": np.float32(1), "zero": np.uint8(0), "w": w}.items()]
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "one", "zero"], ["d"]),
        helper.make_node(op, ["d", "w"], ["f"]),
        helper.make_node("QuantizeLinear", ["f", "one", "zero"], ["y"]),
    ]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.UINT8, dims)
    model = helper.make_model(helper.make_graph(nodes, "g", [value("x")], [value("y")], constants), opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    options = ort.SessionOptions()
    options.graph_optimization_level = levels[level]
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": np.array([100, 0], np.uint8).reshape(dims)})[0].flatten().tolist()


changed = False
for op in "Conv", "ConvTranspose", "Gemm", "MatMul":
    for level in levels:
        y = run(op, level)
        print(f"onnxruntime {ort.__version__}, {op}, optimization {level}: {y}")
        wrong = ort.__version__ == "1.32.0" and level != "none" and op != "MatMul"
        changed |= y != [255, 0 if wrong else 20]
sys.exit("the behaviour has changed" if changed else 0)
PYTHON
python3 -m venv "$work/venv"
for version in 1.20.1 1.32.0; do
	"$work/venv/bin/pip" install --quiet onnx==1.23.2 "onnxruntime==$version" numpy==2.4.6
	"$work/venv/bin/python" "$work/weights.py"
done
