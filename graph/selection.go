// SPDX-License-Identifier: Apache-2.0

package graph

// Select passes on channels of x: channel c of the result is channel channels[c].
func (g *Graph) Select(name string, x *Node, channels []int) *Node {
	for _, c := range channels {
		if g.err == nil && (c < 0 || c >= x.Channels) {
			g.Errorf("graph: %s selects channel %d of %d", name, c, x.Channels)
			return x
		}
	}
	f := &selection{in: x, name: name, rows: x.Height * x.Width, from: x.Channels, channels: channels}
	f.out = g.Apply(name, f, x.Height, x.Width, len(channels), x).keeps(x)
	return f.out
}

// selection is the Function of Select.
type selection struct {
	name       string
	in, out    *Node
	rows, from int   // rows of an image, channels of the input
	channels   []int // of the result: which of the input
}

func (*selection) forgetful() {}

func (*selection) carriesCodes() bool { return true }

func (f *selection) Forward(r *Run, y []float32, x [][]float32) error {
	if out := f.out.values(r, y); out.Codes != nil {
		choose(f, r.Batch, out.Codes, f.in.values(r, x[0]).Codes)
		return nil
	}
	choose(f, r.Batch, y, x[0])
	tap(r, f.name, y, f.rows*len(f.channels))
	return nil
}

// choose writes the channels of f of all images to y.
func choose[T any](f *selection, batch int, y, x []T) {
	to := len(f.channels)
	for p := range batch * f.rows {
		y, x := y[p*to:][:to], x[p*f.from:]
		for c, from := range f.channels {
			y[c] = x[from]
		}
	}
}

func (f *selection) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	to := len(f.channels)
	clear(dx[0])
	for p := range r.Batch * f.rows {
		dy, dx := dy[p*to:][:to], dx[0][p*f.from:]
		for c, from := range f.channels {
			dx[from] += dy[c]
		}
	}
	return nil
}
