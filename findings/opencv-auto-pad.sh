#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ONNX gives padding as numbers or by auto_pad. SAME_UPPER is the padding of TensorFlow and Keras: as many zeros as the windows need, the odd
# one behind the image, so that a 3×3 window with stride 2 on 4 rows begins at rows 0 and 2; by SAME_LOWER the odd one is in front. OpenCV
# 5.0.0 does not look at the stride, nor at which of the two it is, and puts half a window in front: it begins at rows -1 and 1, and the
# first 3×3 sum of 1, 2, 3, … in a picture of 4×4 pixels is 14 in place of 54. So it is with Conv, MaxPool and AveragePool of real numbers, with
# QLinearConv, and with all between DequantizeLinear and QuantizeLinear, wherever windows of 3×3 or 5×5 halve an even size. SAME_LOWER is
# wrong for windows of 2×2 with stride 1. Shapes are right, nothing warns. Odd sizes and
# the same padding as numbers are right. OpenCV 4.13.0 had SAME_UPPER right and took SAME_LOWER for it.
#
# For users of goqat: nodes in files of `qat export` have pads and no auto_pad, `qat import` reads both as the standard has them; tests hold
# that.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat >"$work/pad.py" <<'PYTHON'
import cv2
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper

ort.set_default_logger_severity(3)
print("onnxruntime", ort.__version__, "opencv", cv2.__version__)
new = cv2.__version__ == "5.0.0"


def total(size, k, stride):
    """The zeros that the windows need, before and behind."""
    return max(0, (-(-size // stride) - 1) * stride + k - size)


def run(op, form, size, k, stride, padding):
    options = {"kernel_shape": [k, k], "strides": [stride, stride]}
    out, zeros = -(-size // stride), total(size, k, stride)
    if padding == "pads":
        options["pads"] = [zeros // 2, zeros // 2, zeros - zeros // 2, zeros - zeros // 2]
    else:
        options["auto_pad"] = padding
    coded = form != "real numbers"
    constants = {"w": np.ones((1, 1, k, k), np.int8 if coded else np.float32), "one": np.float32(1), "zero": np.uint8(0), "zero8": np.int8(0)}
    if op == "QLinearConv":
        nodes = [helper.make_node(op, ["x", "one", "zero", "w", "one", "zero8", "one", "zero"], ["y"], **options)]
    else:
        nodes, of = [], ["x"]
        if coded:
            nodes.append(helper.make_node("DequantizeLinear", ["x", "one", "zero"], ["d"]))
            nodes.append(helper.make_node("DequantizeLinear", ["w", "one", "zero8"], ["v"]))
            of = ["d"]
        if op == "Conv":
            of.append("v" if coded else "w")
        nodes.append(helper.make_node(op, of, ["f" if coded else "y"], **options))
        if coded:
            nodes.append(helper.make_node("QuantizeLinear", ["f", "one", "zero"], ["y"]))
    kind = TensorProto.UINT8 if coded else TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", kind, [1, 1, size, size])],
        [helper.make_tensor_value_info("y", kind, [1, 1, out, out])],
        [numpy_helper.from_array(np.asarray(v), n) for n, v in constants.items() if any(n in node.input for node in nodes)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    checker.check_model(model, full_check=True)
    file = model.SerializeToString()
    x = (np.arange(size * size) % 23 + 1).reshape(1, 1, size, size).astype(np.uint8 if coded else np.float32)
    one = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    net = cv2.dnn.readNetFromONNX(np.frombuffer(file, np.uint8))
    net.setInput(x)
    return one.astype(float).ravel(), np.asarray(net.forward(), float).ravel()


changed = False
cases = [("Conv", "real numbers"), ("MaxPool", "real numbers"), ("AveragePool", "real numbers"), ("QLinearConv", "codes"), ("Conv", "codes"), ("MaxPool", "codes"), ("AveragePool", "codes")]
if not new:  # 4.13.0 refuses most of the codes
    cases = cases[:2]
for op, form in cases:
    for size, k, stride in ((4, 3, 2), (6, 3, 2), (6, 5, 2), (5, 3, 2), (4, 3, 1), (4, 2, 2), (4, 2, 1)):
        for padding in ("SAME_UPPER", "SAME_LOWER", "pads"):
            one, other = run(op, form, size, k, stride, padding)
            right = bool(np.abs(one - other).max() <= (1 if op == "AveragePool" and form == "codes" else 1e-4))
            if (size, k, stride) == (4, 3, 2):
                print(f"{op} of {form}, {size}×{size}, window {k}, stride {stride}, {padding}: ONNX Runtime {one.tolist()}, OpenCV {other.tolist()}")
            odd = total(size, k, stride) % 2
            wrong = odd and padding == ("SAME_UPPER" if new and stride == 2 else "SAME_LOWER")
            if right == bool(wrong):
                print(f"{op} of {form}, {size}×{size}, window {k}, stride {stride}, {padding}: {'the same' if right else 'differs'}")
                changed = True
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
for opencv in 4.13.0.92 5.0.0.93; do
	python3 -m venv "$work/$opencv"
	"$work/$opencv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 "opencv-python-headless==$opencv" numpy==2.4.6
	"$work/$opencv/bin/python" "$work/pad.py"
done
