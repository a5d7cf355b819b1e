#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures goqat in the browser beside onnxruntime-web, on the same networks of 8 bits, and natively on the same machine:
#
#   bench/browser.sh [NETWORK…]      resnet20 and lenet by default
#
# Trains each network for some seconds, exports it as ONNX, and opens a page in headless Chromium, which runs all kernels of
# goqat and onnxruntime-web (its wasm backend, with SIMD, one thread) in turn: one image a call, from bytes to logits in
# JavaScript. First the page compares logits of random images: those of the form onnx-exact must be the integers of goqat,
# of the form onnx, which is the one that is timed, it counts equal classes. Prints for each the shortest run, the median of
# all, and goqat's native time.
#
# ROUNDS (5) are how often each has its turn, SECONDS_EACH (0.4) how long, BITS (8) those of weights and activations of goqat
# (onnxruntime-web has bytes anyway), WIDTH (1) the factor on their channels. CHROMIUM names the browser. Installs onnxruntime-web from npm into a folder of its own,
# unless ORT_WEB names a folder with its files (node_modules/onnxruntime-web/dist).
set -Eeuo pipefail
case "${1:-}" in -h | --help)
  sed -n '4,/^set/s/^# \{0,1\}//p' "$0"
  exit
  ;;
esac
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
networks=("$@") bits="${BITS:-8}" version=1.30.0
[[ $# -gt 0 ]] || networks=(resnet20 lenet)

go build -o "$work/qat" ./cmd/qat
go build -o "$work/serve" ./bench/browser
mkdir "$work/site"
if [[ -z "${ORT_WEB:-}" ]]; then
  npm install --silent --no-fund --no-audit --prefix "$work/npm" "onnxruntime-web@$version"
  ORT_WEB="$work/npm/node_modules/onnxruntime-web/dist"
fi
cp "$ORT_WEB"/ort.wasm.min.js "$ORT_WEB"/ort-wasm-simd-threaded.{mjs,wasm} "$work/site"
cp bench/browser/index.html "$(go env GOROOT)/lib/wasm/wasm_exec.js" "$work/site"
GOOS=js GOARCH=wasm go build -trimpath -ldflags='-s -w' -o "$work/site/goqat.wasm" ./bench/browser

for network in "${networks[@]}"; do
  input=()
  if [[ "$network" != lenet && "$network" != mlp ]]; then input=(--set data.height=32 --set data.width=32 --set data.channels=3); fi
  "$work/qat" train --model "$network" "${input[@]}" --set model.width="${WIDTH:-1}" --method int --weight-bits "$bits" \
    --activation-bits "$bits" --set data.train_limit=128 --set data.test_limit=64 --float-epochs 1 --epochs 1 --batch 32 --threads 1 \
    --out "$work/$network" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }
  cp "$work/$network/model.qmodel" "$work/site/$network.qmodel"
  "$work/qat" export "$work/site/$network.qmodel" --format onnx --bias int32 -o "$work/site/$network.onnx" >/dev/null
  "$work/qat" export "$work/site/$network.qmodel" --format onnx-exact -o "$work/site/$network-exact.onnx" >/dev/null
done
"$work/qat" version
"$work/serve" -dir "$work/site" -rounds "${ROUNDS:-5}" -seconds "${SECONDS_EACH:-0.4}" ${CHROMIUM:+-chromium "$CHROMIUM"} "${networks[@]}"
for network in "${networks[@]}"; do
  echo "native, $network: $("$work/qat" bench "$work/site/$network.qmodel" --threads 1 --runs 1000 | grep -E 'kernel|latency' | tr -s '\n ' ' ')"
done
