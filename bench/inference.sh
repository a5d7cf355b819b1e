#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares 8-bit inference by goqat and ONNX Runtime on this machine, side by side:
#
#   bench/inference.sh [--models lenet,resnet20,mobilenet] [--batches 1,128] [--threads 1] [--rounds 3]
#
# Needs Go; a python3 that can import onnx (PYTHON names another); Node.js that finds onnxruntime-node
# (npm install onnxruntime-node; NODE_PATH names its node_modules).
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
if ! "$python" -c 'import onnx' 2>/dev/null; then
	echo "inference.sh: $python cannot import onnx; install it or set PYTHON" >&2
	exit 1
fi
if ! node -e 'require("onnxruntime-node")' 2>/dev/null; then
	echo "inference.sh: node does not find onnxruntime-node; install it or set NODE_PATH" >&2
	exit 1
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/qat" ./cmd/qat
"$python" bench/onnx_models.py "$dir"
"$python" bench/inference.py --dir "$dir" "$@"
