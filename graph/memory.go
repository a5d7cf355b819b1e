// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"cmp"
	"slices"
)

// A value is a tensor of a schedule.
type value struct {
	size        int  // numbers
	first, last int  // the steps that compute it and read it last; first is −1 for a leaf
	kept        bool // its memory is its own
	owner       int  // the value that it shares memory with: itself, or one that it overwrites
	offset      int  // in the arena, of an owner
	data        []float32
}

// overwrite has step number i compute in the memory of a value that nobody reads
// afterwards, if it can.
func overwrite(values []value, s *step, i int) {
	for _, pair := range s.over {
		in, out := &values[pair[0]], &values[pair[1]]
		owner := &values[in.owner]
		if in.kept || out.kept || in.size != out.size || owner.last != i {
			continue
		}
		readers := 0
		for _, v := range s.in {
			if v >= 0 && !values[v].kept && values[v].owner == in.owner {
				readers++
			}
		}
		if readers == 1 {
			out.owner, owner.last = in.owner, out.last
			return
		}
	}
}

// place gives the values that are not kept their offsets in an arena, so that
// those alive at the same time do not overlap, and returns its size. It places
// the largest first, each at the lowest gap among those placed before that live
// at the same time: the greedy order by size of Pisarchyk and Lee, "Efficient
// Memory Management for Deep Neural Net Inference", 2020.
func place(values []value) (size int) {
	var owners []*value
	for i := range values {
		if v := &values[i]; !v.kept && v.owner == i {
			owners = append(owners, v)
		}
	}
	slices.SortStableFunc(owners, func(a, b *value) int { return cmp.Compare(b.size, a.size) })
	var placed []*value // by offset
	for _, v := range owners {
		for _, other := range placed {
			if other.first > v.last || v.first > other.last {
				continue
			}
			if other.offset >= v.offset+v.size {
				break
			}
			v.offset = max(v.offset, other.offset+aligned(other.size))
		}
		size = max(size, v.offset+v.size)
		at, _ := slices.BinarySearchFunc(placed, v.offset, func(o *value, offset int) int { return cmp.Compare(o.offset, offset) })
		placed = slices.Insert(placed, at, v)
	}
	return size
}

// aligned rounds a size up to whole cache lines.
func aligned(n int) int { return (n + 15) &^ 15 }
