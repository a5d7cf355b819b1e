#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Does an exported model compute goqat's integers elsewhere? Trains a short model of every method, a ResNet-20 and a
# MobileNet, exports each, and runs the files in ONNX Runtime and OpenVINO. Fails if one integer of an exact file differs.
#
# usage: bench/interchange.sh [IMAGES]      500 by default
# Takes about ten minutes on two cores; downloads the runtimes from PyPI into a folder of its own.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
images="${1:-500}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

go build -o "$work/qat" ./cmd/qat
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet onnxruntime==1.32.0 openvino==2026.4.1 numpy==2.4.6
qat() { "$work/qat" "$@"; }

# train NAME ARGUMENTS…
train() {
  local name="$1"; shift
  if ! qat train --out "$work/$name" --epochs 1 --set qat.batchnorm_freeze=1 "$@" >"$work/log" 2>&1; then
    cat "$work/log"; exit 1
  fi
}

# agreement NAME FORMAT RUNTIME prints the integers and the top classes that differ.
agreement() {
  qat compare "$work/$1/model.qmodel" "$work/$1.$2" --runtime "$3" --python "$work/venv/bin/python" --data fashion-sample \
    --images "$images" --json >"$work/json" 2>"$work/log" || { cat "$work/log"; exit 1; }
  python3 -c 'import json, sys; r = json.load(open(sys.argv[1])); print(r["differ"], r["integers"], r["top_class_differs"])' "$work/json"
}

lenet=(--model lenet --set model.width=0.25)
int8=(--method int --weight-bits 8 --activation-bits 8)
train lenet-int "${lenet[@]}" "${int8[@]}" --float-epochs 1
names=(lenet-int)
for method in pact dorefa wrpn lsq lsq+ binaryconnect bnn xnor abc twn ttq inq; do
  train "lenet-$method" "${lenet[@]}" --method "$method" --init "$work/lenet-int/checkpoint-float.safetensors"
  names+=("lenet-$method")
done
train lenet-pow2 "${lenet[@]}" "${int8[@]}" --set qat.scales=pow2 --init "$work/lenet-int/checkpoint-float.safetensors"
train resnet20 --model resnet20 --set model.width=0.5 "${int8[@]}" --float-epochs 1
train resnet20-accumulator --model resnet20 --set model.width=0.5 "${int8[@]}" --set qat.bias=accumulator --init "$work/resnet20/checkpoint-float.safetensors"
train mobilenet --model mobilenet --set model.width=0.25 "${int8[@]}" --float-epochs 1
train mobilenet-accumulator --model mobilenet --set model.width=0.25 "${int8[@]}" --set qat.bias=accumulator --init "$work/mobilenet/checkpoint-float.safetensors"
names+=(lenet-pow2 resnet20 resnet20-accumulator mobilenet mobilenet-accumulator)

printf '%-22s %12s %12s %12s   %s\n' "$images images" integers "exact, ORT" "QDQ, ORT" "QDQ: top class, ORT and OpenVINO"
failed=0
for name in "${names[@]}"; do
  qat export "$work/$name/model.qmodel" --format onnx-exact -o "$work/$name.exact.onnx" >/dev/null
  qat export "$work/$name/model.qmodel" --format onnx -o "$work/$name.qdq.onnx" >/dev/null
  read -r exact integers _ <<<"$(agreement "$name" exact.onnx onnxruntime)"
  read -r qdq _ top <<<"$(agreement "$name" qdq.onnx onnxruntime)"
  read -r _ _ openvino <<<"$(agreement "$name" qdq.onnx openvino)"
  printf '%-22s %12d %12d %12d   %d and %d\n' "$name" "$integers" "$exact" "$qdq" "$top" "$openvino"
  [[ "$exact" == 0 ]] || failed=1
done
exit "$failed"
