#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# avg_pool2d has count_include_pad, without which padding is left out of the mean, and divisor_override, a divisor of one's own. With the
# engine qnnpack, PyTorch's for quantized networks on Arm, quantized tensors are pooled without a look at either: of a picture of 9 with
# padding not counted, the corner of a 2×2 window is 2 where 9 is right; a sum, divisor 1, is a mean. The engines x86, fbgemm and
# onednn are right, and so is qnnpack for real numbers, as which the network was trained. Nothing warns. Networks of the Inception
# and DenseNet families leave padding out. Seen in torch 2.15.0.
#
# For users of goqat: `qat import` keeps whether padding counts; a network measured beside torch.ao takes another engine
# (docs/pytorch.md).
set -Eeuo pipefail
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet torch==2.15.0 numpy==2.4.6
cat >"$work/pool.py" <<'PYTHON'
import warnings

import torch
from torch.nn import functional as F

warnings.simplefilter("ignore")
print("torch", torch.__version__)
changed = False
pixels = torch.full((1, 1, 4, 4), 9.0)
codes = torch.quantize_per_tensor(pixels, 1.0, 0, torch.quint8)
cases = {
    "padding counted": dict(padding=1),
    "padding not counted": dict(padding=1, count_include_pad=False),
    "divisor 1": dict(divisor_override=1),
}
for engine in "x86", "fbgemm", "onednn", "qnnpack":
    torch.backends.quantized.engine = engine
    for name, options in cases.items():
        real = F.avg_pool2d(pixels, 2, 2, **options).round().int().flatten().tolist()
        seen = F.avg_pool2d(codes, 2, 2, **options).int_repr().flatten().tolist()
        print(f"{engine}, {name}: real numbers {real}, codes {seen}")
        wrong = {"padding not counted": [2, 4, 2, 4, 9, 4, 2, 4, 2], "divisor 1": [9] * 4}
        changed |= seen != (wrong.get(name, real) if engine == "qnnpack" else real)
if changed:
    raise SystemExit("the behaviour has changed")
PYTHON
"$work/venv/bin/python" "$work/pool.py"
