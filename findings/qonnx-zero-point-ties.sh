#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# QONNX's Quant adds the zero point before it rounds, ONNX's QuantizeLinear after it. Both round ties to even, so with an odd
# zero point every tie goes the other way: 0.5 with scale 1 and zero point 3 is 1 in the one and 0 in the other. With an even
# zero point they agree. Who turns one form into the other, with scales that are powers of two, must not keep the zero point.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet qonnx==1.0.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/ties.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

x = np.array([[0.5, 1.5, 2.5, -0.5, -1.5, 0.75]], np.float32)


def model(zero_point):
    """One Quant of 8 unsigned bits, scale 1."""
    number = lambda name, v: helper.make_tensor(name, TensorProto.FLOAT, [], [v])
    node = helper.make_node("Quant", ["x", "s", "z", "b"], ["y"], domain="qonnx.custom_op.general", signed=0, narrow=0, rounding_mode="ROUND")
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape)
    graph = helper.make_graph([node], "g", [value("x")], [value("y")], [number("s", 1), number("z", zero_point), number("b", 8)])
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    return ModelWrapper(helper.make_model(graph, opset_imports=opsets, ir_version=8)).transform(InferShapes())


def quantize_dequantize(zero_point):
    """QuantizeLinear and DequantizeLinear with the same numbers."""
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape)
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])]
    constants = [helper.make_tensor("s", TensorProto.FLOAT, [], [1]), helper.make_tensor("z", TensorProto.UINT8, [], [zero_point])]
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], constants)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return ort.InferenceSession(file.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


print("qonnx", version("qonnx"), "onnxruntime", ort.__version__)
print("x", x[0].tolist())
agree = {}
for zero_point in (3, 4):
    quant, linear = execute_onnx(model(zero_point), {"x": x})["y"], quantize_dequantize(zero_point)
    print("zero point", zero_point, "Quant", quant[0].tolist(), "QuantizeLinear", linear[0].tolist())
    agree[zero_point] = np.array_equal(quant, linear)
if agree != {3: False, 4: True}:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/ties.py"
