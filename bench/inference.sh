#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares the inference of goqat and of other runtimes on this machine, side by side:
#
#   bench/inference.sh [--models lenet,resnet20,mobilenet] [--bits 8,4]
#                      [--batches 1,128] [--threads 1] [--rounds 3] [--seconds 1]
#
# Needs Go, Node.js that finds onnxruntime-node (npm install onnxruntime-node; NODE_PATH
# names the directory node_modules) and a python3 with onnx and numpy. PYTHON names
# another one, or several, separated by spaces: every PyTorch and every LiteRT
# (ai-edge-litert) that they can import is measured, too.
set -eu
case " $* " in *" -h "* | *" --help "*)
	sed -n '4,/^set/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac
cd "$(dirname "$0")/.."
writer=
for python in ${PYTHON:-python3}; do
	if [ -z "$writer" ] && "$python" -c 'import onnx, numpy' 2>/dev/null; then
		writer=$python
	fi
	set -- --python "$python" "$@"
done
if [ -z "$writer" ]; then
	echo "inference.sh: no Python of ${PYTHON:-python3} can import onnx and numpy; install them or set PYTHON" >&2
	exit 1
fi
# Programs on standard input find modules by NODE_PATH and from here, as bench/ does.
if ! echo 'require("onnxruntime-node")' | node - 2>/dev/null; then
	echo "inference.sh: node cannot find onnxruntime-node; npm install it or set NODE_PATH" >&2
	exit 1
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/qat" ./cmd/qat
PYTHONDONTWRITEBYTECODE=1 "$writer" bench/inference.py --qat "$dir/qat" "$@"
