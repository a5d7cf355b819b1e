# SPDX-License-Identifier: Apache-2.0
"""Runs the steps of both sides in turn, each in a process of its own, and prints
the medians and the ratios. Started by compare.sh."""

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


def main():
    p = argparse.ArgumentParser(prog="compare.sh")
    p.add_argument("--qat", required=True, help=argparse.SUPPRESS)
    p.add_argument("--models", default=",".join(GOQAT))
    p.add_argument("--method", default="int")
    p.add_argument("--bits", default="8", help="of weights and activations, on goqat's side")
    p.add_argument("--batch", default="128")
    p.add_argument("--threads", default="2")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--steps", default="10", help="of each kind in a round")
    a = p.parse_args()
    common = ["--batch", a.batch, "--threads", a.threads, "--steps", a.steps]

    print(f"batch {a.batch}, {a.threads} threads, {a.rounds} rounds of {a.steps} steps, medians in ms; "
          f"goqat {a.method} {a.bits} bits; {platform.machine()}")
    print(f"{'network':<10} {'float':>7} {'torch':>7} {'ratio':>6} {'QAT':>7} {'torch':>7} {'ratio':>6} "
          f"{'overhead':>8} {'torch':>7} {'MB':>5} {'torch':>6} {'allocs':>6}")
    for model in a.models.split(","):
        if model not in GOQAT:
            sys.exit(f"compare.sh: there is no network {model}, only {', '.join(GOQAT)}")
        ours, theirs = [], []
        for _ in range(a.rounds):
            theirs.append(run([sys.executable, os.path.join(HERE, "torch_step.py"), "--model", model] + common))
            ours.append(run([a.qat, "bench", "train", "--json", "--method", a.method, "--weight-bits", a.bits,
                             "--activation-bits", a.bits] + GOQAT[model] + common))
            if ours[-1]["parameters"] - theirs[-1]["parameters"] not in range(0, 100):  # learned clips
                sys.exit(f"compare.sh: {model} has {ours[-1]['parameters']} parameters here and {theirs[-1]['parameters']} there")

        def median(runs, *path):
            values = []
            for r in runs:
                for key in path:
                    r = r[key]
                values.append(r)
            return statistics.median(values)

        f, q = median(ours, "float_step_ms", "p50"), median(ours, "step_ms", "p50")
        tf, tq = median(theirs, "float_step_ms", "p50"), median(theirs, "step_ms", "p50")
        overhead, their_overhead = median(ours, "fakequant_overhead"), median(theirs, "fakequant_overhead")
        print(f"{model:<10} {f:7.1f} {tf:7.1f} {tf / f:6.2f} {q:7.1f} {tq:7.1f} {tq / q:6.2f} "
              f"{overhead:8.1%} {their_overhead:7.1%} {median(ours, 'peak_rss_mb'):5.0f} {median(theirs, 'peak_rss_mb'):6.0f} "
              f"{median(ours, 'allocs_per_step'):6.0f}", flush=True)


main()
