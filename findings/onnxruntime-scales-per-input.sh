#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# DequantizeLinear has an axis along which scales lie. Of weights it is usually that of the outputs, but nothing asks for that: with transB=1, as
# PyTorch's linear layers are written, the axis that DequantizeLinear has unless told otherwise, 1, is that of the inputs. Where a Gemm has as
# many inputs as outputs, ONNX Runtime at its default level takes scales of the inputs for scales of the outputs: of weights of 1 with
# scales 1, 2, 4, 8 four inputs of 1 make 4, 8, 16 and 32 in place of 15 four times. A Conv and a MatMul without QuantizeLinear behind it
# go the same way. With other numbers of outputs Gemm is right and the other two fail when they run, so it is the square layers of a
# network that are wrong unseen. Without optimization all are right, and so is the reference evaluator of onnx. Seen in 1.32.0.
#
# For users of goqat: weights have a scale for each output in files of `qat export --format onnx`; a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/scales.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

ort.set_default_logger_severity(4)
print(*(f"{p} {version(p)}" for p in ("onnx", "onnxruntime")))


def model(op, inputs, outputs):
    """Weights of 1 with scales 1, 2, 4, … of the inputs, activations of scale 1; the second dimension of the weights is that of the inputs but in MatMul."""
    window = [1, 1] if op == "Conv" else []
    shape = [inputs, outputs] if op == "MatMul" else [outputs, inputs, *window]
    constants = {
        "one": np.float32(1),
        "zero": np.uint8(0),
        "codes": np.ones(shape, np.int8),
        "scales": np.exp2(np.arange(inputs)).astype(np.float32),
        "zeros": np.zeros(inputs, np.int8),
    }
    nodes = [
        helper.make_node("DequantizeLinear", ["x", "one", "zero"], ["d"]),
        helper.make_node("DequantizeLinear", ["codes", "scales", "zeros"], ["w"], axis=0 if op == "MatMul" else 1),
        helper.make_node(op, ["d", "w"], ["f"], **({"transB": 1} if op == "Gemm" else {})),
    ]
    nodes.append(helper.make_node("Identity", ["f"], ["y"]) if op == "MatMul" else helper.make_node("QuantizeLinear", ["f", "one", "zero"], ["y"]))
    kind = TensorProto.FLOAT if op == "MatMul" else TensorProto.UINT8
    value = lambda name, kind, n: helper.make_tensor_value_info(name, kind, [1, n, *window])
    constants = [numpy_helper.from_array(v, k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, "g", [value("x", TensorProto.UINT8, inputs)], [value("y", kind, outputs)], constants)
    m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    checker.check_model(m, full_check=True)
    return m, np.ones([1, inputs, *window], np.uint8)


def run(m, x, level):
    options = ort.SessionOptions()
    options.graph_optimization_level = level
    session = ort.InferenceSession(m.SerializeToString(), options, providers=["CPUExecutionProvider"])
    try:
        return session.run(None, {"x": x})[0].flatten().tolist()
    except ort.capi.onnxruntime_pybind11_state.Fail:
        return "fails"


changed = False
for op, inputs, outputs in ("Gemm", 4, 4), ("Conv", 4, 4), ("MatMul", 4, 4), ("Gemm", 4, 3), ("Gemm", 3, 4), ("Conv", 4, 3), ("MatMul", 4, 3):
    m, x = model(op, inputs, outputs)
    runs = {
        "the reference": ReferenceEvaluator(m).run(None, {"x": x})[0].flatten().tolist(),
        "without optimization": run(m, x, ort.GraphOptimizationLevel.ORT_DISABLE_ALL),
        "at the default level": run(m, x, ort.GraphOptimizationLevel.ORT_ENABLE_ALL),
    }
    print(f"{op}, {inputs} inputs, {outputs} outputs:", ", ".join(f"{k} {v}" for k, v in runs.items()))
    right = [2**inputs - 1] * outputs
    mixed = [inputs * 2**c for c in range(outputs)]
    changed |= list(runs.values()) != [right, right, mixed if inputs == outputs else right if op == "Gemm" else "fails"]
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/scales.py"
