// SPDX-License-Identifier: Apache-2.0

// Package arena places blocks of memory that do not all live at the same time in one.
package arena

import (
	"cmp"
	"slices"
)

// A Block is Size units of memory that are in use from step First to step Last, both included.
type Block struct {
	Size, First, Last int
	Offset            int // set by Place
}

// Place sets the offsets of all blocks so that no two that live at the same time overlap, and returns the length of the
// arena. It places the largest block first, each in the lowest gap among those placed before that live at the same
// time: the greedy order by size of Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
// 2020.
func Place(blocks []*Block) int {
	order := slices.Clone(blocks)
	slices.SortStableFunc(order, func(a, b *Block) int { return cmp.Compare(b.Size, a.Size) })
	var placed []*Block // by offset
	length := 0
	for _, b := range order {
		b.Offset = 0
		for _, other := range placed {
			if other.First > b.Last || b.First > other.Last {
				continue
			}
			if other.Offset >= b.Offset+b.Size {
				break
			}
			b.Offset = max(b.Offset, other.Offset+other.Size)
		}
		length = max(length, b.Offset+b.Size)
		i, _ := slices.BinarySearchFunc(placed, b.Offset, func(o *Block, at int) int { return cmp.Compare(o.Offset, at) })
		placed = slices.Insert(placed, i, b)
	}
	return length
}
