// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/onnxproto"
)

// pad is taken over by the window that reads its result.
func pad(i *importer, n *onnxproto.Node) error {
	v, err := i.view(n, 0)
	if err != nil {
		return err
	}
	value := n.Float("value", 0)
	if t, err := i.constant(n, 2); err != nil {
		return err
	} else if t != nil && len(t.Values()) == 1 {
		value = t.Values()[0]
	}
	if value != 0 {
		return misfitf("a Pad by zeros", "it pads by %v", value)
	}
	pads, err := i.pads(n, len(v.dims))
	if err != nil {
		return err
	}
	w := v
	w.dims = slices.Clone(v.dims)
	for d := range v.dims {
		before, after := pads[d], pads[d+len(v.dims)]
		if before == 0 && after == 0 {
			continue
		}
		a := 0
		switch {
		case before < 0 || after < 0:
			return misfitf("a Slice", "it takes away rows or columns")
		case d > 0 && len(v.dims[d]) > 0 && v.covers(v.dims[d], rows):
		case d > 0 && len(v.dims[d]) > 0 && v.covers(v.dims[d], columns):
			a = 1
		default:
			return misfitf("a Pad of rows and columns", "it pads dimension %d", d)
		}
		w.pad[a], w.pad[a+2] = before, after
	}
	i.set(n.Outputs[0], w)
	return nil
}

// pads returns the zeros before and after each dimension.
func (i *importer) pads(n *onnxproto.Node, rank int) ([]int, error) {
	all := make([]int, 2*rank)
	t, err := i.constant(n, 1)
	if err != nil {
		return nil, err
	}
	var list []int
	if a := n.Attribute("pads"); a != nil {
		for _, v := range a.Ints {
			list = append(list, int(v))
		}
	} else if t != nil {
		for _, v := range t.Values() {
			list = append(list, int(v))
		}
	}
	axes, err := i.constant(n, 3)
	if err != nil {
		return nil, err
	}
	if axes == nil {
		copy(all, list)
		return all, nil
	}
	values := axes.Values()
	for k, a := range values {
		d := int(a)
		if d < 0 {
			d += rank
		}
		all[d], all[d+rank] = list[k], list[k+len(values)]
	}
	return all, nil
}

// window returns the window of a node over v, as large as the file's result is, with what ceil_mode adds to
// its padding: rows at the bottom and columns on the right.
func (i *importer) window(n *onnxproto.Node, v view) (w geometry.Window, beyond [2]int, err error) {
	from, ok := i.program.Window(n)
	if !ok {
		return w, beyond, misfitf("", "it has no window")
	}
	w = geometry.Window{Kernel: from.Kernel, Stride: from.Stride, Pad: from.Pad}
	if from.Dilation != [2]int{1, 1} {
		w.Dilation = from.Dilation
	}
	for side := range w.Pad {
		w.Pad[side] += v.pad[side]
	}
	e := [2]int{}
	e[0], e[1] = w.Extent()
	for a, in := range [2]int{v.tensor.Height, v.tensor.Width} {
		beyond[a] = max(0, (from.Out[a]-1)*w.Stride[a]+e[a]-in-w.Pad[a]-w.Pad[a+2])
		w.Pad[a+2] += beyond[a]
	}
	return w, beyond, nil
}

// planesOf returns input 0 of a node that reads images, with its padding and without factors that are not multiplied yet.
func (i *importer) planesOf(n *onnxproto.Node) (view, error) {
	v, err := i.padded(n, 0)
	if err != nil {
		return v, err
	}
	if !v.isPlanes() {
		return v, misfitf("batch, channels, rows and columns", "it reads an image whose dimensions are in another order")
	}
	if v.affine != nil {
		pads := v.pad
		v = i.normalized(n, v)
		v.pad = pads
	}
	return v, nil
}
