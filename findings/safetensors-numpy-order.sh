#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# safetensors.numpy.save_file and save take NumPy arrays. safetensors 0.8.0 writes the memory of an array that does not lie in it row by row as if it
# did: of the transpose of [[0, 1, 2], [3, 4, 5]] the file holds [[0, 1], [2, 3], [4, 5]], of every second column [[0, 1], [2, 3]],
# shape and type are right, and nothing warns. Weights that are brought from one order of dimensions to another are such arrays:
# numpy's transpose, moveaxis, slices and arrays in Fortran's order copy nothing. 0.7.0 wrote what the array says; safetensors.torch
# refuses a tensor of that kind.
#
# For users of goqat: a .qmodel and a checkpoint are files of this format, which goqat writes itself. Who changes the weights of one in NumPy
# writes np.ascontiguousarray(w); no reader sees from the file that they were mixed. docs/interchange.md says so.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cat >"$work/order.py" <<'PYTHON'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, load_file, save, save_file

print("safetensors", safetensors.__version__, "numpy", np.__version__)
changed = False
a = np.arange(6, dtype=np.float32).reshape(2, 3)
arrays = {
    "in order": (a, None),
    "transposed": (a.T, [[0, 1], [2, 3], [4, 5]]),
    "Fortran's order": (np.asfortranarray(a), [[0, 3, 1], [4, 2, 5]]),
    "every second column": (a[:, ::2], [[0, 1], [2, 3]]),
    "codes, transposed": (a.astype(np.int8).T, [[0, 1], [2, 3], [4, 5]]),
    "transposed, np.ascontiguousarray": (np.ascontiguousarray(a.T), None),
}
for name, (array, mixed) in arrays.items():
    save_file({"a": array}, sys.argv[1])
    read = load_file(sys.argv[1])["a"]
    print(f"{name}: {array.astype(int).tolist()}, in the file {read.astype(int).tolist()}")
    expected = array.tolist() if mixed is None or safetensors.__version__ == "0.7.0" else mixed
    changed |= read.tolist() != expected or load(save({"a": array}))["a"].tolist() != expected
    changed |= read.shape != array.shape or read.dtype != array.dtype
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
for version in 0.7.0 0.8.0; do
	python3 -m venv "$work/$version"
	"$work/$version/bin/pip" install --quiet "safetensors==$version" numpy==2.4.6
	"$work/$version/bin/python" "$work/order.py" "$work/a.safetensors"
done
