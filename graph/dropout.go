// SPDX-License-Identifier: Apache-2.0

package graph

// Dropout zeroes each value with the given probability in training runs and
// scales the others by 1/(1 − rate); other runs pass x on unchanged (Srivastava
// et al. 2014). What is dropped depends on Pass.Seed, Pass.Step, the layer and
// the place alone.
func (g *Graph) Dropout(name string, x *Node, rate float64) *Node {
	if !(rate >= 0 && rate < 1) {
		g.Errorf("graph: %s: a dropout rate of %v is not in [0, 1)", name, rate)
		return x
	}
	f := &dropout{
		in: x, size: x.size(), layer: NewLayer(name),
		threshold: uint32(rate * (1 << 32)), scale: float32(1 / (1 - rate)),
	}
	return g.Apply(name, f, x.Height, x.Width, x.Channels, x).keeps(x)
}

// dropout is the Function of Dropout. Backward draws the same numbers again
// instead of keeping a mask.
type dropout struct {
	in        *Node
	size      int
	layer     Layer
	threshold uint32
	scale     float32
}

func (f *dropout) apply(r *Run, dst, src []float32) {
	n := r.Batch * f.size
	dst, src = dst[:n], src[:n]
	if r.Mode != Train {
		copy(dst, src)
		return
	}
	random, first := r.Random(f.layer), r.First*f.size
	for i, v := range src {
		if random.Uint32(first+i) < f.threshold {
			dst[i] = 0
		} else {
			dst[i] = v * f.scale
		}
	}
}

func (*dropout) elementwise() {}
func (*dropout) forgetful()   {}
func (*dropout) readsCodes()  {}

func (f *dropout) Forward(r *Run, y []float32, x [][]float32) error {
	in := f.in.values(r, x[0])
	if in.Codes != nil { // whose step is another one: the result is real numbers
		in.Read(y[:r.Batch*f.size], 0)
		in.Real = y
	}
	f.apply(r, y, in.Real)
	return nil
}

func (f *dropout) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	f.apply(r, dx[0], dy)
	return nil
}
