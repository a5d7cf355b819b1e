// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package sets

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/amx"
	"github.com/goqat/goqat/infer/internal/kernel/avx2"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
)

func platform() []kernel.Set { return []kernel.Set{amx.Set, avx512.Set, avx2.Set} }
