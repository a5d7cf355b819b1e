// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"syscall"
	"unsafe"
)

const largePage = 2 << 20 // bytes

// LargePages asks the system to keep memory that has not been written yet in large pages. A processor
// finds the place of a page in tables in memory, and does not look ahead beyond its end: tensors that
// leave the caches are read faster in large ones.
func LargePages(memory []float32) {
	b := Bytes(memory)
	skip := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) % largePage)
	if whole := (len(b) - skip) &^ (largePage - 1); whole > 0 {
		_ = syscall.Madvise(b[skip:][:whole], syscall.MADV_HUGEPAGE) // a system that has none says so
	}
}
