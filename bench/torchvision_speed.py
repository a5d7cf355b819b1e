# SPDX-License-Identifier: Apache-2.0
"""Times one network of torchvision in goqat and in ONNX Runtime; see torchvision_speed.sh."""

import collections
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def photos(work):
    import numpy as np
    import skimage.io

    paths = sorted((work / "photos" / "train").glob("*/*.png"))[::4]
    images = np.stack([skimage.io.imread(p) for p in paths]) / 255
    return ((images - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2).copy()


def prepare(work, name):
    """Quantizes the network by ONNX Runtime, per channel, with UINT8 activations."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.images = iter(photos(work))

        def get_next(self):
            x = next(self.images, None)
            return None if x is None else {"input": x[None]}

    quant_pre_process(str(work / f"{name}.onnx"), str(work / "pre.onnx"))
    quantize_static(str(work / "pre.onnx"), str(work / "qdq.onnx"), Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


def run_onnxruntime(work):
    """Prints what a run takes, in a process of its own: seconds, and memory beyond that of the program."""
    import numpy as np
    import onnxruntime as ort

    before = resident("VmRSS")
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.optimized_model_filepath = str(work / "optimized.onnx")
    options.log_severity_level = 3
    session = ort.InferenceSession(str(work / "qdq.onnx"), options, providers=["CPUExecutionProvider"])
    x = np.zeros((1, 3, 224, 224), np.float32)
    took = []
    while len(took) < 5 or sum(took) < 3:
        start = time.perf_counter()
        session.run(None, {"input": x})
        took.append(time.perf_counter() - start)
    print(json.dumps({"version": ort.__version__, "ms": 1e3 * statistics.median(took), "mb": (resident("VmHWM") - before) / 1024}))


def resident(what):
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split(what + ":")[1].split()[0])


def run(*command):
    """Runs a command that prints JSON; returns that and its peak memory in MB."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        out.seek(0)
        if status:
            sys.exit(f"{' '.join(map(str, command))} failed")
        return json.loads(out.read()), usage.ru_maxrss / 1024


def compare(work, name, rounds):
    qat, model = work / "qat", work / "m.qmodel"
    run(qat, "import", work / f"{name}.onnx", "--mean", ",".join(map(str, MEAN)), "--std", ",".join(map(str, STD)), "--data", work / "photos", "-o",
        work / name, "--json")
    run(qat, "calibrate", work / name / "checkpoint-float.safetensors", "--data", work / "photos", "--images", "16", "-o", model, "--json")
    empty = run(qat, "methods", "--json")[1]
    ours, theirs, ratios, memory = [], [], [], []
    for _ in range(rounds):
        goqat, peak = run(qat, "bench", model, "--threads", "1", "--batch", "1", "--json")
        other = run(sys.executable, __file__, "run", work, name)[0]
        ours.append(goqat["latency_ms"]["p50"])
        theirs.append(other["ms"])
        ratios.append(ours[-1] / theirs[-1])
        memory.append((peak - empty, peak, other["mb"]))
    print(f"{name}: goqat ({goqat['kernel']}) {statistics.median(ours):.2f} ms, onnxruntime {other['version']} {statistics.median(theirs):.2f} ms, ratio "
          f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}); load {os.getloadavg()[0]:.1f}")
    own, whole, their = (statistics.median(m[k] for m in memory) for k in range(3))
    print(f"  memory: goqat {own:.1f} MB beyond the program, {whole:.1f} MB with it, onnxruntime {their:.1f} MB beyond it, ratio {own / their:.2f}")
    report(work / "optimized.onnx")


def report(path):
    import onnx

    kinds = collections.Counter(node.op_type for node in onnx.load(path).graph.node)
    print("  nodes of ONNX Runtime:", ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))
    codes = "DequantizeLinear", "Flatten", "MaxPool", "NhwcMaxPool", "Transpose", "Reshape"  # the rest of codes, one of the logits
    left = [kind for kind in kinds if not kind.startswith("Q") and kind not in codes]
    if left or kinds["DequantizeLinear"] > 1:
        sys.exit(f"  in floating point: {left}")


what, work, name, *rest = sys.argv[1:]
work = pathlib.Path(work)
if what == "prepare":
    prepare(work, name)
elif what == "run":
    run_onnxruntime(work)
else:
    compare(work, name, int(rest[0]))
