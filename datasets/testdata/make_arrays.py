#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the archives of this folder, and what NumPy reads of each to arrays.json: classes, and the labels and pixels of each part.

python3 make_arrays.py FOLDER      with NumPy 2.4.6
"""
import json, os, sys
import numpy as np

out = sys.argv[1]
rng = np.random.default_rng(1)
golden = {}


def keep(name, classes, **parts):
    """Parts are pairs of labels and of pixels, N x height x width x channels of uint8."""
    golden[name] = {"classes": classes, "parts": {k: {"labels": [int(v) for v in labels], "shape": list(pixels.shape),
                    "pixels": pixels.flatten().tolist()} for k, (labels, pixels) in parts.items()}}


def npz(name, **arrays):
    np.savez_compressed(os.path.join(out, name), **arrays)
    return np.load(os.path.join(out, name))


gray = rng.integers(0, 256, (9, 3, 4), dtype=np.uint8)
labels = np.array([0, 1, 2] * 3)
z = npz("keras.npz", x_train=gray[:6], y_train=labels[:6].astype(np.uint8), x_test=gray[6:], y_test=labels[6:].astype(np.uint8))
keep("keras.npz", ["0", "1", "2"], train=(z["y_train"], z["x_train"][..., None]), test=(z["y_test"], z["x_test"][..., None]))

colour = rng.integers(0, 256, (9, 3, 4, 3), dtype=np.uint8)
z = npz("medmnist.npz", train_images=colour[:4], train_labels=labels[:4, None], val_images=colour[4:6], val_labels=labels[4:6, None],
        test_images=colour[6:], test_labels=labels[6:, None])
keep("medmnist.npz", ["0", "1", "2"], train=(labels[:4], z["train_images"]), validation=(labels[4:6], z["val_images"]), test=(labels[6:], z["test_images"]))

shares = rng.random((6, 3, 3, 4)).astype(np.float16)  # N x channels x height x width
z = npz("float16.npz", X_train=np.asfortranarray(shares[:4]), y_train=np.array(["dog", "cat", "cat", "dog"]), X_test=shares[4:], y_test=np.array(["cat", "dog"]))
pixels = np.floor(np.moveaxis(np.concatenate([z["X_train"], z["X_test"]]), 1, 3).astype(np.float64) * 255 + 0.5).astype(np.uint8)
keep("float16.npz", ["cat", "dog"], train=([1, 0, 0, 1], pixels[:4]), test=([0, 1], pixels[4:]))

levels = rng.integers(0, 65536, (6, 2, 2), dtype=np.uint16)
z = npz("deep.npz", x_train=levels[:4], y_train=np.array([10., 9., 9., 10.], dtype=np.float32), x_test=levels[4:], y_test=np.array([9, 10]))
pixels = ((levels.astype(np.uint64) * 255 * 2 + 65535) // (2 * 65535)).astype(np.uint8)[..., None]
keep("deep.npz", ["9", "10"], train=([1, 0, 0, 1], pixels[:4]), test=([0, 1], pixels[4:]))

with open(os.path.join(out, "arrays.json"), "w") as f:
    json.dump(golden, f)
    f.write("\n")
