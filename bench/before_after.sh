#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures two commits on this machine, in turn, and compares the medians:
#
#   bench/before_after.sh BEFORE AFTER PACKAGE BENCHMARK   a benchmark of Go, as go test -bench names it
#   bench/before_after.sh BEFORE AFTER networks            qat bench of lenet, resnet20 and mobilenet, batches 1 and 128
#   bench/before_after.sh BEFORE AFTER steps               qat bench train of the same, batch 128, at 8 bits and at 4: the
#                                                          shortest quantized step, float step, and the peak of memory
#
# ROUNDS (7) is the number of times that each is measured, TIME (1s) how long a benchmark runs, RUNS (0: two seconds of
# them) how many runs qat bench does, STEPS (8) and THREADS (2) those of qat bench train, OUT a folder for the lines of
# both commits. Needs Go and git; benchstat, which compares, comes from Go's module proxy.
set -Eeuo pipefail
if [[ $# -lt 3 || "$1" == -h || "$1" == --help ]]; then
  sed -n '4,/^set/s/^# \{0,1\}//p' "$0"
  exit 2
fi
benchstat=golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
cd "$(dirname "$0")/.."
before="$(git rev-parse --verify --quiet "$1^{commit}")" || { echo "before_after.sh: there is no commit $1" >&2; exit 1; }
after="$(git rev-parse --verify --quiet "$2^{commit}")" || { echo "before_after.sh: there is no commit $2" >&2; exit 1; }
what="$3" benchmark="${4:-.}" rounds="${ROUNDS:-7}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
out="${OUT:-$work}"
mkdir -p "$out"

# build SIDE COMMIT builds what is measured of a commit.
build() {
  mkdir "$work/$1"
  git archive "$2" | tar -x -C "$work/$1"
  if [[ "$what" == networks || "$what" == steps ]]; then
    (cd "$work/$1" && go build -o "$work/$1.program" ./cmd/qat)
  else
    (cd "$work/$1" && go test -c -o "$work/$1.program" "$what")
  fi
  [[ -x "$work/$1.program" ]] || { echo "before_after.sh: $what has no tests at $2" >&2; exit 1; }
}

measure_steps() {
  local model set form
  for model in lenet resnet20 mobilenet; do
    set=model.width=1
    if [[ "$model" == mobilenet ]]; then set=model.width=0.5; fi
    for form in "int 8" "pact 4" "lsq 2"; do
      if [[ "$model $form" == "mobilenet lsq 2" ]]; then continue; fi # its gradients leave float32 without any training
      "$work/$1.program" bench train --model "$model" --set "$set" --set float.lr=1e-5 --set qat.lr=1e-5 --batch 128 --threads "${THREADS:-2}" --steps "${STEPS:-8}" \
        --method "${form% *}" --weight-bits "${form#* }" --activation-bits "${form#* }" --json |
        awk -v name="Step/$model/${form/ /-}" -F '[:,]' '
          /"step_ms"/ { at = "q" } /"float_step_ms"/ { at = "f" } /"min"/ { least[at] = $2 } /"peak_rss_mb"/ { peak = $2 }
          END { printf "Benchmark%s 1 %.0f ns/op %.0f float-ns %.0f peak-MB\n", name, 1e6 * least["q"], 1e6 * least["f"], peak }'
    done
  done
}

# measure SIDE prints the lines of one round.
measure() {
  if [[ "$what" == steps ]]; then
    measure_steps "$1"
    return
  fi
  if [[ "$what" != networks ]]; then
    (cd "$work/$1/$what" && "$work/$1.program" -test.run '^$' -test.bench "$benchmark" -test.benchtime "${TIME:-1s}" -test.cpu 1)
    return
  fi
  local model batch
  for model in lenet resnet20 mobilenet; do
    for batch in 1 128; do
      "$work/$1.program" bench --model "$model" --batch "$batch" --runs "${RUNS:-0}" --json |
        awk -v name="Network/$model/batch=$batch" -F '[:,]' '
          /"p50"/ && !run { run = $2 } /"load_ms"/ { load = $2 }
          END { printf "Benchmark%s 1 %.0f ns/op %.0f load-ns\n", name, 1e6 * run, 1e6 * load }'
    done
  done
}

build before "$before"
build after "$after"
: >"$out/before.txt"
: >"$out/after.txt"
for ((round = 1; round <= rounds; round++)); do
  echo "round $round of $rounds" >&2
  sides=(before after)
  if ((round % 2 == 0)); then sides=(after before); fi
  for side in "${sides[@]}"; do
    measure "$side" >>"$out/$side.txt"
  done
done
(cd "$work" && go run "$benchstat" "before=$out/before.txt" "after=$out/after.txt")
