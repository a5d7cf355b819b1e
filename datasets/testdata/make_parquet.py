#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes rows.parquet as Hugging Face's library writes a set of images, and its pixels and labels as the library reads them to rows.json.

python3 make_parquet.py FOLDER      with datasets 5.2.0, PyArrow 26.0.1, NumPy 2.4.6 and Pillow 13.0.0
"""
import json, os, sys
import numpy as np
from datasets import ClassLabel, Dataset, Features, Image, Value
from PIL import Image as Pillow

rng = np.random.default_rng(1)
names = ["zebra", "ant", "T-shirt / top"]
images = [Pillow.fromarray(rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)) for _ in range(12)]
set = Dataset.from_dict(
    {"id": list(range(12)), "image": images, "label": [i % 3 for i in range(12)]},
    features=Features({"id": Value("int32"), "image": Image(), "label": ClassLabel(names=names)}),
)
path = os.path.join(sys.argv[1], "rows.parquet")
set.to_parquet(path)
back = Dataset.from_parquet(path)
with open(os.path.join(sys.argv[1], "rows.json"), "w") as f:
    json.dump({"classes": back.features["label"].names, "labels": back["label"][:], "pixels": [np.asarray(i).flatten().tolist() for i in back["image"]]}, f)
    f.write("\n")
