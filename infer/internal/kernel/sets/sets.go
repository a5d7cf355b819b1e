// SPDX-License-Identifier: Apache-2.0

// Package sets lists the sets of kernels.
package sets

import "github.com/goqat/goqat/infer/internal/kernel"

// All returns all sets, the fastest first and the reference last.
func All() []kernel.Set { return append(platform(), kernel.Generic, kernel.Reference) }
