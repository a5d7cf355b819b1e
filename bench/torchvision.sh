#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Takes networks of torchvision in, with random weights, at 224×224: imports them, calibrates them to 8 and 4 bits on photos,
# verifies every integer, trains a step by each method, and prints a row of docs/interchange.md for each network. Fails if
# one integer differs.
#
# usage: bench/torchvision.sh [NETWORK…]      ten networks by default
# Downloads PyTorch and the photos of scikit-image from PyPI into a folder of its own, unless PYTHON names a Python that
# has them. METHODS names fewer methods. Takes from two minutes to half an hour a network on two cores.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
networks=("$@")
[[ $# -gt 0 ]] || networks=(squeezenet1_1 shufflenet_v2_x0_5 mobilenet_v3_small mobilenet_v2 resnet18 regnet_x_400mf regnet_y_400mf
  efficientnet_b0 densenet121 vgg11)

go build -o "$work/qat" ./cmd/qat
if [[ -z "${PYTHON:-}" ]]; then
  python3 -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet torch==2.15.0 torchvision==0.29.2 onnx==1.23.2 scikit-image
  PYTHON="$work/venv/bin/python"
fi
for network in "${networks[@]}"; do
  "$PYTHON" bench/torchvision_export.py "$work" "$network"
  "$PYTHON" bench/torchvision_net.py "$work/qat" "$work" "$network"
done
