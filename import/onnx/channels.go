// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// concatenate is along the channels.
func concatenate(i *importer, n *onnxproto.Node) error {
	var list []*network.Tensor
	var first view
	total, axis := 0, 0
	for k := range n.Inputs {
		v, err := i.real(n, k)
		if err != nil {
			return err
		}
		v = i.ordered(n, v)
		if k == 0 {
			first, axis = v, n.Int("axis", 1)
			if axis < 0 {
				axis += len(v.dims)
			}
		}
		at := v.channelDim()
		one, err := v.onto(&network.Tensor{Height: v.tensor.Height, Width: v.tensor.Width, Channels: 1})
		two, err2 := first.onto(&network.Tensor{Height: first.tensor.Height, Width: first.tensor.Width, Channels: 1})
		if err != nil || err2 != nil || at != axis || !slices.Equal(v.dims[at], whole(v.tensor, channels)) || !sameDims(one.dims, two.dims) {
			return misfitf("a Concat of the channels of images of one size", "it concatenates %v along axis %d", i.program.Tensors[n.Inputs[k]].Dims, axis)
		}
		list, total = append(list, v.tensor), total+v.tensor.Channels
	}
	if len(list) == 1 {
		return same(i, n)
	}
	x := list[0]
	t := i.add(n, network.Operator{Kind: network.Concatenation}, x.Height, x.Width, total, list...)
	v, err := first.onto(t)
	if err != nil {
		return misfitf("", "%v", err)
	}
	v.dims[axis] = whole(t, channels)
	i.set(n.Outputs[0], v)
	return nil
}

// split cuts the channels.
func split(i *importer, n *onnxproto.Node) error {
	v, err := i.real(n, 0)
	if err != nil {
		return err
	}
	dim := n.Int("axis", 0)
	if dim < 0 {
		dim += len(v.dims)
	}
	if dim != v.channelDim() {
		return misfitf("a Split of the channels", "it cuts another dimension")
	}
	v, first := i.ordered(n, v), 0
	v.shared = true
	for _, name := range n.Outputs {
		size := i.program.Tensors[name].Dims[dim]
		if i.readers[name] > 0 {
			w, err := i.selected(n, v, dim, first, size)
			if err != nil {
				return err
			}
			i.set(name, w)
		}
		first += size
	}
	return nil
}

// selected adds a choice of channels: size of them from first on.
func (i *importer) selected(n *onnxproto.Node, v view, dim, first, size int) (view, error) {
	v = i.ordered(n, v)
	x := v.tensor
	if v.channelDim() != dim || !slices.Equal(v.dims[dim], whole(x, channels)) {
		return v, misfitf("", "it takes a part of channels that lie in another order")
	}
	t := i.add(&onnxproto.Node{Name: n.Name}, network.Operator{Kind: network.Selection, First: first, Shuffle: 1}, x.Height, x.Width, size, x)
	w, err := v.onto(t)
	if err != nil {
		return v, misfitf("", "%v", err)
	}
	w.dims[dim] = whole(t, channels)
	return w, nil
}

// ordered adds a shuffle of channels that a view has in the order of one, as rows read by columns, so that they lie in
// memory as the file has them.
func (i *importer) ordered(n *onnxproto.Node, v view) view {
	dim := v.channelDim()
	if dim < 0 || len(v.dims[dim]) != 2 || v.affine != nil {
		return v
	}
	slow, fast := v.dims[dim][0], v.dims[dim][1]
	if slow.step != 1 || fast.step != slow.size {
		return v
	}
	x := v.tensor
	t := i.add(&onnxproto.Node{}, network.Operator{Kind: network.Selection, Shuffle: fast.size}, x.Height, x.Width, x.Channels, x)
	w := view{tensor: t, dims: slices.Clone(v.dims), pad: v.pad}
	w.dims[dim] = whole(t, channels)
	return w
}
