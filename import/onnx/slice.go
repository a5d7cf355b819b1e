// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// slice takes rows and columns: by a convolution with a weight of one where it takes from.
func slice(i *importer, n *onnxproto.Node) error {
	v, err := i.view(n, 0)
	if err != nil {
		return err
	}
	dims := i.program.Tensors[n.Outputs[0]].Dims
	if i.fits(v, n.Outputs[0]) {
		i.set(n.Outputs[0], v)
		return nil
	}
	if v.affine != nil {
		v = i.normalized(n, v)
	}
	starts, ok := i.sliceStarts(n, len(dims))
	if !ok {
		return misfitf("a Slice with a step of 1", "it takes positions apart from each other")
	}
	x := v.tensor
	window, h, w := geometry.Valid(1, 1), x.Height, x.Width
	at := [2]int{}
	for d, size := range dims {
		if size == count(v.dims[d]) {
			continue
		}
		switch {
		case d > 0 && v.covers(v.dims[d], rows):
			window.Kernel[0], at[0], h = x.Height-size+1, starts[d], size
		case d > 0 && v.covers(v.dims[d], columns):
			window.Kernel[1], at[1], w = x.Width-size+1, starts[d], size
		case d == v.channelDim():
			w, err := i.selected(n, v, d, starts[d], size)
			if err != nil {
				return err
			}
			if !i.fits(w, n.Outputs[0]) {
				return misfitf("one Slice for each dimension", "it takes a part of the channels and of the image")
			}
			i.set(n.Outputs[0], w)
			return nil
		default:
			return misfitf("a Slice of channels, rows or columns", "it takes a part of another dimension")
		}
	}
	if h < 1 || w < 1 {
		return misfitf("", "it takes nothing")
	}
	i.set(n.Outputs[0], v.resized(i.cropped(n, x, window, at, h, w)))
	return nil
}

// cropped adds a convolution that takes h rows and w columns of x: its window has a weight of one at the tap at.
func (i *importer) cropped(n *onnxproto.Node, x *network.Tensor, window geometry.Window, at [2]int, h, w int) *network.Tensor {
	window.Groups = x.Channels
	plain := *n
	plain.Inputs = nil
	t := i.add(&plain, network.Operator{Kind: network.Convolution, Channels: x.Channels, Window: window, Biased: true}, h, w, x.Channels, x)
	weights := make([]float32, x.Channels*window.Taps())
	for c := range x.Channels {
		weights[(c*window.Kernel[0]+at[0])*window.Kernel[1]+at[1]] = 1
	}
	i.put(t.Name, "weight", weights)
	i.put(t.Name, "bias", make([]float32, x.Channels))
	return t
}

// sliceStarts returns the first position along each dimension, and whether all steps are 1.
func (i *importer) sliceStarts(n *onnxproto.Node, rank int) (starts []int, ok bool) {
	starts = make([]int, rank)
	list := func(name string, k int) []float64 {
		if t, err := i.constant(n, k); err == nil && t != nil {
			return t.Values()
		}
		var values []float64
		if a := n.Attribute(name); a != nil {
			for _, v := range a.Ints {
				values = append(values, float64(v))
			}
		}
		return values
	}
	first, axes, steps := list("starts", 1), list("axes", 3), list("steps", 4)
	for k, s := range first {
		d := k
		if k < len(axes) {
			if d = int(axes[k]); d < 0 {
				d += rank
			}
		}
		size := float64(i.program.Tensors[n.Inputs[0]].Dims[d])
		if s < 0 {
			s += size
		}
		starts[d] = int(min(max(s, 0), size))
	}
	return starts, !slices.ContainsFunc(steps, func(s float64) bool { return s != 1 })
}
