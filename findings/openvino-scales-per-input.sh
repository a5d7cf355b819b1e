#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Weights of a linear layer may have a scale for each input: DequantizeLinear has an axis, and 1, which it is unless told otherwise, is that of
# the inputs in PyTorch's order (outputs × inputs, Gemm with transB=1). OpenVINO's CPU plugin takes the first of these scales for all
# inputs: of weights of 1 with scales 1, 2, 4, 8 four inputs of 1 make 4, not 15. So it is with MatMul and Gemm, with activations of real
# numbers (weights alone quantized) and of codes, and whatever the shape. A scale for each output is right, and so are scales in blocks
# along the inputs and a Conv. No warning. Seen in 2026.4.1, on x86-64 the same with kernels for AVX2 and for AVX-512.
#
# For users of goqat: weights have a scale for each output in files of `qat export --format onnx`; a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
cat >"$work/scales.py" <<'PYTHON'
import os
import sys

os.environ["ONEDNN_MAX_CPU_ISA"] = sys.argv[1]

import numpy as np
import onnxruntime as ort
import openvino as ov
from onnx import TensorProto, checker, helper, numpy_helper

ort.set_default_logger_severity(3)
print("onnxruntime", ort.__version__, "openvino", ov.__version__, "kernels up to", sys.argv[1])


def model(op, inputs, outputs, along, coded):
    """Weights of 1 with scales 1, 2, 4, … of the inputs, of blocks of two of them, or of the outputs."""
    of = {"inputs": inputs, "outputs": outputs}.get(along, 0)
    shape = [inputs, outputs] if op == "MatMul" else [outputs, inputs]
    lies = 0 if op == "MatMul" else 1  # inputs
    scales = np.exp2(np.arange(of)) if of else np.broadcast_to(np.expand_dims(np.exp2(np.arange(inputs // 2)), 1 - lies), [n // 2 if k == lies else n for k, n in enumerate(shape)])
    constants = {"one": np.float32(1), "zero": np.uint8(0), "codes": np.ones(shape, np.int8), "scales": scales.astype(np.float32), "zeros": np.zeros(scales.shape, np.int8)}
    options = {"axis": 1 - lies if along == "outputs" else lies} | ({} if of else {"block_size": 2})
    nodes = [helper.make_node("DequantizeLinear", ["x", "one", "zero"], ["d"])] * coded
    nodes.append(helper.make_node("DequantizeLinear", ["codes", "scales", "zeros"], ["w"], **options))
    nodes.append(helper.make_node(op, ["d" if coded else "x", "w"], ["f" if coded else "y"], **({} if op == "MatMul" else {"transB": 1})))
    nodes += [helper.make_node("QuantizeLinear", ["f", "one", "zero"], ["y"])] * coded
    kind = TensorProto.UINT8 if coded else TensorProto.FLOAT
    value = lambda name, n: helper.make_tensor_value_info(name, kind, [1, n])
    graph = helper.make_graph(nodes, "g", [value("x", inputs)], [value("y", outputs)], [numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()])
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(m, full_check=True)
    return m.SerializeToString(), np.ones([1, inputs], np.uint8 if coded else np.float32)


changed = False
plain = ort.SessionOptions()
plain.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
for op in "MatMul", "Gemm":
    for coded in False, True:
        for along, outputs, right, seen in ("inputs", 4, [15] * 4, [4] * 4), ("inputs", 2, [15] * 2, [4] * 2), ("blocks", 2, [6] * 2, [6] * 2), ("outputs", 2, [4, 8], [4, 8]):
            file, x = model(op, 4, outputs, along, coded)
            one = ort.InferenceSession(file, plain, providers=["CPUExecutionProvider"]).run(None, {"x": x})[0].flatten().tolist()
            other = ov.Core().compile_model(ov.Core().read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(x)[0].flatten().tolist()
            print(f"{op} of {'codes' if coded else 'real numbers'}, scales of {along}, {outputs} outputs: ONNX Runtime {one}, OpenVINO {other}")
            changed |= one != right or other != seen
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/scales.py" AVX2
"$work/venv/bin/python" "$work/scales.py" DEFAULT
