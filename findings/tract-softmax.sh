#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A Softmax between DequantizeLinear and QuantizeLinear, as quantizers put it into classifiers and attention, is 1 everywhere in tract: every
# code is that of 1, so all classes are equal and every row of attention sums up to its length. LogSoftmax is 0 everywhere. With one of the two
# nodes taken away it is right: it goes wrong where both are there, and tract computes with codes. Zero points, scales and types do
# not matter; nothing warns. Seen in tract 0.23.9.
#
# For users of goqat: files of `qat export` end in logits and hold no Softmax; a test holds it.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 onnxruntime==1.32.0 tract==0.23.9 numpy==2.4.6
cat >"$work/softmax.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import onnx
import onnxruntime as ort
import tract
from onnx import TensorProto, helper, numpy_helper

ort.set_default_logger_severity(3)
print(*(f"{p} {version(p)}" for p in ("onnx", "onnxruntime", "tract")))
real = np.array([[0, 1, 2, 4]], np.float32)
changed = False
for op in "Softmax", "LogSoftmax":
    for dtype in np.uint8, np.int8:
        for before, after in (True, True), (False, True), (True, False):
            kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
            zero = np.iinfo(dtype).min if op == "Softmax" else np.iinfo(dtype).max
            scale = 1 / 255 if op == "Softmax" else 1 / 32
            constants = {"tenth": np.float32(0.1), "none": dtype(0), "scale": np.float32(scale), "zero": dtype(zero)}
            nodes = [helper.make_node("DequantizeLinear", ["x", "tenth", "none"], ["d"])] * before
            nodes.append(helper.make_node(op, ["d" if before else "x"], ["f" if after else "y"], axis=1))
            nodes += [helper.make_node("QuantizeLinear", ["f", "scale", "zero"], ["y"])] * after
            value = lambda name, coded: helper.make_tensor_value_info(name, kind if coded else TensorProto.FLOAT, real.shape)
            graph = helper.make_graph(nodes, "g", [value("x", before)], [value("y", after)], [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
            onnx.checker.check_model(model, full_check=True)
            onnx.save(model, sys.argv[1])
            x = (real * 10).astype(dtype) if before else real
            one = ort.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
            other = tract.onnx().load(sys.argv[1]).into_model().into_runnable().run([x])[0].to_numpy()
            form = "both" if before and after else "QuantizeLinear alone" if after else "DequantizeLinear alone"
            print(f"{op}, {np.dtype(dtype)}, {form}: ONNX Runtime {one.flatten().tolist()}, tract {other.flatten().tolist()}")
            expected = np.exp(real) / np.exp(real).sum()
            expected = expected if op == "Softmax" else np.log(expected)
            codes = lambda v: np.clip(np.rint(v / scale) + zero, np.iinfo(dtype).min, np.iinfo(dtype).max)
            right = codes(expected) if after else expected
            near = lambda y, v: y.shape == v.shape and np.abs(y - v).max() <= (1 if after else 1e-5)
            changed |= not near(one.astype(float), right)
            changed |= not near(other.astype(float), codes(np.full(real.shape, 1.0 if op == "Softmax" else 0.0)) if before and after else right)
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/softmax.py" "$work/s.onnx"
