#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The bias of a quantized Gemm is usually int32 with the scale of the input times that of the weights, but ONNX lets
# DequantizeLinear have any scale. ONNX Runtime looks at the scale of the bias of a Conv, and leaves the Conv in floating point
# if it is another; of a Gemm it does not look: it makes a QGemm that adds the int32 codes to the accumulator. A bias of 1, as
# code 1 with scale 1, beside scales of 1/4 and 1/4, becomes 1/16. OpenVINO and ONNX Runtime without optimization are right.
#
# ONNX Runtime's own quantize_static writes such a file where two Gemm layers share a bias, as the heads of a siamese network
# or the steps of an unrolled cell do: it has one code for both, with the scale of the first.
#
# For users of goqat: biases of linear layers of `qat export --format onnx` have the scale ONNX Runtime expects, to the last bit;
# a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/bias.py" <<'PYTHON'
import logging
import sys

import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, quantize_static

logging.disable(logging.WARNING)
ort.set_default_logger_severity(3)


def run(model, x, optimized):
    options = ort.SessionOptions()
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]


def layer(op, scale):
    """One layer of a weight 0 and a bias 1 that is stored with the given scale, input and weights with scale 1/4."""
    spatial = [1, 1] if op == "Conv" else []
    number = lambda name, kind, dims, v: helper.make_tensor(name, kind, dims, [v])
    constants = [number("s", TensorProto.FLOAT, [], 0.25), number("z", TensorProto.UINT8, [], 0), number("u", TensorProto.FLOAT, [], 1 / 128)]
    constants += [number("w", TensorProto.INT8, [1, 1] + spatial, 0), number("wz", TensorProto.INT8, [], 0)]
    constants += [number("b", TensorProto.INT32, [1], int(1 / scale)), number("bs", TensorProto.FLOAT, [], scale)]
    nodes = [helper.make_node("DequantizeLinear", names, [y]) for names, y in ((["x", "s", "z"], "dx"), (["w", "s", "wz"], "dw"), (["b", "bs"], "db"))]
    nodes += [helper.make_node(op, ["dx", "dw", "db"], ["r"]), helper.make_node("QuantizeLinear", ["r", "u", "z"], ["q"])]
    nodes.append(helper.make_node("DequantizeLinear", ["q", "u", "z"], ["y"]))
    value = lambda name, kind: helper.make_tensor_value_info(name, kind, [1, 1] + spatial)
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.UINT8)], [value("y", TensorProto.FLOAT)], constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), np.zeros([1, 1] + spatial, np.uint8)


print("onnxruntime", ort.__version__, "openvino", ov.__version__)
seen = {}
for op in ("Gemm", "Conv"):
    for scale in (1 / 16, 1):
        model, x = layer(op, scale)
        plain, fused = run(model, x, False).item(), run(model, x, True).item()
        other = ov.Core().compile_model(ov.Core().read_model(model.SerializeToString()), "CPU")(x)[0].item()
        print(f"{op}, a bias of 1 with scale {scale}: not optimized {plain}, optimized {fused}, OpenVINO {other}")
        seen[op, scale] = plain, fused, other


class Samples(CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": np.random.default_rng(seed).normal(size=(64, 8)).astype(np.float32)} for seed in range(4)]

    def get_next(self):
        return self.left.pop() if self.left else None


# Two layers that share a bias, the weights with 7 bits, which no processor's kernels saturate with.
random = np.random.default_rng(0)
numbers = {"v": random.normal(size=(8, 8)) / 100, "w": random.normal(size=(8, 8)), "b": random.normal(size=8)}
constants = [numpy_helper.from_array(v.astype(np.float32), name) for name, v in numbers.items()]
value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [64, 8])
graph = helper.make_graph([helper.make_node("Gemm", ["x", "v", "b"], ["a"]), helper.make_node("Gemm", ["a", "w", "b"], ["y"])], "g", [value("x")], [value("y")], constants)
whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
folder = sys.argv[1]
onnx.save(whole, f"{folder}/whole.onnx")
quantize_static(f"{folder}/whole.onnx", f"{folder}/quantized.onnx", Samples(), reduce_range=True)
quantized, x = onnx.load(f"{folder}/quantized.onnx"), Samples().left[0]["x"]
want = run(whole, x, False)
error = {optimized: np.linalg.norm(run(quantized, x, optimized) - want) / np.linalg.norm(want) for optimized in (False, True)}
print(f"quantize_static, a shared bias: relative error {error[False]:.3f} not optimized, {error[True]:.3f} optimized")

right = (1.0, 1.0, 1.0)
if seen != {("Gemm", 1 / 16): right, ("Gemm", 1): (1.0, 1 / 16, 1.0), ("Conv", 1 / 16): right, ("Conv", 1): right} or error[False] > 0.05 or error[True] < 0.3:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/bias.py" "$work"
