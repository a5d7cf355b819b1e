// SPDX-License-Identifier: Apache-2.0

// Package neon generates the kernels of processors with NEON.
package neon

import "github.com/goqat/goqat/infer/internal/kernel/_asm/arm64"

// Files are the generators of the package's files.
var Files = map[string]func(f *arm64.File){"depthwise": depthwise, "dot": dot, "finish": finish, "pool": pool, "widen": widen}
