// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"github.com/goqat/goqat/internal/arena"
	"github.com/goqat/goqat/qmodel"
)

// An arenaPlan places the tensors of one image in two arenas, one of codes and one of int32. Tensors that are alive at
// the same time do not overlap. Sizes and offsets are in numbers per image: a batch of n has everything n times, each
// tensor's images next to each other.
type arenaPlan struct {
	codes, wide int   // lengths of the arenas
	offset      []int // of each tensor, -1 for one that no step writes; not used for the image and the logits, which the caller owns
	owner       []int // the tensor whose memory it shares: itself, or the input of a flattening
	weights     int   // of the model
}

// planArena lets each tensor live from the step that writes it to the last that reads it. A tensor that no step writes takes no
// memory.
func planArena(m *qmodel.Model, a accesses) *arenaPlan {
	p := &arenaPlan{offset: make([]int, len(m.Tensors)), owner: make([]int, len(m.Tensors))}
	lives := make([]arena.Block, len(m.Tensors))
	for i, o := range m.Operators {
		if w := o.Weights; w != nil {
			p.weights += w.Shape[0] * w.Shape[1] * w.Shape[2] * w.Shape[3]
		}
		p.owner[o.Output] = o.Output
		if o.Aliases() {
			p.owner[o.Output] = p.owner[o.Inputs[0]]
		} else if t := a.writes[i]; t >= 0 {
			lives[t] = arena.Block{Size: aligned(m.Tensors[t].Len()), First: i, Last: i}
		}
		for _, t := range a.reads[i] {
			lives[p.owner[t]].Last = i
		}
	}
	logits := m.Operators[len(m.Operators)-1].Output
	var codes, wide []*arena.Block
	for i := range lives {
		switch {
		case i == 0 || i == logits || p.owner[i] != i:
		case m.Tensors[i].Kind == qmodel.Codes:
			codes = append(codes, &lives[i])
		default:
			wide = append(wide, &lives[i])
		}
	}
	p.codes, p.wide = arena.Place(codes), arena.Place(wide)
	for i, owner := range p.owner {
		if p.offset[i] = lives[owner].Offset; lives[owner].Size == 0 {
			p.offset[i] = -1
		}
	}
	return p
}

// Limits of the memory of the tensors of a group, which stays in the caches next to a processor.
const (
	leastCached = 1 << 16 // bytes
	mostCached  = 1 << 19
)

// rowsAtATime are the rows that linear layers multiply at a time at most: groups of a multiple of them leave no rows over.
const rowsAtATime = 32

// group returns the number of images that go through the network together, at least one. Each group reads all weights, so that
// more images share them; tensors of fewer images stay nearer. A third of the bytes of the weights was fastest for ResNet-20, LeNet
// and MobileNet.
func (p *arenaPlan) group() int {
	cached := min(max(leastCached, p.weights/3), mostCached)
	images := cached / max(1, p.codes+4*p.wide)
	if images >= rowsAtATime {
		images = (images + rowsAtATime/2) / rowsAtATime * rowsAtATime
	}
	return max(1, images)
}

// aligned rounds a length up so that tensors start at multiples of 64 numbers.
func aligned(n int) int { return (n + 63) / 64 * 64 }
