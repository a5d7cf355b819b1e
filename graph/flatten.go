// SPDX-License-Identifier: Apache-2.0

package graph

// Flatten makes each image a vector, its values in the order row, column,
// channel.
func (g *Graph) Flatten(name string, x *Node) *Node {
	return g.Apply(name, &flatten{name, x.size()}, 1, 1, x.size(), x).keeps(x)
}

// flatten is the Function of Flatten. It copies: Gorgonia's own ops overwrite
// their inputs, which a shared view would pass on.
type flatten struct {
	name string
	size int
}

func (*flatten) elementwise() {}
func (*flatten) forgetful()   {}

func (f *flatten) Forward(r *Run, y []float32, x [][]float32) error {
	copy(y[:r.Batch*f.size], x[0])
	tap(r, f.name, y, f.size)
	return nil
}

func (f *flatten) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	copy(dx[0][:r.Batch*f.size], dy)
	return nil
}
