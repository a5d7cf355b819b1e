#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# qonnx's QCDQToQuant makes Quant nodes of QuantizeLinear, Clip and DequantizeLinear, which is how other tools' networks come to FINN and hls4ml. A
# Quant node has all codes of its number of bits; the conversion takes that number from how many codes the Clip leaves, and the sign from
# the type: INT8 from 0 to 127, what a ReLU leaves of symmetric codes, becomes 7 bits with a sign, so that 100 is 63 and -3 is not 0
# any more, and UINT8 from 0 to 5 becomes 3 bits, up to 7. Of weights it takes the zero point away in the type of the codes: UINT8 weights with zero
# point 128 wrap, so that every negative one becomes 127, the greatest. INT8 weights, and INT8 with a Clip from -8 to 7 and UINT8 from 0 to 15,
# are right. No warning. Seen in qonnx 1.0.0.
#
# For users of goqat: `qat export --format qonnx` writes Quant nodes from the model; do not convert files of `--format onnx`, which have such
# Clips and, where signs need it, such weights.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet qonnx==1.0.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$work/codes.py" <<'PYTHON'
from importlib.metadata import version

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, shape_inference
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.qcdq_to_qonnx import QCDQToQuant

ort.set_default_logger_severity(3)
print(*(f"{p} {version(p)}" for p in ("qonnx", "onnx", "onnxruntime")))
x = np.array([[-100, -3, 2, 6, 100]], np.float32)
w = np.array([[-3, -1, 0, 2, 100]])


def compare(nodes, constants):
    """What a file gives before the conversion, by ONNX Runtime, and after it, by qonnx."""
    value = lambda k: helper.make_tensor_value_info(k, TensorProto.FLOAT, x.shape)
    constants = [helper.make_tensor(k, kind, dims, v) for k, kind, dims, v in constants]
    m = helper.make_model(helper.make_graph(nodes, "g", [value("x")], [value("y")], constants), opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    m = shape_inference.infer_shapes(m)
    checker.check_model(m, full_check=True)
    one = ort.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    m = ModelWrapper(m).transform(QCDQToQuant())
    if {n.op_type for n in m.graph.node} - {"Add"} != {"Quant"}:
        raise SystemExit("the conversion has changed")
    return one[0].tolist(), execute_onnx(m, {"x": x})["y"][0].tolist()


changed = False
print("of", x[0].tolist())
for kind, least, most, right in ("INT8", -8, 7, True), ("UINT8", 0, 15, True), ("INT8", 0, 127, False), ("INT8", 0, 15, False), ("UINT8", 0, 5, False):
    t = getattr(TensorProto, kind)
    nodes = [helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), helper.make_node("Clip", ["q", "a", "b"], ["c"]), helper.make_node("DequantizeLinear", ["c", "s", "z"], ["y"])]
    one, other = compare(nodes, [("s", TensorProto.FLOAT, [], [1]), ("z", t, [], [0]), ("a", t, [], [least]), ("b", t, [], [most])])
    print(f"{kind} from {least} to {most}: {one}, converted {other}")
    changed |= one != np.clip(x, least, most)[0].tolist() or (one == other) != right
print("weights", w[0].tolist())
x = np.zeros_like(x)
for kind, zero in ("INT8", 0), ("UINT8", 128):
    t = getattr(TensorProto, kind)
    nodes = [helper.make_node("DequantizeLinear", ["w", "s", "z"], ["d"]), helper.make_node("Add", ["x", "d"], ["y"])]
    one, other = compare(nodes, [("s", TensorProto.FLOAT, [], [1]), ("z", t, [], [zero]), ("w", t, w.shape, (w + zero).flatten())])
    print(f"{kind}, zero point {zero}: {one}, converted {other}")
    changed |= one != w[0].tolist() or (one == other) != (kind == "INT8")
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" -W ignore "$work/codes.py"
