// SPDX-License-Identifier: Apache-2.0

package graph

// Multiply multiplies x by other tensors, value by value: each has the shape of x, or
// one value for each of its channels, as in squeeze-and-excitation (Hu et al. 2018). In
// Integer runs it is the product of integers less their zero points.
func (g *Graph) Multiply(name string, x *Node, factors ...*Node) *Node {
	if g.err != nil {
		return x
	}
	f := &multiply{rows: x.Height * x.Width, channels: x.Channels}
	for _, y := range factors {
		whole := y.Height == x.Height && y.Width == x.Width
		if y.Channels != x.Channels || !whole && y.Height*y.Width != 1 {
			g.Errorf("graph: %s multiplies %d×%d×%d by %d×%d×%d", name, x.Height, x.Width, x.Channels, y.Height, y.Width, y.Channels)
			return x
		}
		f.whole = append(f.whole, whole)
	}
	return g.Apply(name, f, x.Height, x.Width, x.Channels, append([]*Node{x}, factors...)...)
}

// multiply is the Function of Multiply.
type multiply struct {
	rows, channels int
	whole          []bool // by factor: it has the shape of the result

	// One run's arguments, for the tiles, an image each.
	y, dy []float32
	x, dx [][]float32
}

func (f *multiply) Forward(r *Run, y []float32, x [][]float32) error {
	f.y, f.x = y, x
	r.Do((*multiplyForward)(f), r.Batch)
	return nil
}

func (f *multiply) Backward(r *Run, dx [][]float32, dy []float32, x [][]float32) error {
	f.dx, f.dy, f.x = dx, dy, x
	r.Do((*multiplyBackward)(f), r.Batch)
	return nil
}

// input returns input k of an image, and how many of its values a row of the result
// goes on by: 0 where every row has the same.
func (f *multiply) input(tensors [][]float32, k, image int) (values []float32, each int) {
	if k == 0 || f.whole[k-1] {
		return tensors[k][image*f.rows*f.channels:][:f.rows*f.channels], f.channels
	}
	return tensors[k][image*f.channels:][:f.channels], 0
}

type (
	multiplyForward  multiply // the values
	multiplyBackward multiply // the gradients
)

func (t *multiplyForward) Tile(i, _ int) {
	f := (*multiply)(t)
	size := f.rows * f.channels
	y := f.y[i*size : (i+1)*size]
	copy(y, f.x[0][i*size:])
	for k := 1; k < len(f.x); k++ {
		x, each := f.input(f.x, k, i)
		for row := range f.rows {
			y := y[row*f.channels:][:f.channels]
			for c, v := range x[row*each:][:f.channels] {
				y[c] *= v
			}
		}
	}
}

func (t *multiplyBackward) Tile(i, _ int) {
	f := (*multiply)(t)
	for k, dx := range f.dx {
		if dx == nil {
			continue
		}
		d, each := f.input(f.dx, k, i)
		clear(d)
		for row := range f.rows {
			d := d[row*each:][:f.channels]
			for c, dy := range f.dy[(i*f.rows+row)*f.channels:][:f.channels] {
				d[c] += float32(dy * f.others(k, i, row, c))
			}
		}
	}
}

// others returns the product of all inputs but one at a place.
func (f *multiply) others(but, image, row, c int) float32 {
	product := float32(1)
	for k := range f.x {
		if k != but {
			x, each := f.input(f.x, k, image)
			product *= x[row*each+c]
		}
	}
	return product
}
