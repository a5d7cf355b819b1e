#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs models by every kernel here, without assembly, on arm64 under qemu-aarch64, on a processor with dot products and on
# one without, and as WebAssembly under node, and compares the digests of all logits. Then runs the tests of infer on both.
# Run in the root of the repository. The arguments are models; without any they are that of examples/embed, of 4 bits, and
# three that are trained for the purpose, of 8-bit, ternary and binary weights.
set -eu
command -v qemu-aarch64 > /dev/null && command -v node > /dev/null || { echo "install qemu-user and Node.js" >&2; exit 1; }
export CGO_ENABLED=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
wasm=$(go env GOROOT)/lib/wasm/go_js_wasm_exec

if [ $# = 0 ]; then
	go build -o "$work/qat" ./cmd/qat
	train() {
		"$work/qat" train --model lenet --set model.width=0.25 --float-epochs 2 --epochs 1 --out "$work/runs/$1" --method "$@" 2> /dev/null |
			grep -q '  0 integers differ'
		mv "$work/runs/$1/model.qmodel" "$work/$1.qmodel"
	}
	train int --weight-bits 8 --activation-bits 8
	train twn
	train bnn
	set -- examples/embed/fashion.qmodel "$work/int.qmodel" "$work/twn.qmodel" "$work/bnn.qmodel"
fi

go build -o "$work/here" ./examples/everywhere
go build -tags purego -o "$work/purego" ./examples/everywhere
GOARCH=arm64 GOOS=linux go build -o "$work/arm64" ./examples/everywhere
GOARCH=wasm GOOS=js go build -o "$work/wasm" ./examples/everywhere
{
	"$work/here" "$@"
	"$work/purego" "$@"
	qemu-aarch64 -cpu max "$work/arm64" "$@"
	qemu-aarch64 -cpu cortex-a72 "$work/arm64" "$@"
	"$wasm" "$work/wasm" "$@"
} | tee "$work/digests"
for model in "$@"; do
	awk -v model="$model" '$1 == model { seen[$4] = 1 } END { n = 0; for (d in seen) n++; exit n != 1 }' "$work/digests" ||
		{ echo "$model: the digests differ" >&2; exit 1; }
done

GOARCH=arm64 GOOS=linux go test -exec "qemu-aarch64 -cpu max" ./fixed ./qmodel ./infer/...
GOARCH=wasm GOOS=js go test -exec "$wasm" ./fixed ./infer/...
