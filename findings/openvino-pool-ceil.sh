#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# With ceil_mode, ONNX rounds the number of windows of a pooling up, and leaves out windows that would start in the padding at the
# end, as PyTorch does. OpenVINO keeps them in MaxPool: the output has a row and a column more than the standard says, of windows in which no
# pixel is, and these are -3.4e38. An AveragePool with ceil_mode and count_include_pad has the right shape, but a window that reaches
# beyond the padding is divided by its whole size, where the standard counts image and padding alone: the last corner of an even picture
# of ones, with 3×3 windows, stride 2 and padding 1, holds one pixel and three of padding, and is 1/9 in place of 1/4. No warning. Seen in 2026.4.1.
#
# For users of goqat: `qat import` makes padding of ceil_mode and takes as many windows as the standard says, and refuses
# a mean that would count a part of its padding; tests hold both. Files of `qat export` have no ceil_mode.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/ceil.py" <<'PYTHON'
import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def pooled(op, size, kernel, stride, pad, **attributes):
    """The last row of a pooling of ones in ONNX Runtime, the reference evaluator and OpenVINO."""
    x = np.ones((1, 1, size, size), np.float32)
    node = helper.make_node(op, ["x"], ["y"], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4, ceil_mode=1, **attributes)
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([node], "g", [value("x", x.shape)], [value("y", list("nchw"))])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    onnx.checker.check_model(model)
    file, core = model.SerializeToString(), ov.Core()
    for y in (
        ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0],
        ReferenceEvaluator(model).run(None, {"x": x})[0],
        core.compile_model(core.read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0],
    ):
        yield [float(f"{v:.3g}") for v in y[0, 0, -1]]


least = -3.4e38
counting = dict(count_include_pad=1)
print("onnx", onnx.__version__, "onnxruntime", ort.__version__, "openvino", ov.__version__)
for op, size, kernel, stride, pad, attributes, standard, openvino in (
    ("MaxPool", 5, 2, 2, 1, {}, [1] * 3, [least] * 4),
    ("MaxPool", 6, 1, 2, 0, {}, [1] * 3, [least] * 4),
    ("MaxPool", 6, 2, 3, 0, {}, [1] * 2, [least] * 3),
    ("MaxPool", 5, 2, 2, 0, {}, [1] * 3, [1] * 3),
    ("AveragePool", 6, 2, 3, 0, {}, [1] * 2, [1] * 2),
    ("AveragePool", 6, 3, 2, 1, {}, [1] * 4, [1] * 4),
    ("AveragePool", 6, 3, 2, 1, counting, [0.333, 0.5, 0.5, 0.25], [0.222, 0.333, 0.333, 0.111]),
):
    seen = list(pooled(op, size, kernel, stride, pad, **attributes))
    print(f"{op} {kernel}×{kernel} of {size}×{size}, stride {stride}, padding {pad}", *attributes, "last row: ONNX Runtime", seen[0], "reference", seen[1], "OpenVINO", seen[2])
    if seen[0] != standard or seen[2] != openvino:
        raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/ceil.py"
