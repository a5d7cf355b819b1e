#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Times networks of torchvision, random weights, 224×224, one image, one thread, with 8 bits: goqat beside ONNX Runtime, in turn,
# on the same network that quantize_static made a QDQ file of with UINT8 activations. Fails if ONNX Runtime leaves a node in
# floating point. Prints the medians, their ratio, and the memory that each takes beyond the program.
#
# usage: bench/torchvision_speed.sh [NETWORK…]      resnet18 and mobilenet_v2 by default
# Downloads PyTorch, ONNX Runtime and the photos of scikit-image from PyPI into a folder of its own, unless PYTHON names a
# Python that has them. ROUNDS, 3 by default, are how often each is timed.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
networks=("$@")
[[ $# -gt 0 ]] || networks=(resnet18 mobilenet_v2)

go build -o "$work/qat" ./cmd/qat
if [[ -z "${PYTHON:-}" ]]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet torch==2.15.0 torchvision==0.29.2 onnx==1.23.2 onnxruntime==1.32.0 scikit-image
  PYTHON="$work/venv/bin/python"
fi
for network in "${networks[@]}"; do
  "$PYTHON" bench/torchvision_export.py "$work" "$network"
  "$PYTHON" bench/torchvision_speed.py prepare "$work" "$network"
  "$PYTHON" bench/torchvision_speed.py compare "$work" "$network" "${ROUNDS:-3}"
done
