// SPDX-License-Identifier: Apache-2.0

package arena

import (
	"math/rand/v2"
	"testing"
)

// TestPlaceSeparatesWhatLivesTogether draws blocks, and wants those that live at the same time apart, all inside of the
// arena, and the arena no smaller than the fullest step.
func TestPlaceSeparatesWhatLivesTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var blocks []*Block
		fullest := make([]int, 20)
		for range 1 + rng.IntN(30) {
			first := rng.IntN(20)
			b := &Block{Size: rng.IntN(50), First: first, Last: first + rng.IntN(20-first)}
			blocks = append(blocks, b)
			for step := b.First; step <= b.Last; step++ {
				fullest[step] += b.Size
			}
		}
		length := Place(blocks)
		for i, b := range blocks {
			if b.Offset < 0 || b.Offset+b.Size > length {
				t.Fatalf("block %+v leaves the arena of %d", *b, length)
			}
			for _, other := range blocks[:i] {
				together := b.First <= other.Last && other.First <= b.Last
				if together && b.Offset < other.Offset+other.Size && other.Offset < b.Offset+b.Size {
					t.Fatalf("blocks %+v and %+v overlap", *b, *other)
				}
			}
		}
		for step, n := range fullest {
			if n > length {
				t.Fatalf("step %d needs %d, the arena has %d", step, n, length)
			}
		}
	}
}
