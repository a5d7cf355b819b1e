// SPDX-License-Identifier: Apache-2.0

package graph

// Flatten makes each image a vector, its values in the order row, column,
// channel.
func (g *Graph) Flatten(name string, x *Node) *Node {
	f := &flatten{name: name, size: x.size(), in: x}
	f.out = g.Apply(name, f, 1, 1, x.size(), x).keeps(x)
	return f.out
}

// flatten is the Function of Flatten. It copies: Gorgonia's own ops overwrite
// their inputs, which a shared view would pass on.
type flatten struct {
	name    string
	size    int
	in, out *Node
}

func (*flatten) elementwise() {}
func (*flatten) forgetful()   {}

func (*flatten) carriesCodes() bool { return true }

func (f *flatten) Forward(r *Run, y []float32, x [][]float32) error {
	if to := f.out.values(r, y); to.Codes != nil {
		copy(to.Codes[:r.Batch*f.size], f.in.values(r, x[0]).Codes)
		return nil
	}
	copy(y[:r.Batch*f.size], x[0])
	tap(r, f.name, y, f.size)
	return nil
}

func (f *flatten) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	copy(dx[0][:r.Batch*f.size], dy)
	return nil
}
