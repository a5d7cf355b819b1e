# SPDX-License-Identifier: Apache-2.0
"""Measures the inference of PyTorch with 8 bits (static quantization, FX graph mode)
by every engine it has for this processor, and prints JSON. The networks are those of
torch_step.py."""

import argparse
import json
import statistics
import time
import warnings

import torch
from torch.ao.quantization import get_default_qconfig_mapping
from torch.ao.quantization.quantize_fx import convert_fx, prepare_fx

from torch_step import NETWORKS

warnings.filterwarnings("ignore")


def measure(network, x, seconds):
    """Returns the median milliseconds of a run."""
    for _ in range(3):
        network(x)
    times, end = [], time.perf_counter() + seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        network(x)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--model", choices=NETWORKS, required=True)
    p.add_argument("--batch", type=int, default=1)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--seconds", type=float, default=1)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    build, shape = NETWORKS[a.model]
    x = torch.randn(a.batch, *shape).contiguous(memory_format=torch.channels_last)
    engines = [e for e in torch.backends.quantized.supported_engines if e != "none"]
    if len(engines) > 1:
        engines.remove("qnnpack")  # is for ARM, and some 30 times slower elsewhere
    ms = {}
    for engine in engines:
        torch.backends.quantized.engine = engine
        network = prepare_fx(build().eval(), get_default_qconfig_mapping(engine), (x,))
        with torch.inference_mode():
            network(torch.randn(64, *shape))
            ms[engine] = measure(convert_fx(network), x, a.seconds)
    print(json.dumps({"version": torch.__version__, "ms": ms}))


main()
