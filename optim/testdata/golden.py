#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes golden.json: ten steps of PyTorch's optimizers and schedulers.

The loss is sum(c * w**2 / 2 + s * sin(w)) over two parameters in two groups,
so that gradients depend on the parameters and errors would add up. All of it
is float64: the numbers are the methods' own, not those of a kernel's rounding.
"""
import json
import re

import torch
from torch.optim import lr_scheduler

torch.set_default_dtype(torch.float64)
STEPS = 10
WEIGHT = [1.5, -0.75, 0.25, -2.0, 0.0, 3.0]
NORM = [1.0, 0.5, -1.25]


def gradient(w):
    """c*w + s*cos(w) with c = 0.5, 1.0, 1.5, ... and s = 0.25."""
    c = torch.arange(1, len(w) + 1) * 0.5
    return c * w + 0.25 * torch.cos(w)


def run(make, rate, decays, clip=None):
    weight = torch.tensor(WEIGHT, requires_grad=True)
    norm = torch.tensor(NORM, requires_grad=True)
    groups = [
        {"params": [weight], "weight_decay": decays[0]},
        {"params": [norm], "weight_decay": decays[1]},
    ]
    optimizer = make(groups, rate)
    steps = []
    for _ in range(STEPS):
        for w in (weight, norm):
            w.grad = gradient(w.detach())
        entry = {}
        if clip is not None:
            entry["norm"] = float(torch.nn.utils.clip_grad_norm_([weight, norm], clip))
        optimizer.step()
        entry["weight"] = weight.detach().tolist()
        entry["norm_scale"] = norm.detach().tolist()
        steps.append(entry)
    return steps


def sgd(**options):
    return lambda groups, rate: torch.optim.SGD(groups, lr=rate, **options)


def adam(**options):
    return lambda groups, rate: torch.optim.Adam(groups, lr=rate, **options)


def adamw(**options):
    return lambda groups, rate: torch.optim.AdamW(groups, lr=rate, **options)


def schedule(make, steps):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.125)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def cosine(steps, floor=0.0):
    return lambda o: lr_scheduler.CosineAnnealingLR(o, steps, eta_min=floor)


def warm(steps, after):
    def make(o):
        ramp = lr_scheduler.LinearLR(o, start_factor=1 / (steps + 1), total_iters=steps)
        return lr_scheduler.SequentialLR(o, [ramp, after(o)], milestones=[steps])

    return make


golden = {
    "initial": {"weight": WEIGHT, "norm_scale": NORM},
    "optimizers": {
        "sgd": run(sgd(), 0.125, (0, 0)),
        "sgd decay": run(sgd(), 0.125, (0.0625, 0)),
        "sgd momentum": run(sgd(momentum=0.9), 0.03125, (0, 0)),
        "sgd momentum decay": run(sgd(momentum=0.9), 0.03125, (0.0625, 0.125)),
        "sgd nesterov": run(sgd(momentum=0.9, nesterov=True), 0.03125, (0, 0)),
        "sgd nesterov decay": run(sgd(momentum=0.9, nesterov=True), 0.03125, (0.0625, 0)),
        "sgd nesterov decay clip": run(sgd(momentum=0.9, nesterov=True), 0.03125, (0.0625, 0), clip=2.0),
        "adam": run(adam(), 0.125, (0, 0)),
        "adam decay": run(adam(), 0.125, (0.25, 0.0625)),
        "adam betas": run(adam(betas=(0.8, 0.95), eps=1e-3), 0.125, (0, 0.0625)),
        "adamw": run(adamw(), 0.125, (0, 0)),
        "adamw decay": run(adamw(), 0.125, (0.25, 0.0625)),
        "adamw betas": run(adamw(betas=(0.8, 0.95), eps=1e-3), 0.125, (0.25, 0)),
    },
    "schedules": {
        "constant": schedule(lambda o: lr_scheduler.ConstantLR(o, factor=1, total_iters=0), 10),
        "step": schedule(lambda o: lr_scheduler.MultiStepLR(o, [5, 8], gamma=0.1), 10),
        "step factor": schedule(lambda o: lr_scheduler.MultiStepLR(o, [3, 6, 9], gamma=0.5), 10),
        "cosine": schedule(cosine(10), 10),
        "cosine floor": schedule(cosine(10, 0.03125), 10),
        "warmup constant": schedule(warm(4, lambda o: lr_scheduler.ConstantLR(o, factor=1, total_iters=0)), 10),
        "warmup cosine": schedule(warm(3, cosine(7)), 10),
    },
}

with open("golden.json", "w") as f:
    text = json.dumps(golden, indent=1)
    f.write(re.sub(r"\s+(?=[-\d\]])", " ", text) + "\n")  # one line an array
