#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Weights of 4 bits, two to a byte, are unpacked by shifts in files of before opset 21, which has INT4: the low ones by a shift to the left and one to
# the right, or by ·16 and a shift to the right. In ONNX Runtime bits that do not fit a byte are gone, as they are in NumPy and in C; in OpenVINO
# UINT8 saturates, so that every low code beside a high one other than 0 is 15. Codes plus 128, which is how UINT8 becomes the bits of INT8, are 255 from 128 on, where
# they are an input; of a constant they are right. No error, no warning. BitwiseAnd, Mod and BitwiseXor do the same and are right
# in both, and so is a shift to the right alone. Seen in 2026.4.1.
#
# For users of goqat: files of `qat export` neither shift bytes nor add, subtract or multiply them; a test holds it. Weights are packed as INT4.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/bytes.py" <<'PYTHON'
import numpy as np
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, checker, helper, numpy_helper

ort.set_default_logger_severity(3)
print("onnxruntime", ort.__version__, "openvino", ov.__version__.split("-")[0])
packed = np.array([[0x1F, 0x72, 0x9A, 0xE4, 0x30]], np.uint8)
low, saturated = [15, 2, 10, 4, 0], [15] * 5
added = [159, 242, 26, 100, 176]
left, right = {"direction": "LEFT"}, {"direction": "RIGHT"}
# what is computed, its nodes, what ONNX Runtime says, what OpenVINO says where the bytes are an input and where they are a constant
forms = [
    ("low codes by shifts to the left and right", [("BitShift", "x", "four", "a", left), ("BitShift", "a", "four", "y", right)], low, saturated, saturated),
    ("low codes by ·16 and a shift", [("Mul", "x", "sixteen", "a", {}), ("BitShift", "a", "four", "y", right)], low, saturated, saturated),
    ("low codes by BitwiseAnd", [("BitwiseAnd", "x", "fifteen", "y", {})], low, low, low),
    ("low codes by Mod", [("Mod", "x", "sixteen", "y", {})], low, low, low),
    ("high codes by a shift to the right", [("BitShift", "x", "four", "y", right)], [1, 7, 9, 14, 3], [1, 7, 9, 14, 3], [1, 7, 9, 14, 3]),
    ("codes plus 128", [("Add", "x", "half", "y", {})], added, [159, 242, 255, 255, 176], added),
    ("codes by BitwiseXor with 128", [("BitwiseXor", "x", "half", "y", {})], added, added, added),
]
numbers = {"four": 4, "sixteen": 16, "fifteen": 15, "half": 128}


def run(nodes, constant):
    """What the nodes make of the bytes in both runtimes; an input of zeros keeps the graph from being a constant as a whole."""
    constants = [numpy_helper.from_array(np.array([v], np.uint8), k) for k, v in numbers.items()] + [numpy_helper.from_array(packed, "x")] * constant
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.UINT8, packed.shape)
    nodes = [helper.make_node(op, [a, b], [y], **options) for op, a, b, y, options in nodes] + [helper.make_node("BitwiseOr", ["y", "zeros"], ["z"])]
    graph = helper.make_graph(nodes, "g", [value("zeros")] + [value("x")] * (not constant), [value("z")], constants)
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    checker.check_model(m, full_check=True)
    file, feed = m.SerializeToString(), {"zeros": np.zeros_like(packed)} | ({} if constant else {"x": packed})
    one = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, feed)[0]
    return one[0].tolist(), core.compile_model(core.read_model(file, b""), "CPU")(feed)[0][0].tolist()


core, changed = ov.Core(), False
print("bytes", [hex(v) for v in packed[0]])
for name, nodes, first, of_input, of_constant in forms:
    for constant, second in (False, of_input), (True, of_constant):
        one, other = run(nodes, constant)
        print(f"{name}, of {'a constant' if constant else 'an input'}: ONNX Runtime {one}, OpenVINO {other}")
        changed |= (one, other) != (first, second)
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/bytes.py"
