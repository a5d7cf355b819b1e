#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares networks of fewer bits with those of 8 on this machine:
#
#   bench/bits.sh
#
# runs LeNet, ResNet-20 and MobileNet of width 0.5 at 8, 4 and 2 bits and as binary networks (bnn) in turn, on one thread and in one process for each
# network, and prints medians of ratios, see bench/bits. KERNELS (amx avx512vnni) and BATCHES (1 128) are what is measured, EACH (8) how many seconds each takes. Needs Go.
set -Eeuo pipefail
case "${1:-}" in -h | --help)
  sed -n '4,/^set/s/^# \{0,1\}//p' "$0"
  exit
  ;;
esac
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
go build -o "$work/bits" ./bench/bits
for kernel in ${KERNELS:-amx avx512vnni}; do
  for model in lenet resnet20 mobilenet; do
    width=1
    if [[ "$model" == mobilenet ]]; then width=0.5; fi
    for batch in ${BATCHES:-1 128}; do
      "$work/bits" -kernel "$kernel" -model "$model" -width "$width" -batch "$batch" -seconds "${EACH:-8}"
    done
  done
done
