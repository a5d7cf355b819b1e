#!/usr/bin/env bash
# Trains the grid by so many processes of this machine, one thread each. The same command goes on after it was stopped.
set -euo pipefail
processes="${1:-4}"
seq 0 "$((processes - 1))" | xargs -P "$processes" -I{} qat sweep grid.yaml --part "{}/$processes" --set threads=1
qat table runs/grid --csv grid.csv --chart grid.svg
