// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"syscall"
	"testing"
	"unsafe"
)

// guarded returns n zeros between two pages that fault when touched: they end where the second begins, or with front
// begin where the first ends.
func guarded[T any](t testing.TB, n int, front bool) []T {
	t.Helper()
	if n == 0 {
		return nil
	}
	var zero T
	size, page := n*int(unsafe.Sizeof(zero)), syscall.Getpagesize()
	inner := (size + page - 1) / page * page
	m, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Munmap(m) })
	for _, edge := range [][]byte{m[:page], m[page+inner:]} {
		if err := syscall.Mprotect(edge, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	start := page
	if !front {
		start = page + inner - size
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&m[start])), n)
}
