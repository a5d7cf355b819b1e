// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"cmp"
	"slices"

	"github.com/goqat/goqat/qmodel"
)

// An arenaPlan places the tensors of one image in two arenas, one of codes and one of int32. Tensors that are alive at
// the same time do not overlap. Sizes and offsets are in numbers per image: a batch of n has everything n times, each
// tensor's images next to each other.
type arenaPlan struct {
	codes, wide int   // lengths of the arenas
	offset      []int // of each tensor; not used for the image and the logits, which the caller owns
	owner       []int // the tensor whose memory it shares: its own, or that of the input of a flattening
}

// A life is a tensor from the operator that writes it to the last that reads it.
type life struct{ tensor, size, first, last int }

// planArena places the largest tensor first, each at the lowest gap among those placed before that live at the same
// time: the greedy order by size of Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference",
// 2020.
func planArena(m *qmodel.Model) *arenaPlan {
	p := &arenaPlan{offset: make([]int, len(m.Tensors)), owner: make([]int, len(m.Tensors))}
	lives := make([]life, len(m.Tensors))
	for i, o := range m.Operators {
		p.owner[o.Output] = o.Output
		if o.Op == qmodel.Flatten {
			p.owner[o.Output] = p.owner[o.Inputs[0]]
		} else {
			lives[o.Output] = life{o.Output, aligned(m.Tensors[o.Output].Len()), i, i}
		}
		for _, t := range o.Inputs {
			lives[p.owner[t]].last = i
		}
	}
	logits := m.Operators[len(m.Operators)-1].Output
	var codes, wide []life
	for i, l := range lives {
		switch {
		case i == 0 || i == logits || p.owner[i] != i:
		case m.Tensors[i].Kind == qmodel.Codes:
			codes = append(codes, l)
		default:
			wide = append(wide, l)
		}
	}
	p.codes, p.wide = p.place(codes), p.place(wide)
	for i, owner := range p.owner {
		p.offset[i] = p.offset[owner]
	}
	return p
}

// cached is the memory of tensors that stays in the caches next to a processor, beside weights.
const cached = 1 << 18 // bytes

// group returns the number of images whose tensors stay in these caches, at least one.
func (p *arenaPlan) group() int { return max(1, cached/max(1, p.codes+4*p.wide)) }

// aligned rounds a length up so that tensors start at multiples of 64 numbers.
func aligned(n int) int { return (n + 63) / 64 * 64 }

// place sets the offsets of tensors of one arena and returns the arena's length.
func (p *arenaPlan) place(lives []life) int {
	slices.SortStableFunc(lives, func(a, b life) int { return cmp.Compare(b.size, a.size) })
	var placed []life // by offset
	length := 0
	for _, l := range lives {
		offset := 0
		for _, other := range placed {
			if other.first > l.last || l.first > other.last {
				continue
			}
			if p.offset[other.tensor] >= offset+l.size {
				break
			}
			offset = max(offset, p.offset[other.tensor]+other.size)
		}
		p.offset[l.tensor] = offset
		length = max(length, offset+l.size)
		i, _ := slices.BinarySearchFunc(placed, offset, func(o life, at int) int { return cmp.Compare(p.offset[o.tensor], at) })
		placed = slices.Insert(placed, i, l)
	}
	return length
}
