#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Generates name_arch.s and name_stubs_arch.go of the folder above from name.go; arch is amd64 without any.
set -e
name=$1 arch=${2:-amd64}
go run "$name.go" -out "../${name}_$arch.s" -stubs "../${name}_stubs_$arch.go" -pkg kernel
for f in "../${name}_$arch.s" "../${name}_stubs_$arch.go"; do
	{ printf '// SPDX-License-Identifier: Apache-2.0\n\n' && cat "$f"; } >"$f.new"
	mv "$f.new" "$f"
done
