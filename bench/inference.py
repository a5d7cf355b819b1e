# SPDX-License-Identifier: Apache-2.0
"""Runs inference by both sides in turn, each in a process of its own, and prints the medians and the ratios. Started by
inference.sh."""

import argparse
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
GOQAT = {  # how `qat bench` names the networks
    "lenet": ["--model", "lenet"],
    "resnet20": ["--model", "resnet20"],
    "mobilenet": ["--model", "mobilenet", "--set", "model.width=0.5"],
}


def run(command):
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main():
    p = argparse.ArgumentParser(prog="inference.sh")
    p.add_argument("--dir", required=True, help=argparse.SUPPRESS)
    p.add_argument("--models", default=",".join(GOQAT))
    p.add_argument("--batches", default="1,128")
    p.add_argument("--threads", default="1")
    p.add_argument("--rounds", type=int, default=3)
    a = p.parse_args()
    print(f"{'network':<10} {'batch':>5} {'goqat':>8} {'ORT':>8} {'ratio':>6}   medians of {a.rounds} rounds, ms an image, {a.threads} threads, 8 bits")
    for model in a.models.split(","):
        if model not in GOQAT:
            sys.exit(f"inference.sh: there is no network {model}, only {', '.join(GOQAT)}")
        for batch in a.batches.split(","):
            ours, theirs = [], []
            for _ in range(a.rounds):
                theirs.append(run(["node", os.path.join(HERE, "ort_run.js"), f"{a.dir}/{model}.onnx", batch, a.threads])["p50"])
                ours.append(run([f"{a.dir}/qat", "bench", "--json", "--method", "int", "--weight-bits", "8", "--activation-bits", "8",
                                 "--batch", batch, "--threads", a.threads] + GOQAT[model])["latency_ms"]["p50"])
            goqat, ort = statistics.median(ours) / int(batch), statistics.median(theirs) / int(batch)
            print(f"{model:<10} {batch:>5} {goqat:8.4f} {ort:8.4f} {goqat / ort:6.2f}", flush=True)


main()
