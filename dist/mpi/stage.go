// SPDX-License-Identifier: Apache-2.0

//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"fmt"
	"math"
	"syscall"
	"unsafe"
)

// A stage is memory that bytes travel from or to. It is not Go's: a library for InfiniBand pins the
// pages that it sends from, and learns by hooks in the C library when they go, but Go gives its pages
// back without the C library. It is never unmapped, since a library may keep it pinned.
type stage struct{ memory []byte }

// room returns n bytes.
func (s *stage) room(n int) ([]byte, error) {
	if n > math.MaxInt32 {
		return nil, fmt.Errorf("mpi: %d bytes are more than a message can have", n)
	}
	if n > len(s.memory) {
		const page = 1 << 20
		memory, err := syscall.Mmap(-1, 0, (n+page)/page*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
		if err != nil {
			return nil, fmt.Errorf("mpi: memory for messages: %w", err)
		}
		s.memory = memory
	}
	if s.memory == nil {
		return s.room(1)
	}
	return s.memory[:n], nil
}

// pointer returns the address of the stage, of which there is some after room.
func (s *stage) pointer() uintptr { return uintptr(unsafe.Pointer(&s.memory[0])) }

// counts are the lengths and the places of the parts of a message, by rank.
type counts struct{ length, place []int32 }

func newCounts(size int) counts { return counts{make([]int32, size), make([]int32, size)} }

// set sets them for parts one after the other and returns the length of all.
func (c counts) set(parts [][]byte) (n int) {
	for r, p := range parts {
		c.length[r], c.place[r] = int32(len(p)), int32(n)
		n += len(p)
	}
	return n
}

// part returns the part of rank r in a message.
func (c counts) part(message []byte, r int) []byte { return message[c.place[r]:][:c.length[r]] }

func numbers(c []int32) uintptr { return uintptr(unsafe.Pointer(&c[0])) }
