#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Padding of a quantized convolution stands for zeros, so for codes of the zero point. OpenCV's dnn module pads with the least code there is, 0 of
# UINT8 and -128 of INT8, whatever the zero point: a QLinearConv, or a Conv between DequantizeLinear and QuantizeLinear, of a picture of
# 2×2 pixels of 4 by a window of 3×3 ones is 1 in place of 16 with UINT8 and zero point 3, and -624 with INT8 and zero point 0, which
# is what symmetric quantization has everywhere. With the zero point at the least code, as after a ReLU with UINT8, it is right, and so is a
# Conv with a Relu between it and its QuantizeLinear, which runs in floating point. No warning. Seen in OpenCV 5.0.0.
#
# For users of goqat: of `qat export --format onnx` it is the borders of layers whose input has another zero point than 0, the image's and
# those after layers without an activation. In files of --format onnx-exact zeros are padded, in any runtime.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
cat >"$work/padding.py" <<'PYTHON'
import cv2
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper

ort.set_default_logger_severity(3)
print("onnxruntime", ort.__version__, "opencv", cv2.__version__)


def model(form, dtype, zero):
    """Pixels of 4, scale 1, by a window of ones; the output has the scale 8 around the middle code."""
    middle = 0 if dtype == np.int8 else 128
    constants = {"one": np.float32(1), "zero": dtype(zero), "w": np.ones((1, 1, 3, 3), np.int8), "none": np.int8(0), "eight": np.float32(8), "middle": dtype(middle)}
    x, w, y = ["x", "one", "zero"], ["w", "one", "none"], ["eight", "middle"]
    if form == "QLinearConv":
        nodes = [helper.make_node(form, x + w + y, ["y"], pads=[1] * 4)]
    else:
        nodes = [helper.make_node("DequantizeLinear", x, ["d"]), helper.make_node("DequantizeLinear", w, ["v"]), helper.make_node("Conv", ["d", "v"], ["c"], pads=[1] * 4)]
        nodes += [helper.make_node("Relu", ["c"], ["r"])] * (form == "Conv and Relu")
        nodes.append(helper.make_node("QuantizeLinear", [nodes[-1].output[0]] + y, ["y"]))
    value = lambda name: helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), (1, 1, 2, 2))
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(m, full_check=True)
    return m.SerializeToString(), np.full((1, 1, 2, 2), zero + 4, dtype), middle


changed = False
for form in "QLinearConv", "Conv", "Conv and Relu":
    for dtype, zero in (np.uint8, 0), (np.uint8, 3), (np.int8, -128), (np.int8, 0):
        file, x, middle = model(form, dtype, zero)
        one = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
        net = cv2.dnn.readNetFromONNX(np.frombuffer(file, np.uint8))
        net.setInput(x)
        other = net.forward()
        real = [8 * (y.astype(int) - middle).flatten() for y in (one, other)]
        print(f"{form}, {np.dtype(dtype)}, zero point {zero}: ONNX Runtime {real[0].tolist()}, OpenCV {real[1].tolist()}")
        least = np.iinfo(dtype).min
        exact = 16 + 5 * (least - zero) * (form != "Conv and Relu")
        changed |= real[0].tolist() != [16] * 4 or not np.all(np.abs(real[1] - exact) <= 4)
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/padding.py"
