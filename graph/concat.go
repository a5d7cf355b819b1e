// SPDX-License-Identifier: Apache-2.0

package graph

// Concat puts the channels of images of one size next to each other. In Integer runs
// it turns the codes of an input into codes of the result by the table that SetTables
// gave for the input, and leaves them as they are without a table.
func (g *Graph) Concat(name string, inputs ...*Node) *Node {
	x := inputs[0]
	if g.err != nil {
		return x
	}
	f := &concat{pixels: x.Height * x.Width, in: inputs}
	for _, in := range inputs {
		if in.Height != x.Height || in.Width != x.Width {
			g.Errorf("graph: %s concatenates %d×%d×%d and %d×%d×%d", name, x.Height, x.Width, x.Channels, in.Height, in.Width, in.Channels)
			return x
		}
		f.widths = append(f.widths, in.Channels)
		f.channels += in.Channels
	}
	return g.Apply(name, f, x.Height, x.Width, f.channels, inputs...)
}

// concat is the Function of Concat.
type concat struct {
	in               []*Node
	pixels, channels int
	widths           []int        // channels of each input
	tables           []*codeTable // of each input in Integer runs, nil where codes stay
}

func (*concat) forgetful()  {}
func (*concat) readsCodes() {}

func (f *concat) Forward(r *Run, y []float32, x [][]float32) error {
	at := 0
	for i, width := range f.widths {
		in := f.in[i].values(r, x[i])
		for p := range r.Batch * f.pixels {
			to := y[p*f.channels+at:][:width]
			if r.Mode == Integer && f.tables != nil && f.tables[i] != nil {
				f.tables[i].apply(to, x[i][p*width:][:width])
			} else {
				in.Read(to, p*width)
			}
		}
		at += width
	}
	return nil
}

func (f *concat) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	at := 0
	for i, width := range f.widths {
		if dx[i] != nil {
			for p := range r.Batch * f.pixels {
				copy(dx[i][p*width:][:width], dy[p*f.channels+at:])
			}
		}
		at += width
	}
	return nil
}

// apply looks up the integers x of the table's input and writes the integers of its
// result to y. Both are codes less their zero points.
func (t *codeTable) apply(y, x []float32) {
	for i, v := range x {
		y[i] = float32(int32(t.codes[int32(v)+t.in]) - t.out)
	}
}

// SetTables gives the epilogue that computes n, whose one term is a concatenation, its
// integers for Integer runs: the code q of input i, whose zero point is in[i], becomes
// tables[i][q], of a tensor whose zero point is out; it stays where the table is nil.
func (n *Node) SetTables(tables [][]uint8, in []int32, out int32) {
	e := n.fn.(*epilogue)
	f := e.Terms[0].X.fn.(*concat)
	f.tables = make([]*codeTable, len(tables))
	for i, t := range tables {
		if t != nil {
			f.tables[i] = &codeTable{codes: t, in: in[i], out: out}
		}
	}
	same := make([]uint8, 256)
	for q := range same {
		same[q] = uint8(q)
	}
	e.table = &codeTable{codes: same, each: len(same), in: out, out: out}
}
