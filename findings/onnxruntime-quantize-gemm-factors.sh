#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# ONNX defines Gemm as alpha·A·B + beta·C. ONNX Runtime's quantize_static quantizes the bias C to int32 with a scale times beta and
# then sets beta to 1 without multiplying the bias by it. In QDQ form, where scale and code cancel, the bias is C in place of
# beta·C; as QGemm (QuantFormat.QOperator), which has no beta and ignores the bias's scale, it is C/beta, and with an alpha it is
# alpha·C, since QGemm multiplies the bias, too. Nothing warns.
#
# For users of goqat: `qat import` multiplies weights and biases by both; a test holds it. Compare networks that ONNX Runtime
# quantized with it only if their Gemm nodes have no factors.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/factors.py" <<'PYTHON'
import logging
import sys

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static

logging.disable(logging.WARNING)
folder = sys.argv[1]
random = np.random.default_rng(0)
inputs = random.normal(size=(4, 64, 16)).astype(np.float32)
weights, bias = random.normal(size=(16, 8)).astype(np.float32), np.full(8, 2, np.float32)


class Samples(CalibrationDataReader):
    def __init__(self):
        self.left = [{"x": x} for x in inputs]

    def get_next(self):
        return self.left.pop() if self.left else None


def found(alpha, beta, form):
    """The bias that the quantized layer adds: the mean of what it gives beyond the product."""
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=float(alpha), beta=float(beta))
    value = lambda name, n: helper.make_tensor_value_info(name, TensorProto.FLOAT, [64, n])
    graph = helper.make_graph([node], "g", [value("x", 16)], [value("y", 8)], [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), f"{folder}/float.onnx")
    quantize_static(f"{folder}/float.onnx", f"{folder}/quantized.onnx", Samples(), quant_format=form, reduce_range=True)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(f"{folder}/quantized.onnx", options, providers=["CPUExecutionProvider"])
    return float(np.mean([session.run(None, {"x": x})[0] - alpha * x @ weights for x in inputs]))


print("onnxruntime", ort.__version__)
changed = False
for alpha, beta, qdq, operator in ((1, 1, 2, 2), (1, 0.5, 2, 4), (1, 2, 2, 1), (0.5, 1, 2, 1), (2, 1, 2, 4)):
    for form, expected in ((QuantFormat.QDQ, qdq), (QuantFormat.QOperator, operator)):
        b = found(alpha, beta, form)
        print(f"alpha {alpha}, beta {beta}, bias 2: should add {2 * beta:g}, {form} adds {b:.1f}")
        changed |= abs(b - expected) > 0.25
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/factors.py" "$work"
