// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/goqat/goqat/internal/random"

// A Layer is the part that a layer's name has in its random numbers.
type Layer uint64

// NewLayer returns the Layer of a name.
func NewLayer(name string) Layer {
	h := uint64(len(name))
	for _, c := range []byte(name) {
		h = random.Mix(h ^ uint64(c))
	}
	return Layer(h)
}

// Random are the random numbers of a layer in a step of the training: the same
// whenever it is run again.
type Random uint64

// Random returns the numbers of a layer, by Seed and Step.
func (r *Run) Random(l Layer) Random {
	return Random(random.Mix(r.Seed ^ random.Mix(r.Step^uint64(l))))
}

// Uint32 returns number i, uniform over all uint32.
func (r Random) Uint32(i int) uint32 { return uint32(random.Mix(uint64(r)+uint64(i)) >> 32) }
