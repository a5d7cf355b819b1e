#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Until opset 12 ONNX defines Softmax, LogSoftmax and Hardmax on a matrix: all dimensions from axis on are one. Since opset 13 they
# work along axis alone. On a picture of one probability a pixel the two differ: of 2 channels and 3 pixels, all equal, each is 1/6
# or 1/2. ONNX Runtime goes by the opset of the file. The reference evaluator of the onnx package has the definition of 13 for all
# three whatever the opset, and OpenVINO for Softmax, but not for the other two. So a comparison with the reference "proves" the
# wrong one right. Seen in onnx 1.23.2 and OpenVINO 2026.4.1.
#
# For users of goqat: a Softmax at the end of a file is left out by `qat import`, where it changes no class; the evaluation of files
# that imports are compared with goes by the opset, and a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/softmax.py" <<'PYTHON'
import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

x = np.zeros((1, 2, 1, 3), np.float32)
as_matrix = {"Softmax": 1 / 6, "LogSoftmax": np.log(1 / 6), "Hardmax": 1 / 6}
by_axis = {"Softmax": 1 / 2, "LogSoftmax": np.log(1 / 2), "Hardmax": 1 / 2}


def means(op, opset):
    """The mean of the output in ONNX Runtime, the reference evaluator and OpenVINO."""
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, x.shape)
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], axis=1)], "g", [value("x")], [value("y")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=7)
    file = model.SerializeToString()
    yield ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0].mean()
    yield ReferenceEvaluator(model).run(None, {"x": x})[0].mean()
    yield ov.Core().compile_model(ov.Core().read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0].mean()


print("onnx", onnx.__version__, "onnxruntime", ort.__version__, "openvino", ov.__version__)
changed = False
for op in as_matrix:
    for opset in (12, 13):
        seen = [float(m) for m in means(op, opset)]
        defined = as_matrix if opset < 13 else by_axis
        right = [bool(np.isclose(m, defined[op], atol=1e-3)) for m in seen]
        print(f"{op}, opset {opset}, mean {defined[op]:.3f} by definition: ONNX Runtime {seen[0]:.3f}, reference {seen[1]:.3f}, OpenVINO {seen[2]:.3f}")
        changed |= right != [True, opset > 12, opset > 12 or op != "Softmax"]
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/softmax.py"
