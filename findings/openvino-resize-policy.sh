#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Since opset 18 Resize of ONNX has keep_aspect_ratio_policy: with not_larger, sizes are a box that the result fits into with its
# aspect ratio, with not_smaller a box that it covers; and antialias, by which a linear reduction averages all pixels that it leaves
# out, as Pillow does. OpenVINO reads a file with either and does neither, without a word: a picture of 4 rows and 8 columns for
# a box of 6 and 6 becomes 6 by 6 in place of 3 by 6 or 6 by 12, and a picture whose every fourth column is 1, reduced to a quarter, all
# 0 in place of 1/4. ONNX Runtime and the reference evaluator of onnx agree with the standard. Seen in 2026.4.1.
#
# For users of goqat: `qat import` did the first, too. Now it refuses a Resize that keeps the aspect ratio; a test holds it. One that
# is linear it never took. Files of `qat export` hold no Resize of images: they come in at the network's size.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/resize.py" <<'PYTHON'
import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator


def resized(x, sizes, **attributes):
    """What ONNX Runtime, the reference evaluator and OpenVINO make of a Resize of rows and columns."""
    constants = [numpy_helper.from_array(np.array(sizes, np.int64), "sizes")]
    node = helper.make_node("Resize", ["x", "", "", "sizes"], ["y"], axes=[2, 3], **attributes)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "g", [value("x", x.shape)], [value("y", list("nchw"))], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    onnx.checker.check_model(model)
    file, core = model.SerializeToString(), ov.Core()
    yield ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    yield ReferenceEvaluator(model).run(None, {"x": x})[0]
    yield core.compile_model(core.read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0]


changed = False
print("onnx", onnx.__version__, "onnxruntime", ort.__version__, "openvino", ov.__version__)
for policy, shape in (("stretch", [6, 6]), ("not_larger", [3, 6]), ("not_smaller", [6, 12])):
    seen = [list(y.shape[2:]) for y in resized(np.zeros((1, 1, 4, 8), np.float32), [6, 6], mode="nearest", keep_aspect_ratio_policy=policy)]
    print(f"4 by 8 for 6 by 6, {policy}: ONNX Runtime {seen[0]}, reference {seen[1]}, OpenVINO {seen[2]}")
    changed |= seen != [shape, shape, [6, 6]]
stripes = np.tile(np.array([0, 0, 0, 1], np.float32), (1, 1, 16, 4))
for antialias in 0, 1:
    seen = [y[0, 0, 2, 1:3].tolist() for y in resized(stripes, [4, 4], mode="linear", antialias=antialias)]
    print(f"every fourth column 1, to a quarter, antialias {antialias}: ONNX Runtime {seen[0]}, reference {seen[1]}, OpenVINO {seen[2]}")
    changed |= seen[2] != [0, 0] or any(np.any(np.abs(np.array(y) - antialias / 4) > 0.03) for y in seen[:2])
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/resize.py"
