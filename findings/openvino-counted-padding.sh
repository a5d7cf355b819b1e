#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# OpenVINO takes the padding of a quantized average for code 0 instead of the real number 0: of DequantizeLinear, AveragePool with
# count_include_pad, QuantizeLinear with zero point 128 a corner is 92 where ONNX says 163. With zero point 0, without the padding
# counted or without padding it is right; a Pad of zeros before an AveragePool without padding is wrong in the same way. PyTorch's
# AvgPool2d counts padding by default.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/padding.py" <<'PYTHON'
import numpy as np
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper

x = np.random.default_rng(1).integers(100, 256, (1, 2, 6, 6)).astype(np.uint8)


def model(zero_point, counted, apart):
    """An average of 3 x 3 with padding 1 between codes of scale 0.5; apart: padded by a node of its own."""
    constants = [helper.make_tensor("s", TensorProto.FLOAT, [], [0.5]), helper.make_tensor("z", TensorProto.UINT8, [], [zero_point])]
    nodes, last, pads = [helper.make_node("DequantizeLinear", ["x", "s", "z"], ["real"])], "real", [1, 1, 1, 1]
    if apart:
        constants.append(helper.make_tensor("pads", TensorProto.INT64, [8], [0, 0, 1, 1, 0, 0, 1, 1]))
        nodes.append(helper.make_node("Pad", ["real", "pads"], ["padded"]))
        last, pads = "padded", [0, 0, 0, 0]
    nodes.append(helper.make_node("AveragePool", [last], ["mean"], kernel_shape=[3, 3], pads=pads, count_include_pad=int(counted)))
    nodes.append(helper.make_node("QuantizeLinear", ["mean", "s", "z"], ["y"]))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.UINT8, x.shape)],
                              [helper.make_tensor_value_info("y", TensorProto.UINT8, x.shape)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()


def mean(zero_point, counted):
    """The same by NumPy."""
    real = np.pad((x.astype(np.float64) - zero_point) / 2, ((0, 0), (0, 0), (1, 1), (1, 1)))
    ones = np.pad(np.ones(x.shape), ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=float(counted))
    total, taps = (sum(a[:, :, i:i + 6, j:j + 6] for i in range(3) for j in range(3)) for a in (real, ones))
    return np.clip(np.rint(total / taps * 2) + zero_point, 0, 255)


print("openvino", ov.__version__, "onnxruntime", ort.__version__)
wrong = []
for zero_point, counted, apart in ((0, True, False), (128, False, False), (128, True, False), (128, True, True)):
    file, want = model(zero_point, counted, apart), mean(zero_point, counted)
    core = ov.Core()
    openvino = core.compile_model(core.read_model(file), "CPU")(x)[0]
    onnxruntime = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    far = [int(np.abs(y - want).max()) for y in (openvino, onnxruntime)]
    print(f"zero point {zero_point}, padding counted {counted}, by Pad {apart}: OpenVINO {far[0]} codes off, ONNX Runtime {far[1]}; "
          f"corner {openvino[0, 0, 0, 0]}, want {want[0, 0, 0, 0]:.0f}")
    wrong.append((far[0] > 1, far[1] > 1))
if wrong != [(False, False), (False, False), (True, False), (True, False)]:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/padding.py"
