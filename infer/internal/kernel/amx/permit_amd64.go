// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"errors"

	"golang.org/x/sys/cpu"

	"github.com/goqat/goqat/infer/internal/kernel/avx512"
	"github.com/goqat/goqat/internal/amx"
)

// supported says whether the processor has the instructions that the kernels use, and whether the operating system keeps
// their state.
var supported = avx512.Set.Supported && cpu.X86.HasAVX512IFMA && amx.Int8

// permit asks the operating system for tiles. It is asked no sooner than a runner needs them.
func permit() error {
	if !supported {
		return errors.New("this processor has no tiles of AMX")
	}
	return amx.Permit()
}
