#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A 1×1 convolution treats all pixels alike. OpenCV's quantized one computes eight pixels at a time, and the pixels that are left
# over, one of 3×3, 5×5 and 7×7, four of 2×2 and of 14×14, from other numbers: of 64 channels of ones and weights of ones it has 64
# everywhere and 16 in these. A network on pictures of 224×224 pixels has 14×14 and 7×7 pixels in its last stages, so that MobileNets, whose
# layers are mostly 1×1, and what ends in a 1×1 convolution on one pixel give other classes; 8×8 and 28×28 pixels, one channel and windows
# of 3×3 are right. No warning. Seen in OpenCV 5.0.0, as QLinearConv and as Conv between DequantizeLinear and QuantizeLinear, on x86-64 the
# same with and without AVX.
#
# For users of goqat: a MobileNet of 4 bits for 32×32 pixels has 4×4 and 2×2 pixels at its end; from its file by `qat export --format onnx`
# OpenCV chose goqat's class for 8 of 50 images of random blots, and for 50 from that by --format onnx-exact.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
cat >"$work/pointwise.py" <<'PYTHON'
import cv2
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper

ort.set_default_logger_severity(3)
print("onnxruntime", ort.__version__, "opencv", cv2.__version__, "on", cv2.getCPUFeaturesLine(), "(? is off)")


def run(form, side, window=1, channels=64):
    """How many channels of ones each pixel adds up, in both runtimes; windows are 1 in their middle and 0 around it."""
    w = np.zeros((1, channels, window, window), np.int8)
    w[:, :, window // 2, window // 2] = 1
    constants = {"one": np.float32(1), "zero": np.uint8(0), "w": w, "none": np.int8(0)}
    x, weights, y = ["x", "one", "zero"], ["w", "one", "none"], ["one", "zero"]
    if form == "QLinearConv":
        nodes = [helper.make_node(form, x + weights + y, ["y"], pads=[window // 2] * 4)]
    else:
        nodes = [helper.make_node("DequantizeLinear", x, ["d"]), helper.make_node("DequantizeLinear", weights, ["v"])]
        nodes += [helper.make_node("Conv", ["d", "v"], ["c"], pads=[window // 2] * 4), helper.make_node("QuantizeLinear", ["c"] + y, ["y"])]
    value = lambda name, n: helper.make_tensor_value_info(name, TensorProto.UINT8, (1, n, side, side))
    graph = helper.make_graph(nodes, "g", [value("x", channels)], [value("y", 1)], [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(m, full_check=True)
    file, ones = m.SerializeToString(), np.ones((1, channels, side, side), np.uint8)
    one = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": ones})[0]
    net = cv2.dnn.readNetFromONNX(np.frombuffer(file, np.uint8))
    net.setInput(ones)
    return one.flatten().tolist(), net.forward().flatten().tolist()


changed = False
for form in "QLinearConv", "Conv":
    for side in 2, 3, 4, 5, 7, 8, 14:
        for window, channels in (1, 64), (3, 64), (1, 1):
            one, other = run(form, side, window, channels)
            wrong = [i for i, (a, b) in enumerate(zip(one, other)) if a != b]
            values = sorted({other[i] for i in wrong})
            print(f"{form} {window}×{window}, {channels} channels, {side}×{side} pixels: {len(wrong)} differ" + (f", the last, {values} for {channels}" if wrong else ""))
            expected = side * side % 8 if window == 1 and channels > 1 else 0
            changed |= one != [channels] * side**2 or other != [channels] * (side**2 - expected) + [16] * expected
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/pointwise.py"
OPENCV_CPU_DISABLE=AVX,FP16,AVX2,AVX512-SKX "$work/venv/bin/python" "$work/pointwise.py"
