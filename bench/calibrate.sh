#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times `qat calibrate` beside quantize_static of ONNX Runtime, in turn: ResNet-20, images of 32 x 32, ranges by minimum and
# maximum and by entropy. Then compares the peak memory of `qat calibrate` with that of `qat eval`, for 1,024 and 10,240 images.
#
# usage: bench/calibrate.sh [ROUNDS]      3 by default
# Downloads ONNX Runtime from PyPI into a folder of its own. Needs Go and Python with venv.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

go build -o "$work/qat" ./cmd/qat
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnxruntime==1.30.0 onnx==1.22.0 numpy==2.4.6
PYTHONDONTWRITEBYTECODE=1 "$work/venv/bin/python" bench/calibrate.py "$work/qat" "$work" "${1:-3}"
