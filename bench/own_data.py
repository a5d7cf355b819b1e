# SPDX-License-Identifier: Apache-2.0
"""Trains what own_data.sh compares, and prints the tables; see there."""

import json
import math
import pathlib
import statistics
import subprocess
import sys
import time

SETS = {"digits": (8, 16), "cells": (32, 64), "icons": (32, 48)}  # and the sides of the pictures
SEEDS = 1, 2, 3
BITS = 8, 4
CHOSEN = "chosen by qat"

# What somebody might try who tunes; every value that qat would choose is given.
PLAIN = "batch=64 float.epochs=24 float.lr=0.05 qat.epochs=6 qat.lr=0.003 data.balance=0 class_weights=none smoothing=0"
LONG = PLAIN + " batch=32 float.epochs=60 qat.epochs=12"
TURN = " data.augment.rotate=10 data.augment.scale=0.1 data.augment.crop=8%"


def pooled(channels):
    """Returns a network of four convolutions before global pooling."""
    layers = [f"{{kind: conv, channels: {times * channels}, kernel: 3, stride: {stride}, pad: 1, norm: true, activation: relu}}"
              for times, stride in ((1, 1), (2, 2), (2, 1), (4, 2))]
    return " model=[" + ",".join(layers + ["{kind: globalavgpool}", "{kind: linear}"]).replace(" ", "") + "]"


LENET = " model.name=lenet model.width=0.5"
TUNED = {
    "lenet, as the quick start": PLAIN + " model.name=lenet model.width=0.25",
    "lenet, longer": LONG + LENET,
    "lenet, longer, turned": LONG + LENET + TURN,
    "lenet, adamw": LONG + LENET + " float.optimizer=adamw float.lr=0.002 float.decay=0.05 smoothing=0.1",
    "lenet, balanced, turned": LONG + LENET + TURN + " data.balance=0.5",
    "pooled 16, turned": LONG + pooled(16) + TURN,
    "pooled 32": LONG + pooled(32) + " float.epochs=40",
    "pooled 16, weights, turned": LONG + pooled(16) + TURN + " class_weights=auto smoothing=0.1",
    "pooled 16, balanced, flipped": LONG + pooled(16) + TURN + " data.balance=1 data.augment.flip=true",
    "resnet8, flipped": LONG + " model.name=resnet8 model.width=0.5 float.epochs=30 float.lr=0.1 data.augment.flip=true data.balance=0.5",
}


class Enough(Exception):
    """The time is over."""


class Runs:
    def __init__(self, folder, minutes):
        self.folder, self.end = folder, time.monotonic() + 60 * minutes

    def of(self, name, side, recipe, seed, bits):
        """Returns the outcome of a run, made if it is not there."""
        out = self.folder / "runs" / f"{name}-{side}-{recipe.replace(', ', '-').replace(' ', '-')}-{seed}-{bits}"
        if not (out / "summary.json").exists():
            if time.monotonic() > self.end:
                raise Enough
            self.train(out, name, side, recipe, seed, bits)
        summary = json.loads((out / "summary.json").read_text())
        epochs = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
        return summary, max(e["balanced"] for e in epochs if e["phase"] == "qat")

    def train(self, out, name, side, recipe, seed, bits):
        if (out / "config.yaml").exists():
            command = ["--resume", out]
        else:
            words = [] if recipe == CHOSEN else TUNED[recipe].split()
            words += [f"data.height={side}", f"data.width={side}"]
            command = ["--data", self.folder / "sets" / name, "--seed", seed, "--out", out, "--threads", 1]
            command += [word for w in words for word in ("--set", w.replace(",", ", ").replace(":", ": "))]
            if recipe != CHOSEN or bits != 8:
                command += ["--method", "int" if bits == 8 else "pact", "--weight-bits", bits, "--activation-bits", bits]
            if bits != 8:
                float_network = self.folder / "runs" / out.name.replace(f"-{seed}-{bits}", f"-{seed}-8") / "checkpoint-float.safetensors"
                command += ["--init", float_network]
        began = time.monotonic()
        done = subprocess.run([self.folder / "qat", "train", *map(str, command)], capture_output=True, text=True)
        print(f"{time.monotonic() - began:6.1f} s  {out.name}", file=sys.stderr, flush=True)
        if done.returncode:
            raise SystemExit(f"{out.name}: {done.stderr[-2000:]}")


def standard_error(summary):
    """Returns that of a balanced accuracy: of a mean of recalls."""
    recalls = [(c["accuracy"], c["images"]) for c in summary["per_class"] if c["images"]]
    return math.sqrt(sum(r * (1 - r) / n for r, n in recalls)) / len(recalls)


def row(name, outcomes):
    """Returns a row of the table: runs of one recipe and width, a seed each."""
    balanced = [100 * s["accuracy"]["balanced"] for s, _ in outcomes]
    error = 100 * math.sqrt(sum(standard_error(s) ** 2 for s, _ in outcomes)) / len(outcomes)
    recalls = [min(c["accuracy"] for c in s["per_class"] if c["images"]) for s, _ in outcomes]
    return {
        "name": name, "balanced": statistics.mean(balanced), "error": error,
        "accuracy": statistics.mean(100 * s["accuracy"]["integer"] for s, _ in outcomes),
        "float": statistics.mean(100 * s["accuracy"]["float"] for s, _ in outcomes),
        "recall": min(recalls), "mismatches": sum(s["verify"]["integer_mismatches"] for s, _ in outcomes),
        "validation": 100 * statistics.mean(v for _, v in outcomes), "seeds": len(outcomes),
    }


def compare(runs, name, side):
    """Prints what one set at one size gives: all recipes by validation, then the best of them beside what qat chooses."""
    chosen = {b: row(CHOSEN, [runs.of(name, side, CHOSEN, s, b) for s in SEEDS]) for b in BITS}
    tuned = [row(r, [runs.of(name, side, r, SEEDS[0], 8)]) for r in TUNED]
    best = max(tuned, key=lambda r: r["validation"])["name"]
    rows = {b: row(best, [runs.of(name, side, best, s, b) for s in SEEDS]) for b in BITS}
    print(f"\n### {name}, {side} x {side}\n\n| recipe, seed 1, 8 bits | balanced, validation | balanced, test |\n|---|---|---|")
    for r in sorted(tuned, key=lambda r: -r["validation"]):
        print(f"| {r['name']} | {r['validation']:.1f} % | {r['balanced']:.1f} % |")
    print("\n| recipe, three seeds | bits | balanced | accuracy | float | least recall | integers that differ |\n|---|---|---|---|---|---|---|")
    for bits in BITS:
        for r in chosen[bits], rows[bits]:
            print(f"| {r['name']} | {bits} | {r['balanced']:.1f} ± {r['error']:.1f} % | {r['accuracy']:.1f} % | {r['float']:.1f} % | {r['recall']:.2f} | {r['mismatches']} |")


def main():
    folder = pathlib.Path(sys.argv[1])
    runs = Runs(folder, float(sys.argv[2]) if len(sys.argv) > 2 else 9)
    left = []
    for name in sys.argv[3:] or SETS:
        for side in SETS[name]:
            try:
                compare(runs, name, side)
            except Enough:
                left.append(f"{name} at {side}")
    if left:
        print(f"not all is done: {', '.join(left)}; run it again", file=sys.stderr)


main()
