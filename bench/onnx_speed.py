# SPDX-License-Identifier: Apache-2.0
"""Compares the time of two exports of a model in ONNX Runtime, in turn: one image, one thread.

usage: python3 bench/onnx_speed.py A.onnx B.onnx
"""
import statistics
import sys
import time

import numpy as np
import onnxruntime as ort

ROUNDS, RUNS = 40, 60


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def microseconds(s, feed):
    """The fastest of some runs."""
    best = float("inf")
    for _ in range(RUNS):
        start = time.perf_counter()
        s.run(None, feed)
        best = min(best, time.perf_counter() - start)
    return 1e6 * best


sessions = [session(path) for path in sys.argv[1:3]]
image = sessions[0].get_inputs()[0]
feed = {image.name: np.random.default_rng(1).integers(0, 256, [1] + image.shape[1:]).astype(np.uint8)}
rounds = [[microseconds(s, feed) for s in sessions] for _ in range(ROUNDS)]
a, b = (statistics.median(r[k] for r in rounds) for k in range(2))
print(f"onnxruntime {ort.__version__}: {a:.0f} and {b:.0f} us, median of {ROUNDS} rounds; ratio {statistics.median(r[1] / r[0] for r in rounds):.2f}")
