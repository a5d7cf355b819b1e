#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# onnx.helper.make_tensor is how scripts write INT4 and UINT4 weights, given as real numbers or integers. Until onnx 1.18 it rounded
# to the nearest integer, ties to even, and saturated: 8 became 7, 2.9 became 3. Since onnx 1.19.1 the same call cuts fractions off and
# keeps the low four bits: 8 becomes -8, the other end of the range, and 2.9 becomes 2. A script that left rounding and saturation
# to it writes another network after an upgrade, without an error; for INT8 the same call raises OverflowError.
#
# For users of goqat: `qat export --pack` packs integers that it has proved to fit, and tests read them back; who makes such files
# by hand rounds and clips first.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat >"$work/int4.py" <<'PYTHON'
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

given = {"INT4": [8, -9, 7, 2.9, -2.9, 1.5], "UINT4": [16, -1, 15, 2.9, 0.6, 1.5]}
rounded = {"INT4": [7, -8, 7, 3, -3, 2], "UINT4": [15, 0, 15, 3, 1, 2]}
wrapped = {"INT4": [-8, 7, 7, 2, -2, 1], "UINT4": [0, 15, 15, 2, 0, 1]}
expected = {"1.18.0": rounded, "1.23.2": wrapped}[onnx.__version__]
changed = False
for kind, values in given.items():
    codes = np.concatenate([numpy_helper.to_array(helper.make_tensor("w", getattr(TensorProto, kind), [len(part)], part)) for part in (values[:3], values[3:])])
    print("onnx", onnx.__version__, kind, values, "become", codes.astype(int).tolist())
    changed |= codes.astype(int).tolist() != expected[kind]
try:
    helper.make_tensor("w", TensorProto.INT8, [1], [200])
    refused = False
except OverflowError:
    refused = True
if changed or onnx.__version__ == "1.23.2" and not refused:
    sys.exit("the behaviour has changed")
PYTHON
for version in 1.18.0 1.23.2; do
	python3 -m venv "$work/$version"
	"$work/$version/bin/pip" install --quiet "onnx==$version" numpy==2.4.6
	"$work/$version/bin/python" "$work/int4.py"
done
