#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# QuantizeLinear rounds to the nearest integer, ties to even, and saturates. The ONNX reader of tinygrad does so for INT8; for UINT8 it adds 0.4999999
# in float32 and cuts the fraction off, so that ties go down as far as 1.5 and up from 2.5 on: 1.5 is 1 and not 2, 2.5 is 3 and not 2, 4.5 is
# 5 and not 4. It cuts off to INT32 first, where 3e9 does not fit and becomes 0, not 255. With zero point 128 ties go up on all sides. Ties are
# what networks with powers of two as scales, averages of four and tensors that are quantized again have; UINT8 is the type
# of activations nearly everywhere. No warning. Seen in 0.14.0, by its own interpreter, DEV=PYTHON, which needs no compiler.
#
# For users of goqat: what `qat export --format onnx` promises of powers of two, exactly, it promises of ONNX Runtime; the exact form
# rounds by Round.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 tinygrad==0.14.0 numpy==2.4.6
cat >"$work/rounding.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper
from tinygrad import Tensor
from tinygrad.nn.onnx import OnnxRunner

ort.set_default_logger_severity(3)
print(*(f"{p} {version(p)}" for p in ("onnxruntime", "tinygrad")))
path, changed = sys.argv[1], False
x = np.array([[-1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 100.5, 0.51, 300, 3e9]], np.float32)
expected = {
    ("UINT8", 0): [0, 0, 0, 1, 3, 4, 5, 101, 1, 255, 0],
    ("UINT8", 128): [127, 128, 129, 130, 131, 132, 133, 229, 129, 255, 0],
    ("INT8", 0): [-2, 0, 0, 2, 2, 4, 4, 100, 1, 127, 127],
}
print("of", x[0].tolist())
for (kind, zero), codes in expected.items():
    t = getattr(TensorProto, kind)
    value, number = helper.make_tensor_value_info, helper.make_tensor
    graph = helper.make_graph([helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])], "g", [value("x", TensorProto.FLOAT, x.shape)], [value("y", t, x.shape)],
                              [number("s", TensorProto.FLOAT, [], [1]), number("z", t, [], [zero])])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    checker.check_model(m, full_check=True)
    with open(path, "wb") as f:
        f.write(m.SerializeToString())
    one = ort.InferenceSession(path, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0][0].tolist()
    other = OnnxRunner(path)({"x": Tensor(x)})["y"].numpy()[0].tolist()
    print(f"{kind}, zero point {zero}: ONNX Runtime {one}, tinygrad {other}")
    low, high = (0, 255) if kind == "UINT8" else (-128, 127)
    changed |= one != np.clip(np.rint(x.astype(float)) + zero, low, high)[0].tolist() or other != codes
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
DEV=PYTHON "$work/venv/bin/python" "$work/rounding.py" "$work/m.onnx"
