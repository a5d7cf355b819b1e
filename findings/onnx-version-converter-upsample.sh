#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# onnx.version_converter brings a file to a later opset. Before opset 11 Upsample and Resize take the place i/scale, rounded down for
# nearest neighbours; since then the place is an attribute, coordinate_transformation_mode, half_pixel unless given, and the rounding
# is another, nearest_mode. The converter writes neither, so that linear ones give other values, and a reduction to a third takes
# other pixels (reported as onnx#8480). Hardmax, which until opset 12 looks at all dimensions from its axis on, looks along
# the axis alone after the conversion; Softmax and LogSoftmax, of which that is as true, get nodes around them that keep them as they
# were. The checker is content, nothing warns. Enlargements by nearest neighbours stay what they were. Seen in onnx 1.23.2.
#
# For users of goqat: `qat import` reads opset 7 and later by the rules of the opset that the file has; a test holds it. Do not
# convert files before.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/convert.py" <<'PYTHON'
import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper, version_converter


def run(model, x):
    return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def changed(op, opset, x, scales=None, **attributes):
    """How many numbers of the output differ after a conversion to opset 18, and its first row before and after."""
    constants = [] if scales is None else [numpy_helper.from_array(np.array(scales, np.float32), "scales")]
    dims = x.shape if scales is None else [int(d * s) for d, s in zip(x.shape, scales)]
    node = helper.make_node(op, ["x"] + [c.name for c in constants], ["y"], **attributes)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "g", [value("x", x.shape)], [value("y", dims)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    after = version_converter.convert_version(model, 18)
    onnx.checker.check_model(model)
    onnx.checker.check_model(after)
    y, z = run(model, x), run(after, x)
    return int((np.abs(y - z) > 1e-5).sum()), y[0, 0, 0].round(2).tolist(), z[0, 0, 0].round(2).tolist()


x = np.arange(36, dtype=np.float32).reshape(1, 1, 6, 6)
third = 1 / 3 + 1e-7  # 6/3 is 2 in float32, too
print("onnx", onnx.__version__, "onnxruntime", ort.__version__)
for op, opset, scale, mode, differ in (
    ("Upsample", 9, 2, "nearest", 0),
    ("Resize", 10, 2, "nearest", 0),
    ("Resize", 10, third, "nearest", 4),
    ("Upsample", 9, 2, "linear", 140),
    ("Resize", 10, 2, "linear", 140),
    ("Resize", 10, 0.5, "linear", 9),
):
    n, before, after = changed(op, opset, x, [1, 1, scale, scale], mode=mode)
    print(f"{op} of opset {opset}, {mode}, {scale:.3g} times: {n} numbers differ, first row {before[:6]}, after conversion {after[:6]}")
    if n != differ:
        raise SystemExit("the behaviour has changed")
for op, differ in (("Softmax", 0), ("LogSoftmax", 0), ("Hardmax", 35)):
    n, _, _ = changed(op, 11, x, axis=1)
    print(f"{op} of opset 11: {n} numbers differ")
    if n != differ:
        raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/convert.py"
