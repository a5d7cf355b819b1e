// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package sets

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/simd128"
)

func platform() []kernel.Set { return []kernel.Set{simd128.Set} }
