#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An AveragePool that counts its padding (count_include_pad, which PyTorch's AvgPool2d does unless told otherwise) averages in
# zeros. Between DequantizeLinear and QuantizeLinear these are real zeros, so codes of the zero point. OpenVINO's CPU plugin
# moves the DequantizeLinear past the pooling, which then pads codes with code 0: with zero point 128 and scale 1 the mean of
# one 9 and eight zeros is -113 in place of 1. Without the QuantizeLinear, without counting, or with zero point 0 it is right, so
# that networks are wrong that pool after something other than a ReLU, at the borders of their images. Seen in 2026.4.1.
#
# For users of goqat: the padding is in the codes in files of `qat export --format onnx` (Pad of UINT8, by the zero point), and
# the pooling has none. Before, in a network of two convolutions with random weights, 14 % of the means and 20 % of the next
# layer's codes were wrong in OpenVINO, by up to 222 steps.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/padding.py" <<'PYTHON'
import numpy as np
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper

ort.set_default_logger_severity(3)
counting = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1)
averages = {"mean": counting, "mean, pads not counted": {**counting, "count_include_pad": 0}}


def codes(name, zero, padded=False):
    """The mean of a picture of a single 9 and its padding, of codes of scale 1, less the zero point."""
    attributes = averages[name]
    picture = np.full((1, 1, 1, 1), zero + 9, np.uint8)
    number = lambda name, kind, v: helper.make_tensor(name, kind, [], [v])
    constants = [number("s", TensorProto.FLOAT, 1), number("z", TensorProto.UINT8, zero)]
    nodes = [helper.make_node("DequantizeLinear", ["p" if padded else "x", "s", "z"], ["d"])]
    if padded:
        attributes = dict(kernel_shape=[3, 3])
        constants.append(helper.make_tensor("pads", TensorProto.INT64, [8], [0, 0, 1, 1, 0, 0, 1, 1]))
        nodes.insert(0, helper.make_node("Pad", ["x", "pads", "z"], ["p"]))
    nodes += [helper.make_node("AveragePool", ["d"], ["m"], **attributes), helper.make_node("QuantizeLinear", ["m", "s", "z"], ["y"])]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.UINT8, picture.shape)
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], constants)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
    one = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": picture})[0]
    other = ov.Core().compile_model(ov.Core().read_model(file), "CPU")(picture)[0]
    return int(one.item()) - zero, int(other.item()) - zero


print("onnxruntime", ort.__version__, "openvino", ov.__version__)
seen = {}
for name, zero in [("mean", 128), ("mean", 0), ("mean, pads not counted", 128)]:
    seen[name, zero] = codes(name, zero)
    print(f"{name}, zero point {zero}: ONNX Runtime {seen[name, zero][0]}, OpenVINO {seen[name, zero][1]}")
seen["padded codes"] = codes("mean", 128, padded=True)
print(f"mean of padded codes, zero point 128: ONNX Runtime {seen['padded codes'][0]}, OpenVINO {seen['padded codes'][1]}")
if seen != {
    ("mean", 128): (1, -113),
    ("mean", 0): (1, 1),
    ("mean, pads not counted", 128): (9, 9),
    "padded codes": (1, 1),
}:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/padding.py"
