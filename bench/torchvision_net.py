# SPDX-License-Identifier: Apache-2.0
"""Takes one network of torchvision through goqat; see torchvision.sh."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

MEAN, STD = "0.485,0.456,0.406", "0.229,0.224,0.225"
BITS = 4  # of a step, or the nearest that a method has


def run(*command):
    """Runs a command that prints JSON; returns that, the seconds and the peak memory in MB, or why it failed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen([*map(str, command), "--json"], stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        out.seek(0)
        errors.seek(0)
        if status:
            return None, seconds, errors.read().decode().strip().splitlines()[-1]
        return json.loads(out.read()), seconds, usage.ru_maxrss / 1024


def must(*command):
    result, seconds, memory = run(*command)
    if result is None:
        sys.exit(f"{' '.join(map(str, command))}: {memory}")
    return result, seconds, memory


def mismatches(verified):
    if verified["integer_mismatches"]:
        sys.exit(f"{verified['integer_mismatches']} integers differ")
    return 0


def main():
    qat, work, name = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    photos, network, folder = work / "photos", work / f"{name}.onnx", work / name
    imported, seconds, memory = must(qat, "import", network, "--mean", MEAN, "--std", STD, "--data", photos, "-o", folder)
    print(f"{name}: {imported['parameters']:,} parameters, {network.stat().st_size:,} B as ONNX, difference "
          f"{imported['relative_difference']:.1e}; import {seconds:.0f} s, {memory:.0f} MB", flush=True)
    classes = len(list((photos / "train").iterdir()))
    checkpoint = folder / "checkpoint-float.safetensors"
    for bits in "8", "4":
        result, seconds, memory = must(qat, "calibrate", checkpoint, "--data", photos, "--images", "16", "--weight-bits", bits,
                                       "--activation-bits", bits, "-o", work / "m.qmodel")
        verified = result["verify"]
        print(f"  calibrate {bits} bits: {seconds:.0f} s, {memory:.0f} MB, {result['file_bytes']:,} B, {mismatches(verified)} differ in "
              f"{verified['tensors']} tensors of {verified['images']} images", flush=True)
    methods = {m["name"]: m for m in must(qat, "methods")[0]}
    for method in os.environ.get("METHODS", " ".join(methods)).split():  # of each class one image for a step, one for validation
        widths = [min(methods[method][what], key=lambda bits: abs(bits - BITS)) for what in ("weight_bits", "activation_bits")]
        out = work / "step"
        result, seconds, memory = run(qat, "train", folder / "config.yaml", "--init", checkpoint, "--method", method, "--weight-bits", widths[0],
                                      "--activation-bits", widths[1], "--epochs", "1", "--batch", classes,
                                      "--set", f"data.train_limit={2 * classes}", "--set", "data.test_limit=2", "--set", "verify.images=1", "--out", out)
        if result is None:
            print(f"  a step of {method}: {memory}", flush=True)
        else:
            print(f"  a step of {method}, {widths[0]} and {widths[1]} bits: {seconds:.0f} s, {memory:.0f} MB, {result['size_bytes']['integer']:,} B, {mismatches(result['verify'])} differ",
                  flush=True)
        shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(folder)
    network.unlink()


main()
