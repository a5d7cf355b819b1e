# SPDX-License-Identifier: Apache-2.0
"""Measures a training step of PyTorch, float, bfloat16 (automatic mixed precision, tensors with
channels last, which takes AMX where there is AMX) or quantization-aware (FX graph mode,
torch.ao.quantization, the default configuration for qnnpack), on random images, and
prints JSON. One network a process, so that the memory is that of this network's
training. The networks are goqat's."""

import argparse
import json
import resource
import statistics
import time
import warnings

import torch
from torch import nn
from torch.ao.quantization import get_default_qat_qconfig_mapping
from torch.ao.quantization.quantize_fx import prepare_qat_fx

warnings.filterwarnings("ignore")


def unit(inputs, outputs, kernel, stride=1, groups=1, active=True):
    """A convolution without bias, batch normalization and, if active, ReLU."""
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, nn.ReLU()) if active else nn.Sequential(*layers)


class Residual(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(unit(inputs, outputs, 3, stride), unit(outputs, outputs, 3, active=False))
        self.same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if self.same else unit(inputs, outputs, 1, stride, active=False)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.body(x) + (x if self.same else self.shortcut(x)))


def pooled(layers, channels):
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def lenet():
    return nn.Sequential(
        unit(1, 32, 5), nn.MaxPool2d(2), unit(32, 64, 5), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(64 * 7 * 7, 512), nn.ReLU(), nn.Linear(512, 10),
    )


def resnet20():
    layers, channels = [unit(3, 16, 3)], 16
    for width, stride in ((16, 1), (32, 2), (64, 2)):
        for block in range(3):
            layers.append(Residual(channels, width, stride if block == 0 else 1))
            channels = width
    return pooled(layers, channels)


def mobilenet(width=0.5):
    channels = int(32 * width)
    layers = [unit(3, channels, 3)]
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + 5 * [(512, 1)] + [(1024, 2), (1024, 1)]
    for outputs, stride in plan:
        outputs = int(outputs * width)
        layers += [unit(channels, channels, 3, stride, groups=channels), unit(channels, outputs, 1)]
        channels = outputs
    return pooled(layers, channels)


NETWORKS = {"lenet": (lenet, (1, 28, 28)), "resnet20": (resnet20, (3, 32, 32)), "mobilenet": (mobilenet, (3, 32, 32))}


class Trainer:
    def __init__(self, network, mixed=False):
        self.network = network
        self.mixed = mixed
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        self.loss = nn.CrossEntropyLoss()

    def step(self, x, y):
        """Returns the milliseconds of a step."""
        start = time.perf_counter()
        self.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.mixed):
            loss = self.loss(self.network(x), y)
        loss.backward()
        self.optimizer.step()
        return (time.perf_counter() - start) * 1e3


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", choices=NETWORKS, required=True)
    p.add_argument("--mode", choices=["float", "bfloat16", "qat"], required=True)
    p.add_argument("--batch", type=int, default=128)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--steps", type=int, default=10)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    if "qnnpack" in torch.backends.quantized.supported_engines:
        torch.backends.quantized.engine = "qnnpack"
    build, shape = NETWORKS[a.model]
    x, y = torch.randn(a.batch, *shape), torch.randint(0, 10, (a.batch,))
    network = build().train()
    parameters = sum(p.numel() for p in network.parameters())
    if a.mode == "qat":
        network = prepare_qat_fx(network, get_default_qat_qconfig_mapping("qnnpack"), (x,))
    if a.mode == "bfloat16":
        network, x = network.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    trainer = Trainer(network, a.mode == "bfloat16")
    for _ in range(2):
        trainer.step(x, y)
    ms = [trainer.step(x, y) for _ in range(a.steps)]
    print(json.dumps({
        "version": torch.__version__,
        "parameters": parameters,
        "step_ms": {"min": min(ms), "p50": statistics.median(ms)},
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024e-6,
    }))


if __name__ == "__main__":
    main()
