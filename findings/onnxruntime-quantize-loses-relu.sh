#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ONNX Runtime's quantize_static takes a Relu, or a Clip from 0 on, behind a Conv, Gemm or other node out of the file: with a zero point at
# the least code, saturation does the same. Its option CalibTensorRangeSymmetric makes the ranges that calibration found symmetric around 0, so
# that the zero point is in the middle, and the Relu goes all the same: the quantized network has no ReLU, and what should be 0 goes
# down to minus the greatest value. No error, no warning, in QDQ and in QOperator form. ActivationSymmetric, for the same purpose,
# keeps the Relu. A Clip from 2 to 6 goes without any option, since no output of it is below the least code: it ends as one from 0 to 6.
# Seen in 1.32.0.
#
# For users of goqat: the output of a ReLU has zero point 0 and no codes below. Compare networks that ONNX Runtime quantized
# with it only without that option.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/relu.py" <<'PYTHON'
import logging
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

logging.disable(logging.WARNING)
ort.set_default_logger_severity(3)
print("onnx", onnx.__version__, "onnxruntime", ort.__version__)
x = np.array([-8, -4, -1, 0, 1, 4, 8], np.float32).reshape(1, 1, 1, 7)


class Reader(CalibrationDataReader):
    def __init__(self):
        self.rest = iter([{"x": x}])

    def get_next(self):
        return next(self.rest, None)


def save(activation, least, path):
    """A 1×1 convolution by 1 and an activation of its output."""
    constants = {"w": np.ones((1, 1, 1, 1), np.float32), "least": np.float32(least), "most": np.float32(6)}
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"]), helper.make_node(activation, ["c"] + ["least", "most"] * (activation == "Clip"), ["y"])]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape)
    constants = [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items() if k == "w" or activation == "Clip"]
    m = helper.make_model(helper.make_graph(nodes, "g", [value("x")], [value("y")], constants), opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(m, full_check=True)
    onnx.save(m, path)


changed = False
print("x", x.flatten().tolist())
for activation, least, right in ("Relu", 0, np.maximum(x, 0)), ("Clip", 0, np.clip(x, 0, 6)), ("Clip", 2, np.clip(x, 2, 6)):
    for form in QuantFormat.QDQ, QuantFormat.QOperator:
        for option in None, "ActivationSymmetric", "CalibTensorRangeSymmetric":
            save(activation, least, sys.argv[1])
            kinds = {"activation_type": QuantType.QInt8, "weight_type": QuantType.QInt8}
            quantize_static(sys.argv[1], sys.argv[2], Reader(), quant_format=form, extra_options={option: True} if option else {}, **kinds)
            plain = ort.SessionOptions()
            plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
            y = ort.InferenceSession(sys.argv[2], plain, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
            kept = any(n.op_type == activation for n in onnx.load(sys.argv[2]).graph.node)
            print(f"{activation} from {least}, {form.name}, {option}: {'kept' if kept else 'gone'}, {y.flatten().round(1).tolist()}")
            seen = right
            if option != "ActivationSymmetric":
                seen = np.clip(x, -right.max() if option else 0, right.max())
            changed |= np.abs(y - seen).max() > 0.1
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/relu.py" "$work/real.onnx" "$work/quantized.onnx"
