// SPDX-License-Identifier: Apache-2.0

package graph

// A Layer is the part that a layer's name has in its random numbers.
type Layer uint64

// NewLayer returns the Layer of a name.
func NewLayer(name string) Layer {
	h := uint64(len(name))
	for _, c := range []byte(name) {
		h = mix(h ^ uint64(c))
	}
	return Layer(h)
}

// Random are the random numbers of a layer in a step of the training: the same
// whenever it is run again.
type Random uint64

// Random returns the numbers of a layer, by Seed and Step.
func (r *Run) Random(l Layer) Random { return Random(mix(r.Seed ^ mix(r.Step^uint64(l)))) }

// Uint32 returns number i, uniform over all uint32.
func (r Random) Uint32(i int) uint32 { return uint32(mix(uint64(r)+uint64(i)) >> 32) }

// mix is the output function of SplitMix64 (Steele, Lea, Flood 2014): a
// bijection of the 64-bit integers that scatters neighbours.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
