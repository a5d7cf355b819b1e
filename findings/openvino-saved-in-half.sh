#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# OpenVINO's save_model (and its converter ovc) stores constants in half precision unless told otherwise, FLOAT64 ones too: 1/3 comes
# back as 0.33325. Half has no numbers below 6e-8 and none above 65504, and the pass looks at a constant as a whole: 1e-8 alone is
# left in full, next to 1/3 and six more it becomes 0, and 1e6 next to ones 65504. So a network whose multipliers are one constant
# for all channels loses whole channels, without a word. Scales of QuantizeLinear and DequantizeLinear are spared. Seen in 2026.4.1.
#
# For users of goqat: of two small networks with random weights in the form of `qat export --format onnx-exact`, whose multipliers are
# such constants, nine of ten logits differed after save_model, by up to 0.8 % of the greatest; none with compress_to_fp16=False.
# In the form of --format onnx none differed either way.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 openvino==2026.4.1 numpy==2.4.6
cat >"$work/half.py" <<'PYTHON'
import sys

import numpy as np
import openvino as ov
from onnx import TensorProto, helper, numpy_helper

core, folder = ov.Core(), sys.argv[1]


def compiled(model):
    return core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})


def products(multipliers):
    """Multipliers times their inverses, in float64: as read, as saved, and as saved in full."""
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [len(multipliers)])
    nodes = [helper.make_node("Cast", ["x"], ["d"], to=TensorProto.DOUBLE), helper.make_node("Mul", ["d", "m"], ["p"]), helper.make_node("Cast", ["p"], ["y"], to=TensorProto.FLOAT)]
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], [numpy_helper.from_array(np.array(multipliers), "m")])
    model = core.read_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString())
    ov.save_model(model, f"{folder}/half.xml")
    ov.save_model(model, f"{folder}/full.xml", compress_to_fp16=False)
    x = (1 / np.array(multipliers)).astype(np.float32)
    return [compiled(m)(x)[0] for m in (model, f"{folder}/half.xml", f"{folder}/full.xml")]


print("openvino", ov.__version__)
seen = {}
for multipliers in ([1 / 3] * 8, [1e-8] * 8, [1e-8] + [1 / 3] * 7, [1e6] + [1] * 7):
    read, half, full = (np.round(y.astype(np.float64), 4).tolist() for y in products(np.array(multipliers, np.float64)))
    print(f"{multipliers[0]:.3g} and seven of {multipliers[1]:.3g}, times their inverses: read {read[:2]}, saved {half[:2]}, saved with compress_to_fp16=False {full[:2]}")
    seen[f"{multipliers[0]:.3g} {multipliers[1]:.3g}"] = read[:2], half[:2], full[:2]
right = [1.0, 1.0]
if seen != {
    "0.333 0.333": (right, [0.9998, 0.9998], right),
    "1e-08 1e-08": (right, right, right),
    "1e-08 0.333": (right, [0.0, 0.9998], right),
    "1e+06 1": (right, [0.0655, 1.0], right),
}:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/half.py" "$work"
