#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares the training steps of goqat and PyTorch on this machine, side by side, PyTorch's also in bfloat16 with channels
# last, which takes AMX where there is AMX; GOQAT_TRAIN_KERNELS=amx has goqat's take it:
#
#   bench/compare.sh [--models lenet,resnet20,mobilenet] [--method int] [--bits 8]
#                    [--batch 128] [--threads 2] [--rounds 3] [--steps 10]
#
# Needs Go, and a python3 that can import torch (1.13 or later, with torch.ao's FX
# graph mode, as 2.15 has it). PYTHON names another one, or several, separated by
# spaces, with their PyTorch versions: each is compared.
set -eu
case " $* " in *" -h "* | *" --help "*)
	sed -n '4,/^set/s/^# \{0,1\}//p' "$0"
	exit
	;;
esac
cd "$(dirname "$0")/.."
pythons=${PYTHON:-python3}
first=
for python in $pythons; do
	if ! "$python" -c 'import torch' 2>/dev/null; then
		echo "compare.sh: $python cannot import torch; install PyTorch or set PYTHON" >&2
		exit 1
	fi
	: "${first:=$python}"
	set -- --python "$python" "$@"
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/qat" ./cmd/qat
"$first" bench/compare.py --qat "$dir/qat" "$@"
