#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Opens the page in headless Chromium, which must be installed, and asks whether it classifies its first image. With the
# name of a file, leaves a screenshot there. Run in the root of the repository.
set -eu
work=$(mktemp -d)
go build -o "$work/browser" ./examples/browser
"$work/browser" -address localhost:0 > "$work/url" &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
until grep -q http "$work/url"; do sleep 1; kill -0 "$server"; done

# page runs Chromium on the page with more flags.
page() {
	chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking \
		--disable-component-update --disable-sync --user-data-dir="$work/profile" --virtual-time-budget=20000 \
		--window-size=900,700 "$@" "$(cat "$work/url")" 2> /dev/null
}

page --dump-dom > "$work/dom"
[ $# = 0 ] || page --screenshot="$1" > /dev/null
grep -q 'data-ready="yes"' "$work/dom"
grep -q '<tr><td>Ankle boot</td>' "$work/dom" # the first class of the boot
grep -o 'network [0-9.]* ms' "$work/dom"
