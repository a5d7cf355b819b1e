#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Since onnx 1.19 numpy_helper.to_array gives INT4 and UINT4 weights as arrays of ml_dtypes. NumPy adds int8 up as int64; it adds int4 up
# as int4, and the sum keeps the low four bits: nine weights of 7 are -1, not 63. Sums over an axis, cumsum, a zero point that is
# taken away, mean and std go the same way: the mean of nine weights of 7 is 0. A product of two such matrices keeps eight bits. A sum of
# 1,000 ones of bfloat16 is 256, of float16 1,000. Neither an error nor a warning. Sums of weights are what corrections for zero points
# are made of, and what checks of a file look at first. Products by a float, comparisons, least and greatest are right.
#
# For users of goqat: weights of `qat export --pack` are INT4. Who looks at them in NumPy widens first, to_array(w).astype(int):
# docs/interchange.md says so.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnx==1.23.2 ml-dtypes==0.6.0 numpy==2.4.6
cat >"$work/sums.py" <<'PYTHON'
from importlib.metadata import version

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper

print(*(f"{p} {version(p)}" for p in ("onnx", "ml_dtypes", "numpy")))
changed = False


def see(what, value, expected):
    global changed
    value = np.asarray(value)
    print(f"{what}: {value.astype(float).tolist()}, {value.dtype}")
    changed |= value.astype(float).tolist() != expected


def read(kind, values):
    return numpy_helper.to_array(helper.make_tensor("w", kind, [len(values)], values))


w = read(TensorProto.INT4, [7] * 9)
wide = w.astype(np.int8)
see("nine INT4 weights", w, [7.0] * 9)
see("their sum", w.sum(), -1.0)
see("their sum, as int8 first", wide.sum(), 63.0)
see("their sum with dtype=int", w.sum(dtype=int), 63.0)
see("sums of rows of three", w.reshape(3, 3).sum(axis=1), [5.0] * 3)
see("sums so far", w.cumsum(), [7, -2, 5, -4, 3, -6, 1, -8, -1])
see("less a zero point of -8", w - w.dtype.type(-8), [-1.0] * 9)
see("less a zero point of -8, as int8 first", wide - np.int8(-8), [15.0] * 9)
see("their mean", w.mean(), 0.0)
see("their mean, as int8 first", wide.mean(), 7.0)
mixed = read(TensorProto.INT4, [-8, -7, 3, 7, 7, 7, 0, 1])
see("deviation of -8, -7, 3, 7, 7, 7, 0, 1", mixed.std(), 0.0)
see("deviation, as int8 first, is more than 5", mixed.astype(np.int8).std() > 5, 1.0)
see("w · w", w @ w, float((9 * 49 + 128) % 256 - 128))
see("sum of nine UINT4 of 15", read(TensorProto.UINT4, [15] * 9).sum(), 7.0)
see("sum of 1,000 ones of bfloat16", np.ones(1000, ml_dtypes.bfloat16).sum(), 256.0)
see("sum of 1,000 ones of float16", np.ones(1000, np.float16).sum(), 1000.0)
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/sums.py"
