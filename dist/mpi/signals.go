// SPDX-License-Identifier: Apache-2.0

//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"syscall"
	"unsafe"
)

// A sigaction is the kernel's, on amd64 and arm64.
type sigaction struct{ handler, flags, restorer, mask uint64 }

// signals is the number of signals.
const signals = 64

// handlers returns what is done on each signal.
func handlers() (list [signals + 1]sigaction) {
	for s := 1; s <= signals; s++ {
		rtSigaction(s, nil, &list[s])
	}
	return list
}

// restore undoes what libraries have changed: UCX, which Debian's MPICH loads, takes SIGSEGV, SIGBUS,
// SIGFPE and SIGILL as soon as it is loaded. A program of Go would then end where it recovers from a
// panic.
func restore(before [signals + 1]sigaction) {
	for s, now := range handlers() {
		if s > 0 && (now.handler != before[s].handler || now.flags != before[s].flags) {
			rtSigaction(s, &before[s], nil)
		}
	}
}

func rtSigaction(signal int, set, old *sigaction) {
	const maskSize = 8
	syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, uintptr(signal), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(old)), maskSize, 0, 0)
}
