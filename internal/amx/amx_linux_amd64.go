// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"errors"
	"fmt"
	"sync"
	"syscall"

	"golang.org/x/sys/cpu"
)

// tileConfig and tileData are the components of a thread's state that tiles are in, as XCR0 counts them.
const tileConfig, tileData = 17, 18

// kept says whether the operating system keeps the state of tiles for each thread.
var kept = cpu.X86.HasOSXSAVE && cpu.X86.HasAMXTile && xgetbv()>>tileConfig&(1|1<<(tileData-tileConfig)) == 3

// Int8 and BF16 say whether there are tiles with products of bytes, and with those of bfloat16.
var (
	Int8 = kept && cpu.X86.HasAMXInt8
	BF16 = kept && cpu.X86.HasAMXBF16
)

// Permit asks Linux for the tiles, which it gives to the whole process, for good. It is to be asked no sooner than tiles are
// needed, because the process pays for it: from then on, no thread can have an alternate signal stack of less than some 12 KB,
// and one that has such a stack already is the usual reason to be refused.
var Permit = sync.OnceValue(func() error {
	if !kept {
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

// xgetbv returns which state of the processor the operating system keeps for each thread, as register XCR0 has it. A processor
// without HasOSXSAVE faults.
//
//go:noescape
func xgetbv() uint64
