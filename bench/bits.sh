#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Compares networks of fewer bits with those of 8 on this machine:
#
#   bench/bits.sh
#
# runs LeNet, ResNet-20 and MobileNet of width 0.5 at 8, 4 and 2 bits and as binary networks (bnn) on one thread, one after the other, and prints for
# each the shortest run of ROUNDS (3) rounds, of 8 bits in milliseconds and of the others as a part of that. KERNELS (amx avx512vnni) and BATCHES (1 128)
# are what is measured, RUNS (2000) the runs of a batch of 1; a larger batch has 25. Needs Go.
set -Eeuo pipefail
case "${1:-}" in -h | --help)
  sed -n '4,/^set/s/^# \{0,1\}//p' "$0"
  exit
  ;;
esac
cd "$(dirname "$0")/.."
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
go build -o "$work/qat" ./cmd/qat

# shortest KERNEL MODEL BATCH METHOD BITS prints the shortest of the runs, in milliseconds.
shortest() {
  local width=1 runs="${RUNS:-2000}"
  if [[ "$2" == mobilenet ]]; then width=0.5; fi
  if (($3 > 1)); then runs=25; fi
  "$work/qat" bench --model "$2" --set "model.width=$width" --method "$4" --weight-bits "$5" --activation-bits "$5" --batch "$3" --threads 1 \
    --runs "$runs" --kernel "$1" --json | awk -F '[:,]' '/"min"/ { print $2 + 0 }'
}

for ((round = 1; round <= ${ROUNDS:-3}; round++)); do
  echo "round $round" >&2
  for kernel in ${KERNELS:-amx avx512vnni}; do
    for model in lenet resnet20 mobilenet; do
      for batch in ${BATCHES:-1 128}; do
        for form in "int 8" "int 4" "int 2" "bnn 1"; do
          echo "$kernel $model $batch ${form/ /-} $(shortest "$kernel" "$model" "$batch" ${form})"
        done
      done
    done
  done
done | awk '
  { key = $1 " " $2 " " $3; at = key " " $4 }
  !(key in seen) { seen[key]; order[++n] = key }
  !(at in ms) || $5 < ms[at] { ms[at] = $5 }
  END {
    for (i = 1; i <= n; i++) {
      key = order[i]; eight = ms[key " int-8"]
      printf "%-26s 8 bits %.4f ms   4 bits %.2f   2 bits %.2f   bnn %.2f\n", key, eight, ms[key " int-4"] / eight, ms[key " int-2"] / eight, ms[key " bnn-1"] / eight
    }
  }'
