#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# qnnpack is PyTorch's engine of quantized networks for Arm. Its clamp of a tensor in the order channels last (rows, columns, channels, the order
# in which its convolutions and poolings give their results) returns the same bytes under the order channels first: relu6, hardtanh
# and clamp of a quint8 tensor give every channel values of the others. Pixels 0, 1, 2, 3 of one channel and 4, 5, 6, 7 of the other
# come out as 0, 4, 1, 5 and 2, 6, 3, 6. So nn.ReLU6 after a convolution, as MobileNets have it, is wrong without anybody having
# asked for an order; nothing warns, shapes and ranges are right. The engines x86, fbgemm and onednn are right, qnnpack is for channels
# first, and relu everywhere. Seen in torch 2.15.0.
#
# For users of goqat: a network measured beside torch.ao takes another engine (docs/pytorch.md); ReLU6 of goqat is saturation of codes.
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
cat >"$work/clamp.py" <<'PYTHON'
import warnings

import torch
from torch.nn import functional as F

warnings.simplefilter("ignore")
print("torch", torch.__version__)
changed = False
codes = torch.arange(8.0).reshape(1, 2, 2, 2)
first = torch.quantize_per_tensor(codes, 1.0, 0, torch.quint8)
last = first.contiguous(memory_format=torch.channels_last)
clamps = {
    "relu6": torch.ops.quantized.relu6,
    "nn.ReLU6": torch.nn.ReLU6(),
    "hardtanh": lambda x: F.hardtanh(x, 0.0, 6.0),
    "clamp": lambda x: torch.clamp(x, 0.0, 6.0),
    "relu": F.relu,
}


def flat(x):
    return x.int_repr().flatten().tolist()


print("two channels of four pixels:", flat(last))
for engine in "x86", "fbgemm", "onednn", "qnnpack":
    torch.backends.quantized.engine = engine
    for name, clamp in clamps.items():
        right = [0, 1, 2, 3, 4, 5, 6, 7 if name == "relu" else 6]
        mixed = engine == "qnnpack" and name != "relu"
        print(f"{engine}, {name}: channels first {flat(clamp(first))}, channels last {flat(clamp(last))}")
        changed |= flat(clamp(first)) != right
        changed |= flat(clamp(last)) != ([0, 4, 1, 5, 2, 6, 3, 6] if mixed else right)

# A convolution that hands its two channels on, in channels first, and ReLU6: what nn.quantized modules of a converted network do.
for engine in "x86", "qnnpack":
    torch.backends.quantized.engine = engine
    conv = torch.ao.nn.quantized.Conv2d(2, 2, 1)
    conv.set_weight_bias(torch.quantize_per_tensor(torch.eye(2).reshape(2, 2, 1, 1), 1.0, 0, torch.qint8), None)
    conv.scale, conv.zero_point = 1.0, 0
    y = conv(first)
    clamped = flat(torch.nn.ReLU6()(y))
    print(f"{engine}, Conv2d of identity: {flat(y)}, and ReLU6: {clamped}")
    changed |= flat(y) != list(range(8))
    changed |= clamped != ([0, 4, 1, 5, 2, 6, 3, 6] if engine == "qnnpack" else [0, 1, 2, 3, 4, 5, 6, 6])
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/clamp.py"
