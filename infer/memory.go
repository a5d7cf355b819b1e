// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"sync"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// Memory says which way of keeping weights a runner prefers, where its kernels have several. The integers are the same.
type Memory string

const (
	// Fast keeps weights of fewer than 8 bits as bytes, but for linear layers of a few images, which wait for their weights.
	// It is what "" means.
	Fast Memory = "fast"
	// Small keeps all weights in as few bits as the kernels take, and no copy of those that kernels can read as the model has
	// them. Tiles of AMX take bytes: layers whose weights or signs AVX-512 takes in fewer bits run by that, then.
	Small Memory = "small"
)

// packing returns the way to keep weights, for groups of so many images and a set that waits for weights below fewRows.
func (m Memory) packing(images, fewRows int) packing {
	switch {
	case m == Small:
		return packAll
	case images < fewRows:
		return packLinear
	}
	return packNone
}

// A packing says which operators have packed weights.
type packing int

const (
	packNone packing = iota
	packLinear
	packAll
	packings
)

// of returns a set whose plans pack weights so.
func (p packing) of(set kernel.Set) kernel.Set {
	plan, packed, codes := set.Plan, set.Packed, set.SignCodes
	if p != packNone && codes != nil {
		set.SignCodes = func(c kernel.Conv) bool { return codes(c) && !p.keepsSigns(c) }
	}
	switch {
	case p == packAll && set.Small != nil:
		set.Plan = set.Small
		return set
	case p == packNone || packed == nil:
		return set
	}
	set.Plan = func(c kernel.Conv, weights []int8) kernel.Plan {
		if p == packAll || c.Pixels() == 1 {
			return packed(c, weights)
		}
		return plan(c, weights)
	}
	return set
}

// keepsSigns says whether weights of signs stay bits where codes take less time for many images: all but those of groups, whose
// bits fill no words, or those of few pixels that share none, for which a few images wait.
func (p packing) keepsSigns(c kernel.Conv) bool {
	const few = 16
	return c.Groups == 1 && (p == packAll || p == packLinear && c.KH*c.KW == 1 && c.Pixels() <= few)
}

// programs are a model's programs for one set of kernels, each made when it is first asked for.
type programs [packings]func() *program

func newPrograms(q *qmodel.Model, set kernel.Set) (list programs) {
	for p := range packings {
		if p == packLinear && set.Packed == nil || p == packAll && set.Packed == nil && set.Small == nil {
			list[p] = list[0]
		} else {
			list[p] = sync.OnceValue(func() *program { return compile(q, p.of(set)) })
		}
	}
	return list
}
