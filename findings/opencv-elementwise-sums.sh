#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sub, Div, Max and Min of two quantized tensors are all their sum in OpenCV's dnn module: of 30 and 20, each with its DequantizeLinear
# before and a QuantizeLinear behind, Sub is 50 in place of 10, Div 50 in place of 1.5, Max and Min 50 in place of 30 and 20. Add and Mul are
# right, and so are all six without the QuantizeLinear. No error, no warning. Max is how maxout units and some activations are written, Sub
# normalizes, Min and Max clip by a tensor. Seen in OpenCV 5.0.0.
#
# For users of goqat: files of `qat export` hold Add and Mul of two tensors, and none of these of codes; a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 opencv-python-headless==5.0.0.93 numpy==2.4.6
cat >"$work/elementwise.py" <<'PYTHON'
import cv2
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper

ort.set_default_logger_severity(3)
print("onnxruntime", ort.__version__, "opencv", cv2.__version__)
a, b = np.array([[30, 8, 24, 2]], np.uint8), np.array([[20, 16, 4, 5]], np.uint8)


def run(op, quantized):
    """op of a and b, in steps of 1/2."""
    constants = {"one": np.float32(1), "zero": np.uint8(0), "half": np.float32(0.5)}
    nodes = [helper.make_node("DequantizeLinear", [x, "one", "zero"], [y]) for x, y in (("a", "d"), ("b", "e"))]
    nodes.append(helper.make_node(op, ["d", "e"], ["f" if quantized else "y"]))
    nodes += [helper.make_node("QuantizeLinear", ["f", "half", "zero"], ["y"])] * quantized
    value = lambda name, kind: helper.make_tensor_value_info(name, kind, a.shape)
    output = value("y", TensorProto.UINT8 if quantized else TensorProto.FLOAT)
    graph = helper.make_graph(nodes, "g", [value(x, TensorProto.UINT8) for x in ("a", "b")], [output], [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(m, full_check=True)
    file = m.SerializeToString()
    one = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"a": a, "b": b})[0]
    net = cv2.dnn.readNetFromONNX(np.frombuffer(file, np.uint8))
    net.setInput(a, "a")
    net.setInput(b, "b")
    return [y.flatten() * (0.5 if quantized else 1) for y in (one, net.forward())]


functions = {"Add": np.add, "Mul": np.multiply, "Sub": np.subtract, "Div": np.divide, "Max": np.maximum, "Min": np.minimum}
changed = False
print("of", a[0].tolist(), "and", b[0].tolist())
for op, function in functions.items():
    for quantized in False, True:
        one, other = run(op, quantized)
        print(f"{op}, {'quantized' if quantized else 'real numbers out'}: ONNX Runtime {one.tolist()}, OpenCV {other.tolist()}")
        bound = lambda v: np.clip(v, 0, 127.5) if quantized else v
        near = lambda y, v: np.abs(y - bound(v[0])).max() <= (0.5 if quantized else 1e-5)
        right = function(a.astype(float), b.astype(float))
        changed |= not near(one, right) or not near(other, right if not quantized or op in ("Add", "Mul") else a.astype(float) + b)
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/elementwise.py"
