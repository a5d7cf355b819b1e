# SPDX-License-Identifier: Apache-2.0
"""Runs the steps of goqat and of PyTorch in turn, each in a process of its own, and
prints the medians and the ratios, for every PyTorch given. Started by compare.sh."""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOQAT = {  # how `qat bench train` names the networks
    "lenet": ["--model", "lenet"],
    "resnet20": ["--model", "resnet20"],
    "mobilenet": ["--model", "mobilenet", "--set", "model.width=0.5"],
}


def run(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def median(runs, *path):
    values = []
    for r in runs:
        for key in path:
            r = r[key]
        values.append(r)
    return statistics.median(values)


def main():
    p = argparse.ArgumentParser(prog="compare.sh")
    p.add_argument("--qat", required=True, help=argparse.SUPPRESS)
    p.add_argument("--python", action="append", help="an interpreter that can import torch; may be repeated")
    p.add_argument("--models", default=",".join(GOQAT))
    p.add_argument("--method", default="int")
    p.add_argument("--bits", default="8", help="of weights and activations, on goqat's side")
    p.add_argument("--batch", default="128")
    p.add_argument("--threads", default="2")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", default="10", help="of each kind in a round")
    a = p.parse_args()
    common = ["--batch", a.batch, "--threads", a.threads, "--steps", a.steps]
    unknown = [m for m in a.models.split(",") if m not in GOQAT]
    if unknown:
        sys.exit(f"compare.sh: there is no network {unknown[0]}, only {', '.join(GOQAT)}")

    kernels = os.environ.get("GOQAT_TRAIN_KERNELS", "")
    print(f"batch {a.batch}, {a.threads} threads, {a.rounds} rounds of {a.steps} steps, medians in ms; "
          f"goqat {a.method} {a.bits} bits{kernels and ', kernels ' + kernels}; {platform.machine()}")
    print(f"{'network':<10} {'with':<16} {'float':>7} {'bf16':>7} {'QAT':>7} {'QAT adds':>8} {'MB':>5} {'allocs':>6}   "
          "goqat is x times as fast: float, QAT, QAT as bf16; takes x of the memory")
    for model in a.models.split(","):
        ours, theirs = [], {python: {"float": [], "bfloat16": [], "qat": []} for python in a.python or [sys.executable]}
        for _ in range(a.rounds):
            for python, runs in theirs.items():
                for mode in runs:
                    runs[mode].append(run([python, os.path.join(HERE, "torch_step.py"), "--model", model, "--mode", mode] + common))
            ours.append(run([a.qat, "bench", "train", "--json", "--method", a.method, "--weight-bits", a.bits,
                             "--activation-bits", a.bits] + GOQAT[model] + common))
        f, q, mb = median(ours, "float_step_ms", "p50"), median(ours, "step_ms", "p50"), median(ours, "peak_rss_mb")
        print(f"{model:<10} {'goqat':<16} {f:7.1f} {'':7} {q:7.1f} {median(ours, 'fakequant_overhead'):8.1%} {mb:5.0f} {median(ours, 'allocs_per_step'):6.0f}", flush=True)
        for runs in theirs.values():
            first = runs["float"][0]
            if ours[0]["parameters"] - first["parameters"] not in range(0, 100):  # learned clips
                sys.exit(f"compare.sh: {model} has {ours[0]['parameters']} parameters here and {first['parameters']} there")
            tf, tq, tmb = median(runs["float"], "step_ms", "p50"), median(runs["qat"], "step_ms", "p50"), median(runs["qat"], "peak_rss_mb")
            tb = median(runs["bfloat16"], "step_ms", "p50")
            name = "torch " + first["version"].split("+")[0]
            print(f"{model:<10} {name:<16} {tf:7.1f} {tb:7.1f} {tq:7.1f} {tq / tf - 1:8.1%} {tmb:5.0f} {'':6}   {tf / f:.2f} {tq / q:.2f} {tb / q:.2f} {mb / tmb:.2f}", flush=True)


main()
