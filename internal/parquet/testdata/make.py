#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the Parquet files of this folder, all of the same rows, in the forms that writers give them.

python3 make.py FOLDER      with PyArrow 26.0.1
"""
import os, sys
import pyarrow as pa
import pyarrow.parquet as pq

n = 300
rows = [None if i % 7 == 3 else {"bytes": None if i % 11 == 5 else bytes([i % 256]) * (i % 40), "path": f"p{i % 5}.png"} for i in range(n)]
table = pa.table({
    "image": pa.array(rows, pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
    "label": pa.array([None if i % 13 == 12 else i % 10 - 1 for i in range(n)], pa.int64()),
    "small": pa.array([-i for i in range(n)], pa.int32()),
    "tags": pa.array([["a", "b"][: i % 3] for i in range(n)], pa.list_(pa.string())),
    "score": pa.array([i / 2 for i in range(n)], pa.float64()),
}).replace_schema_metadata({"note": "made by pyarrow"})

for name, options in {
    "default": {},
    "groups": {"row_group_size": 70, "data_page_size": 64, "write_batch_size": 8, "compression": "zstd", "write_page_index": True, "write_page_checksum": True},
    "plain": {"use_dictionary": False, "compression": "gzip"},
    "second": {"data_page_version": "2.0", "compression": "snappy", "row_group_size": 128, "data_page_size": 256, "write_batch_size": 16},
    "none": {"compression": "none", "data_page_version": "2.0", "use_dictionary": False},
}.items():
    pq.write_table(table, os.path.join(sys.argv[1], name + ".parquet"), **options)
pq.write_table(table, os.path.join(sys.argv[1], "lz4.parquet"), compression="lz4")
pq.write_table(table.select(["small"]), os.path.join(sys.argv[1], "delta.parquet"), use_dictionary=False, column_encoding={"small": "DELTA_BINARY_PACKED"})
