#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Generates name_amd64.s and name_stubs_amd64.go of the folder above from name.go.
set -e
name=$1
go run "$name.go" -out "../${name}_amd64.s" -stubs "../${name}_stubs_amd64.go" -pkg kernel
for f in "../${name}_amd64.s" "../${name}_stubs_amd64.go"; do
	{ printf '// SPDX-License-Identifier: Apache-2.0\n\n' && cat "$f"; } >"$f.new"
	mv "$f.new" "$f"
done
