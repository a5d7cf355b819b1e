// SPDX-License-Identifier: Apache-2.0

package graph

// Planes say how the integers of a tensor fall apart in Integer runs: a
// convolution has an accumulator for each plane of its input and each of its
// weights.
type Planes interface {
	Count() int
	// Plane writes what the integers of src are in plane k to dst.
	Plane(k int, dst, src []float32)
}

// SignPlanes are the planes of codes that hold so many signs: bit k of a code is the
// sign in plane k, 1 for +1 and 0 for −1.
type SignPlanes int

// Count returns the number of signs.
func (p SignPlanes) Count() int { return int(p) }

// Plane writes −1 and +1.
func (p SignPlanes) Plane(k int, dst, src []float32) {
	for i, x := range src {
		dst[i] = float32(int32(x)>>k&1*2 - 1)
	}
}

// SplitPlanes are the positive integers and the negative ones, 0 instead of
// the others.
type SplitPlanes struct{}

// Count returns 2.
func (SplitPlanes) Count() int { return 2 }

// Plane writes the positive integers for k = 0, the negative ones for k = 1.
func (SplitPlanes) Plane(k int, dst, src []float32) {
	for i, x := range src {
		if k == 0 {
			dst[i] = max(x, 0)
		} else {
			dst[i] = min(x, 0)
		}
	}
}

// SetPlanes says how the integers of the input and of the weights of the
// convolution n fall apart, nil for not at all. An epilogue takes the
// accumulators as so many terms: first come the accumulators of the first plane of the
// weights.
func (n *Node) SetPlanes(input, weights Planes) {
	f := n.fn.(*conv)
	f.inputs, f.weights = input, weights
	f.sums = make([]sums, count(input)*count(weights))
}

// count returns the number of planes.
func count(p Planes) int {
	if p == nil {
		return 1
	}
	return p.Count()
}

// sums are the accumulators of one plane: in float32 where that is exact, in
// float64 beyond.
type sums struct {
	narrow []float32
	wide   []float64
	isWide bool
}

// at returns an accumulator.
func (s *sums) at(i int) int64 {
	if s.isWide {
		return int64(s.wide[i])
	}
	return int64(s.narrow[i])
}

// plane returns the integers of plane k of x, in memory unless they are x.
func plane(p Planes, k int, memory *[]float32, x []float32) []float32 {
	if p == nil {
		return x
	}
	if len(*memory) < len(x) {
		*memory = make([]float32, len(x))
	}
	p.Plane(k, (*memory)[:len(x)], x)
	return (*memory)[:len(x)]
}
