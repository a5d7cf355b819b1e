// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/cpu"

	"github.com/goqat/goqat/infer/internal/kernel/avx512"
)

// tileConfig and tileData are the components of a thread's state that tiles are in, as XCR0 counts them.
const tileConfig, tileData = 17, 18

// supported says whether the processor has the instructions that the kernels use, and whether the operating system keeps
// their state.
var supported = avx512.Set.Supported && cpu.X86.HasAVX512IFMA && cpu.X86.HasAMXTile && cpu.X86.HasAMXInt8 && xgetbv()>>tileConfig&(1|1<<(tileData-tileConfig)) == 3

// permit asks Linux for the tiles, which it gives to the whole process, for good. It is asked no sooner than a runner needs
// it, because the process pays for it: from then on, no thread can have an alternate signal stack of less than some 12 KB, and
// one that has such a stack already is the usual reason to be refused.
var permit = sync.OnceValue(func() error {
	if !supported {
		return errors.New("this processor has no tiles of AMX")
	}
	const requestPermission = 0x1023 // ARCH_REQ_XCOMP_PERM
	switch _, _, errno := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, requestPermission, tileData, 0); errno {
	case 0:
		return nil
	case syscall.ENOSPC:
		return errors.New("tiles of AMX are refused by Linux, because a thread has a signal stack that is too small for them")
	default:
		return fmt.Errorf("tiles of AMX are refused by Linux: %w", errno)
	}
})
