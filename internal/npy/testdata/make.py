#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the arrays of this folder, and what NumPy reads of each to golden.json: shape, type and values in C order.

python3 make.py FOLDER      with NumPy 2.4.6
"""
import json, os, sys
import numpy as np

out = sys.argv[1]
golden = {}


def keep(name, a):
    np.save(os.path.join(out, name), a)
    a = np.load(os.path.join(out, name))  # not what was meant, what is there
    values = a.flatten(order="C")
    golden[name] = {"shape": a.shape, "type": "string" if a.dtype.kind in "SU" else a.dtype.name,
                    "values": [v.decode() if isinstance(v, bytes) else v for v in values.tolist()]}


rng = np.random.default_rng(1)
for kind in ("<u1", ">u2", "<i2", ">i4", "<u8", "<i8", "<f2", ">f2", "<f4", ">f8", "?"):
    a = (rng.normal(size=(2, 3, 4)) * 100).astype(np.float64)
    a = np.abs(a) if "u" in kind else a
    order = {"<": "little-", ">": "big-"}.get(kind[0], "")
    keep("%s%s.npy" % (order, np.dtype(kind).name), (a > 0) if kind == "?" else a.astype(kind))
keep("fortran-2.npy", np.asfortranarray(np.arange(12, dtype=np.int16).reshape(3, 4)))
keep("fortran-3.npy", np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose())
keep("fortran-5.npy", np.asfortranarray(np.arange(2 * 3 * 1 * 4 * 2, dtype=np.uint8).reshape(2, 3, 1, 4, 2)))
keep("half.npy", np.array([0, -0.0, 6e-8, 6.1e-5, 1, -2.5, 65504], dtype=np.float16))
keep("scalar.npy", np.array(7, dtype=np.int64))
keep("empty.npy", np.zeros((0, 3), dtype=np.float32))
keep("unicode.npy", np.array(["cat", "Löwe", "", "鳥"]))
keep("bytes.npy", np.array([b"cat", b"dog2"]))
with open(os.path.join(out, "version-2.npy"), "wb") as f:
    np.lib.format.write_array(f, np.arange(3, dtype=np.uint8), version=(2, 0))
golden["version-2.npy"] = {"shape": [3], "type": "uint8", "values": [0, 1, 2]}
np.savez(os.path.join(out, "plain.npz"), x=np.arange(4, dtype=np.float32), y=np.array([1, 0], dtype=np.int64))
np.savez_compressed(os.path.join(out, "packed.npz"), x=np.arange(4, dtype=np.float32), y=np.array([1, 0], dtype=np.int64))
with open(os.path.join(out, "golden.json"), "w") as f:
    json.dump(golden, f)
    f.write("\n")
