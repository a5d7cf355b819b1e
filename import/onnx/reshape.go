// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// same passes a tensor on.
func same(i *importer, n *onnxproto.Node) error {
	v, err := i.padded(n, 0)
	if err == nil {
		i.set(n.Outputs[0], v)
	}
	return err
}

func cast(i *importer, n *onnxproto.Node) error {
	if t := onnxproto.Type(n.Int("to", 0)); t != onnxproto.TypeFloat && t != onnxproto.TypeDouble {
		return misfitf("FLOAT", "it makes %v of the image", t)
	}
	return same(i, n)
}

// regroup is a reshape of any kind: the shape is that of the result.
func regroup(i *importer, n *onnxproto.Node) error {
	v, err := i.view(n, 0)
	if err != nil {
		return err
	}
	dims := i.program.Tensors[n.Outputs[0]].Dims
	if len(dims) == 0 || dims[0] != 1 {
		return misfitf("a first dimension of the batch", "its result is %v for one image", dims)
	}
	if v, err = v.reshape(dims); err != nil {
		return misfitf("", "%v", err)
	}
	i.set(n.Outputs[0], v)
	return nil
}

func transpose(i *importer, n *onnxproto.Node) error {
	v, err := i.padded(n, 0)
	if err != nil {
		return err
	}
	w := v
	w.dims = make([][]factor, len(v.dims))
	for k := range v.dims {
		at := len(v.dims) - 1 - k
		if a := n.Attribute("perm"); a != nil {
			at = int(a.Ints[k])
		}
		w.dims[k] = v.dims[at]
	}
	i.set(n.Outputs[0], w)
	return nil
}

// flatten makes a tensor a vector.
func (i *importer) flatten(n *onnxproto.Node, v view) view {
	x := v.tensor
	if x.Height == 1 && x.Width == 1 {
		return v
	}
	plain := onnxproto.Node{}
	return v.flat(i.add(&plain, network.Operator{Kind: network.Reshape}, 1, 1, x.Size(), x))
}

// tile repeats the positions of a dimension of one, which lies after the rows or the columns: an upsampling, as Keras writes it
// by Unsqueeze, Tile and Reshape.
func tile(i *importer, n *onnxproto.Node) error {
	v, err := i.real(n, 0)
	if err != nil {
		return err
	}
	at := -1
	for d, size := range i.program.Tensors[n.Outputs[0]].Dims {
		if size == count(v.dims[d]) {
			continue
		}
		if at >= 0 || count(v.dims[d]) != 1 {
			return misfitf("a Tile of one dimension of 1", "it repeats more")
		}
		at = d
	}
	if at < 0 {
		return same(i, n)
	}
	x, times := v.tensor, i.program.Tensors[n.Outputs[0]].Dims[at]
	o, dims := network.Operator{Kind: network.Upsampling, Factor: [2]int{1, 1}}, slices.Clone(v.dims)
	for _, a := range []axis{rows, columns} {
		if at > 1 && len(dims[at-1]) > 0 && slices.Equal(dims[at-1], whole(x, a)) {
			o.Factor[a] = times
			dims[at-1], dims[at] = []factor{{a, size(x, a), times}}, []factor{{a, times, 1}}
		}
	}
	if o.Factor == [2]int{1, 1} {
		return misfitf("a Tile of a dimension just after the rows or the columns", "it repeats something else")
	}
	t := i.add(n, o, x.Height*o.Factor[0], x.Width*o.Factor[1], x.Channels, x)
	i.set(n.Outputs[0], view{tensor: t, dims: dims})
	return nil
}
