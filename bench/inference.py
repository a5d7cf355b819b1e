# SPDX-License-Identifier: Apache-2.0
"""Runs the inference of goqat and of other runtimes in turn, each in a process of its
own, and prints the medians and the ratios. Started by inference.sh."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile

import onnx_models
from networks import NETWORKS

HERE = os.path.dirname(os.path.abspath(__file__))
WIDTH = {"mobilenet": ["--set", "model.width=0.5"]}  # of `qat bench`, where it is not 1


def run(*command):
    return json.loads(subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout)


def imports(python, module):
    return subprocess.run([python, "-c", f"import {module}"], stderr=subprocess.DEVNULL).returncode == 0


class Onnx:
    """ONNX Runtime on the network in float or with 8 bits."""

    def __init__(self, directory, model, integers):
        self.model, self.integers = os.path.join(directory, f"{model}.{integers}.onnx"), integers
        self.optimized = self.model.replace(".onnx", ".optimized.onnx")
        self.shape = ",".join(map(str, NETWORKS[model][1]))
        self.macs = onnx_models.write(model, integers, self.model)

    def measure(self, batch, threads, seconds):
        r = run("node", os.path.join(HERE, "ort_run.js"), self.model, self.optimized,
                "uint8" if self.integers else "float32", self.shape, batch, threads, seconds)
        left = self.integers and onnx_models.unfused(self.optimized)
        if left:
            sys.exit(f"inference.sh: ONNX Runtime {r['version']} does not fuse all of {self.model}: {', '.join(left)} are left")
        return {f"ONNX Runtime {r['version']}, {'8 bits' if self.integers else 'float'}": r["ms"]}


class Python:
    """PyTorch or LiteRT with 8 bits, in a Python that has it."""

    def __init__(self, python, script, model):
        self.command = [python, os.path.join(HERE, script), "--model", model]

    def measure(self, batch, threads, seconds):
        r = run(*self.command, "--batch", batch, "--threads", threads, "--seconds", seconds)
        version = r["version"].split("+")[0]
        if isinstance(r["ms"], dict):
            return {f"PyTorch {version}, {engine}": ms for engine, ms in r["ms"].items()}
        return {f"LiteRT {version}, XNNPACK": r["ms"]}


class Goqat:
    def __init__(self, qat, model, bits, macs):
        self.name, self.model, self.macs = f"goqat {bits}/{bits}", model, macs
        self.command = [qat, "bench", "--json", "--model", model, "--method", "int",
                        "--weight-bits", bits, "--activation-bits", bits] + WIDTH.get(model, [])
        self.notes = []

    def measure(self, batch, threads, seconds):
        r = run(*self.command, "--batch", batch, "--threads", threads)
        if r["macs"] != self.macs:
            sys.exit(f"inference.sh: {self.model} takes {r['macs']} multiply-accumulates here and {self.macs} there")
        self.notes.append(r)
        return {self.name: r["latency_ms"]["p50"]}

    def note(self):
        load = statistics.median(r["load_ms"] for r in self.notes)
        return f"{self.model} {self.name}: {self.notes[0]['kernel']}, {max(r['allocs_per_run'] for r in self.notes)} allocations a run, loaded in {load:.1f} ms"


def main():
    p = argparse.ArgumentParser(prog="inference.sh")
    p.add_argument("--qat", required=True, help=argparse.SUPPRESS)
    p.add_argument("--python", action="append", default=[], help=argparse.SUPPRESS)
    p.add_argument("--models", default=",".join(NETWORKS))
    p.add_argument("--bits", default="8,4", help="of weights and activations, on goqat's side")
    p.add_argument("--batches", default="1,128")
    p.add_argument("--threads", default="1")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", default="1", help="for each of the others in a round, goqat takes 2")
    a = p.parse_args()
    unknown = [m for m in a.models.split(",") if m not in NETWORKS]
    if unknown:
        sys.exit(f"inference.sh: there is no network {unknown[0]}, only {', '.join(NETWORKS)}")
    scripts = [(python, script) for python in a.python
               for module, script in (("ai_edge_litert", "litert_run.py"), ("torch", "torch_run.py")) if imports(python, module)]

    bits = a.bits.split(",")
    print(f"{a.threads} thread(s), medians of {a.rounds} rounds; the last columns have goqat's time by that of the line; {platform.machine()}\n")
    print("| Network | Batch | Runtime | ms an image | " + " | ".join(f"goqat {b}/{b}" for b in bits) + " |")
    print("|---|---|---|---|" + "---|" * len(bits), flush=True)
    notes = []
    with tempfile.TemporaryDirectory() as directory:
        for model in a.models.split(","):
            integers = Onnx(directory, model, True)
            ours = [Goqat(a.qat, model, b, integers.macs) for b in bits]
            others = [integers, Onnx(directory, model, False)] + [Python(*s, model) for s in scripts]
            for batch in map(int, a.batches.split(",")):
                times = {}
                for _ in range(a.rounds):
                    for runtime in ours + others:
                        for name, ms in runtime.measure(batch, a.threads, a.seconds).items():
                            times.setdefault(name, []).append(ms / batch)
                medians = {name: statistics.median(t) for name, t in times.items()}
                for name, ms in medians.items():
                    ratios = ["" if name.startswith("goqat") else f"{medians[g.name] / ms:.2f}" for g in ours]
                    print(f"| {model} | {batch} | {name} | {ms:.4f} | " + " | ".join(ratios) + " |", flush=True)
            notes += [g.note() for g in ours]
    print("\n" + "\n".join(notes))


try:
    main()
except subprocess.CalledProcessError as e:
    sys.exit(f"inference.sh: {' '.join(e.cmd)} failed:\n{e.stderr.decode()}")
