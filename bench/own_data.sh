#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Trains on three public sets as people have data: the digits of scikit-learn, the solar cells of elpv-dataset (unbalanced), the
# icons of Oxygen (transparent, unbalanced), each at two sizes. Ten tuned recipes, the best of which is chosen by validation, beside
# what `qat train --data FOLDER` chooses by itself; then prints the tables of docs/results.md. A run that is done is not done again.
#
# usage: bench/own_data.sh FOLDER [MINUTES [SET...]]     no run is begun after so many minutes, 9 by default
# Downloads the sets from PyPI and Debian into FOLDER. Needs Go, Python with venv, apt-get and dpkg-deb.
set -Eeuo pipefail
cd "$(dirname "$0")/.."
folder="$(realpath -m "${1:?a folder for the sets and the runs}")"
mkdir -p "$folder"
go build -o "$folder/qat" ./cmd/qat
if [[ ! -e "$folder/sets/done" ]]; then
	[[ -e "$folder/venv" ]] || python3 -m venv "$folder/venv"
	"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 elpv-dataset==1.0.0.post1 pillow==13.0.0
	(cd "$folder" && apt-get download --quiet oxygen-icon-theme && dpkg-deb -x oxygen-icon-theme_*.deb icons)
	"$folder/venv/bin/python" bench/own_data_sets.py "$folder"
fi
PYTHONDONTWRITEBYTECODE=1 python3 bench/own_data.py "$folder" "${@:2}"
