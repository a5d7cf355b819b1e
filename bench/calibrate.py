# SPDX-License-Identifier: Apache-2.0
"""Times the calibration of ResNet-20 by goqat and by ONNX Runtime; see calibrate.sh."""

import json
import logging
import os
import pathlib
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zlib

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

import onnx_models

IMAGES, MANY, TESTED, CLASSES, BATCH = 1024, 10240, 200, 10, 64
METHODS = {"minmax": CalibrationMethod.MinMax, "kl": CalibrationMethod.Entropy}


def write_png(path, pixels):
    """Writes 8-bit colour without filters, fast to write and to read."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


def write_folder(folder, images):
    """Writes images as the training part of a folder, a class each in turn, and some as the test part."""
    for part, some in ("train", images), ("test", images[:TESTED]):
        for i, pixels in enumerate(some):
            path = folder / part / f"class{i % CLASSES}" / f"{i:05}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_png(path, pixels)


def run(*command):
    """Runs a command; returns what it printed and its peak memory in MB, which Linux tells while it runs."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process, peak = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=errors), 0
        while process.poll() is None:
            try:
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                if "VmHWM" in status and b"qat" in pathlib.Path(f"/proc/{process.pid}/comm").read_bytes():
                    peak = max(peak, int(status.split("VmHWM:")[1].split()[0]))
            except OSError:
                pass
            time.sleep(0.01)
        out.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.exit(f"{' '.join(map(str, command))}: {errors.read().decode()}")
        return out.read(), peak / 1024


class Reader(CalibrationDataReader):
    def __init__(self, name, images):
        self.batches = iter([{name: images[at:at + BATCH]} for at in range(0, len(images), BATCH)])

    def get_next(self):
        return next(self.batches, None)


def main():
    logging.disable(logging.WARNING)  # pre-processing folds what this network does not have
    qat, work, rounds = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (MANY * 10 // 9 + CLASSES, 8, 8, 3))  # a tenth is set aside
    images = np.clip(coarse.repeat(4, 1).repeat(4, 2) + rng.normal(0, 20, (len(coarse), 32, 32, 3)), 0, 255).astype(np.uint8)
    write_folder(work / "images", images)
    run(qat, "train", "--model", "resnet20", "--data", work / "images", "--float-epochs", "1", "--epochs", "0", "--method", "int",
        "--set", "data.train_limit=640", "--out", work / "run")
    checkpoint, folder = work / "run" / "checkpoint-float.safetensors", ["--data", work / "images"]
    macs = onnx_models.write("resnet20", False, work / "float.onnx")
    goqat_macs = json.loads(run(qat, "inspect", checkpoint, "--json")[0])["macs"]
    if macs != goqat_macs:
        sys.exit(f"the networks differ: {macs} and {goqat_macs} multiply-accumulates")
    name = onnx.load(work / "float.onnx").graph.input[0].name
    floats = ((images[:IMAGES] / 255 - 0.5) / 0.25).astype(np.float32).transpose(0, 3, 1, 2).copy()

    def goqat(method, count=IMAGES):
        out, peak = run(qat, "calibrate", checkpoint, *folder, "--images", str(count), "--calibrator", method, "--json", "-o", work / "m.qmodel")
        return json.loads(out)["seconds"], peak

    def ort(method):
        start = time.perf_counter()
        quantize_static(str(work / "float.onnx"), str(work / "m.onnx"), Reader(name, floats), quant_format=QuantFormat.QDQ,
                        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, calibrate_method=METHODS[method])
        return time.perf_counter() - start

    print(f"ResNet-20, {IMAGES} images, onnxruntime {onnxruntime.__version__}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    for method in METHODS:
        both = [(goqat(method)[0], ort(method)) for _ in range(rounds)]
        a, b = (statistics.median(pair[k] for pair in both) for k in range(2))
        print(f"{method:8} goqat {a:8.2f} s   onnxruntime {b:8.2f} s   part {statistics.median(x / y for x, y in both):.2f}", flush=True)
    evaluation = run(qat, "eval", checkpoint, *folder)[1]
    for count in IMAGES, MANY:
        peak = goqat("kl", count)[1]
        print(f"{count} images: peak {peak:.0f} MB, evaluation {evaluation:.0f} MB, part {peak / evaluation:.2f}", flush=True)


main()
