#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A LeakyRelu between DequantizeLinear and QuantizeLinear is a ReLU in OpenCV's dnn module: whatever its slope, 0.1 or 0.5, everything
# negative is 0. In floating point, and with one of the two nodes taken away, it is right; Sigmoid, HardSwish and the like
# are right with both. No warning. LeakyRelu is the activation of Darknet, of the YOLO networks of its time and of many discriminators.
# Seen in OpenCV 5.0.0.
#
# For users of goqat: a LeakyRelu is a table of codes in files of `qat export`; a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
cat >"$work/leaky.py" <<'PYTHON'
import cv2
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper

ort.set_default_logger_severity(3)
print("onnxruntime", ort.__version__, "opencv", cv2.__version__)
real = np.array([[-100, -50, -2, 0, 50]], np.float32)


def run(op, dtype, before, after, **options):
    zero = 0 if dtype == np.int8 else 120
    constants = {"one": np.float32(1), "zero": dtype(zero)}
    nodes = [helper.make_node("DequantizeLinear", ["x", "one", "zero"], ["d"])] * before
    nodes.append(helper.make_node(op, ["d" if before else "x"], ["f" if after else "y"], **options))
    nodes += [helper.make_node("QuantizeLinear", ["f", "one", "zero"], ["y"])] * after
    value = lambda name, coded: helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)) if coded else TensorProto.FLOAT, real.shape)
    graph = helper.make_graph(nodes, "g", [value("x", before)], [value("y", after)], [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    checker.check_model(m, full_check=True)
    file, x = m.SerializeToString(), (real + zero).astype(dtype) if before else real
    one = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    net = cv2.dnn.readNetFromONNX(np.frombuffer(file, np.uint8))
    net.setInput(x)
    return [(y.astype(float) - zero * after).flatten() for y in (one, net.forward())]


changed = False
print("of", real[0].tolist())
for dtype in np.uint8, np.int8:
    for alpha in 0.1, 0.5:
        for before, after in (True, True), (True, False), (False, True):
            one, other = run("LeakyRelu", dtype, before, after, alpha=alpha)
            form = "both" if before and after else "DequantizeLinear alone" if before else "QuantizeLinear alone"
            print(f"LeakyRelu {alpha}, {np.dtype(dtype)}, {form}: ONNX Runtime {one.tolist()}, OpenCV {other.tolist()}")
            right = np.where(real[0] < 0, alpha * real[0], real[0])
            limit = 0.5 if after else 1e-4
            changed |= np.abs(one - right).max() > limit or np.abs(other - (np.maximum(real[0], 0) if before and after else right)).max() > limit
    one, other = run("HardSwish", dtype, True, True)
    changed |= one.tolist() != other.tolist()
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/leaky.py"
