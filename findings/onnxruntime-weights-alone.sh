#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A DequantizeLinear of weights before a MatMul or Gemm whose input is real numbers says: the weights are codes, the activations are not. That is how
# networks are written of which the weights alone are quantized. ONNX Runtime 1.32.0 at its default level makes a MatMulNBits of it and rounds the
# activations to 8 bits, 32 with one scale: beside an input of 1000 those of about 1 are 0, and the result is off by as much as it is
# great; without such an input by a percent. So for INT4 and INT8, in blocks or with one scale. Nothing warns; at the level BASIC, and with the session option
# session.qdq_matmulnbits_accuracy_level at 0 or 1, it computes in float32. A Conv is computed in float32 at every level.
#
# For users of goqat: linear layers of `qat export --format onnx` have codes before their products, too, and no matrix product has codes
# of weights beside real numbers; a test holds it. Measure files of others whose weights alone are quantized with that option.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/weights.py" <<'PYTHON'
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper

ort.set_default_logger_severity(3)
print("onnxruntime", ort.__version__)
random = np.random.default_rng(0)
inputs, outputs = 64, 8
codes = random.integers(-7, 8, (inputs, outputs))
codes[0] = 0  # nothing reads the first input
ordinary = random.normal(size=(1, inputs)).astype(np.float32)
large = ordinary.copy()
large[0, 0] = 1000


def file(op, kind, block):
    """x of [1, 64] times codes of [64, 8] with scale 1/4, of all or of each block of 32 inputs; of Conv as a window of one pixel."""
    conv = op == "Conv"
    scales, options = ([inputs // block, outputs], {"axis": 0, "block_size": block}) if block else ([], {})
    dims, w = ([outputs, inputs, 1, 1], codes.T) if conv else ([inputs, outputs], codes)
    end = [1, 1] * conv
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    constants = [helper.make_tensor("w", kind, dims, w.flatten()), helper.make_tensor("s", TensorProto.FLOAT, scales, np.full(scales, 0.25).flatten())]
    nodes = [helper.make_node("DequantizeLinear", ["w", "s"], ["d"], **options), helper.make_node(op, ["x", "d"], ["y"])]
    graph = helper.make_graph(nodes, "g", [value("x", 1, inputs, *end)], [value("y", 1, outputs, *end)], constants)
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(m, full_check=True)
    return m.SerializeToString()


def error(file, x, level, accuracy=None):
    """The greatest difference from the real product, as a share of its greatest number."""
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    if accuracy is not None:
        options.add_session_config_entry("session.qdq_matmulnbits_accuracy_level", accuracy)
    session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    right = x.astype(float) @ (codes * 0.25)
    return np.abs(session.run(None, {"x": x.reshape(session.get_inputs()[0].shape)})[0].reshape(right.shape) - right).max() / np.abs(right).max()


basic, full = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC, ort.GraphOptimizationLevel.ORT_ENABLE_ALL
changed = False
for op in "MatMul", "Gemm", "Conv":
    for kind in ("INT4", "INT8"):
        for block in (0,) if op == "Conv" else (0, 32):
            f = file(op, getattr(TensorProto, kind), block)
            seen = error(f, ordinary, full), error(f, large, full), error(f, large, basic), error(f, large, full, "0"), error(f, large, full, "1")
            scale = f"a scale for each {block}" if block else "one scale"
            print(f"{op}, {kind}, {scale}: off by %.4f, with one input of 1000 by %.4f, at BASIC by %.4f, with the option at 0 and 1 by %.4f and %.4f" % seen)
            rounded = op != "Conv"
            changed |= (seen[0] > 0.001) != rounded or (seen[1] > 0.5) != rounded or max(seen[2:]) > 1e-5
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/weights.py"
