#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ONNX's QuantizeLinear is saturate(round(x / scale) + zero point), ties to even. OpenVINO reads it as its FakeQuantize, which adds
# the zero point before it rounds: with an odd one every tie goes to the other side, also where a convolution has taken the node
# up. With an even zero point both agree. Where scales are powers of two, ties are common. It is QONNX's rule
# (qonnx-zero-point-ties.sh), here for files of ONNX: the same file has other codes in ONNX Runtime. Seen in 2026.4.1.
#
# For users of goqat: with qat.scales=pow2 files of `qat export --format onnx` give every integer in ONNX Runtime; in OpenVINO, of
# a network that is linear after its first layer, 0.1 % of that layer's codes are a step off if its zero point is odd, and none if it is even.
# The exporter says which layers these are.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/ties.py" <<'PYTHON'
import numpy as np
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper

ort.set_default_logger_severity(3)
pixels = np.array([[[[1, 2, 3, 5, 7, 9]]]], np.uint8)


def codes(zero, convolved):
    """The codes, less the zero point, of pixels with scale 1/2, or of a convolution of them with 1."""
    number = lambda name, kind, v, dims=(): helper.make_tensor(name, kind, dims, [v])
    constants = [number("half", TensorProto.FLOAT, 0.5), number("one", TensorProto.FLOAT, 1), number("none", TensorProto.UINT8, 0)]
    constants += [number("zero", TensorProto.UINT8, zero), number("w", TensorProto.INT8, 1, (1, 1, 1, 1)), number("wz", TensorProto.INT8, 0)]
    nodes = [helper.make_node("DequantizeLinear", ["x", "half", "none"], ["d"])]
    if convolved:
        nodes += [helper.make_node("DequantizeLinear", ["w", "one", "wz"], ["v"]), helper.make_node("Conv", ["d", "v"], ["c"])]
    nodes.append(helper.make_node("QuantizeLinear", ["c" if convolved else "d", "one", "zero"], ["y"]))
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.UINT8, pixels.shape)
    graph = helper.make_graph(nodes, "g", [value("x")], [value("y")], constants)
    file = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
    one = ort.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, {"x": pixels})[0]
    other = ov.Core().compile_model(ov.Core().read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(pixels)[0]
    return [(y.astype(int) - zero).flatten().tolist() for y in (one, other)]


print("onnxruntime", ort.__version__, "openvino", ov.__version__)
print("x", (pixels.flatten() / 2).tolist())
seen = {}
for convolved in (False, True):
    for zero in (3, 4):
        one, other = codes(zero, convolved)
        print(f"{'a convolution' if convolved else 'QuantizeLinear'}, zero point {zero}: ONNX Runtime {one}, OpenVINO {other}")
        seen[convolved, zero] = one, other
even, odd = [0, 1, 2, 2, 4, 4], [1, 1, 1, 3, 3, 5]
if seen != {(convolved, zero): (even, odd if zero == 3 else even) for convolved in (False, True) for zero in (3, 4)}:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/ties.py"
