// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/goqat/goqat/geometry"

// PadSigns adds a border to x, a tensor of signs, for a convolution of the given
// window, which then needs no padding of its own. The border is −1 (docs/numerics.md,
// 3.7), or −Σ scaleₙ if each value is Σ scaleₙ·signₙ. In float runs it is 0, in Integer
// runs the code of the sign −1. The parameter signs is the name of x's quantizer.
func (g *Graph) PadSigns(name, signs string, x *Node, w geometry.Window, scale *Param) *Node {
	f := &padSigns{in: x, signs: signs, w: w, h: x.Height, row: x.Width * x.Channels, channels: x.Channels}
	inputs := []*Node{x}
	if scale != nil {
		inputs = append(inputs, scale.node)
	}
	f.out = g.Apply(name, f, x.Height+w.Pad[0]+w.Pad[2], x.Width+w.Pad[1]+w.Pad[3], x.Channels, inputs...).keeps(x)
	return f.out
}

// padSigns is the Function of PadSigns.
type padSigns struct {
	in, out  *Node
	signs    string // name of their quantizer
	w        geometry.Window
	h        int // rows of an image
	row      int // values of one of its rows
	channels int
}

// wide is the number of values of a padded row.
func (f *padSigns) wide() int { return f.row + (f.w.Pad[1]+f.w.Pad[3])*f.channels }

// each calls do for the inside of every row: where it is in the padded tensor
// and where in the other.
func (f *padSigns) each(batch int, do func(outer, inner int)) {
	rows := f.h + f.w.Pad[0] + f.w.Pad[2]
	for n := range batch {
		for y := range f.h {
			do((n*rows+f.w.Pad[0]+y)*f.wide()+f.w.Pad[1]*f.channels, (n*f.h+y)*f.row)
		}
	}
}

// size is the number of values of a padded image.
func (f *padSigns) size() int { return (f.h + f.w.Pad[0] + f.w.Pad[2]) * f.wide() }

func (*padSigns) forgetful() {}

func (*padSigns) carriesCodes() bool { return true }

func (f *padSigns) Forward(r *Run, y []float32, x [][]float32) error {
	if out := f.out.values(r, y); out.Codes != nil {
		in := f.in.values(r, x[0])
		clear(out.Codes[:r.Batch*f.size()]) // the code of −1
		f.each(r.Batch, func(outer, inner int) { copy(out.Codes[outer:outer+f.row], in.Codes[inner:]) })
		return nil
	}
	border := y[:r.Batch*f.size()]
	value := f.value(r, x)
	for i := range border {
		border[i] = value
	}
	f.each(r.Batch, func(outer, inner int) { copy(y[outer:outer+f.row], x[0][inner:]) })
	return nil
}

// value returns the value of the border.
func (f *padSigns) value(r *Run, x [][]float32) float32 {
	switch {
	case r.Mode == Integer || !r.Quantizes(f.signs):
		return 0
	case len(x) == 1:
		return -1
	}
	var sum float32
	for _, s := range x[1] {
		sum -= s
	}
	return sum
}

func (f *padSigns) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	var inside, all float64
	learns := len(dx) > 1 && dx[1] != nil
	f.each(r.Batch, func(outer, inner int) {
		row := dy[outer : outer+f.row]
		if dx[0] != nil {
			copy(dx[0][inner:inner+f.row], row)
		}
		if learns {
			inside += total64(row)
		}
	})
	if !learns {
		return nil
	}
	clear(dx[1])
	if r.Quantizes(f.signs) {
		all = total64(dy[:r.Batch*f.size()])
		for i := range dx[1] {
			dx[1][i] = float32(inside - all)
		}
	}
	return nil
}

// total64 returns the sum of x.
func total64(x []float32) float64 {
	var sum float64
	for _, v := range x {
		sum += float64(v)
	}
	return sum
}
