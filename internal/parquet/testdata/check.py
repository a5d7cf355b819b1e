#!/usr/bin/env python3
"""Holds the rows of written.parquet, which write_test.go writes, to what they are, by PyArrow."""
import pathlib
import pyarrow
import pyarrow.parquet

table = pyarrow.parquet.read_table(pathlib.Path(__file__).parent / "written.parquet")
rows = []
for i in range(100):
    top = [] if i % 5 == 4 else [{"index": 10 * i + j, "class": "é" * j, "probability": i * 0.5**j} for j in range(i % 4)]
    rows.append({"image": f"photos/{i}.jpg", "row": -i if i % 7 == 3 else None, "top": top, "error": "no image" if i % 5 == 4 else None})
assert table.to_pylist() == rows
print(pyarrow.__version__, table.schema, sep="\n")
