// SPDX-License-Identifier: Apache-2.0

package graph

// Upsample repeats each row factor[0] times and each column factor[1] times: nearest
// neighbours in an image that many times as large.
func (g *Graph) Upsample(name string, x *Node, factor [2]int) *Node {
	if g.err == nil && min(factor[0], factor[1]) < 1 {
		g.Errorf("graph: %s enlarges %d×%d times", name, factor[0], factor[1])
		return x
	}
	f := &upsampling{name: name, in: x, height: x.Height, width: x.Width, channels: x.Channels, factor: factor}
	f.out = g.Apply(name, f, x.Height*factor[0], x.Width*factor[1], x.Channels, x).keeps(x)
	return f.out
}

// upsampling is the Function of Upsample.
type upsampling struct {
	name                    string
	in, out                 *Node
	height, width, channels int // of the input
	factor                  [2]int
}

func (*upsampling) forgetful() {}

func (*upsampling) carriesCodes() bool { return true }

// each calls a function for every pixel of the result, with the index of the pixel and
// the index of the input's pixel that it repeats.
func (f *upsampling) each(batch int, do func(to, from int)) {
	height, width := f.height*f.factor[0], f.width*f.factor[1]
	for row := range batch * height { // of all images
		image, y := row/height, row%height
		for x := range width {
			do((row*width+x)*f.channels, ((image*f.height+y/f.factor[0])*f.width+x/f.factor[1])*f.channels)
		}
	}
}

func (f *upsampling) Forward(r *Run, y []float32, x [][]float32) error {
	if out := f.out.values(r, y); out.Codes != nil {
		in := f.in.values(r, x[0])
		f.each(r.Batch, func(to, from int) { copy(out.Codes[to:][:f.channels], in.Codes[from:]) })
		return nil
	}
	f.each(r.Batch, func(to, from int) { copy(y[to:][:f.channels], x[0][from:]) })
	tap(r, f.name, y, f.height*f.factor[0]*f.width*f.factor[1]*f.channels)
	return nil
}

func (f *upsampling) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	clear(dx[0])
	f.each(r.Batch, func(to, from int) {
		dx, dy := dx[0][from:][:f.channels], dy[to:][:f.channels]
		for c, d := range dy {
			dx[c] += d
		}
	})
	return nil
}
