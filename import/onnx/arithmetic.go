// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

func add(i *importer, n *onnxproto.Node) error {
	if i.isConstant(n, 0) || i.isConstant(n, 1) {
		return i.byConstant(n, func(c float64) (by, plus float64) { return 1, c })
	}
	a, err := i.real(n, 0)
	if err != nil {
		return err
	}
	b, err := i.real(n, 1)
	if err != nil {
		return err
	}
	x, y := a.tensor, b.tensor
	if x.Shape() != y.Shape() || !sameDims(a.dims, b.dims) {
		return misfitf("an Add of tensors of one shape", "it adds %s to %s", y.Shape(), x.Shape())
	}
	t := i.add(n, network.Operator{Kind: network.Addition}, x.Height, x.Width, x.Channels, x, y)
	i.set(n.Outputs[0], view{tensor: t, dims: a.dims})
	return nil
}

func subtract(i *importer, n *onnxproto.Node) error {
	switch {
	case i.isConstant(n, 1):
		return i.byConstant(n, func(c float64) (by, plus float64) { return 1, -c })
	case i.isConstant(n, 0):
		return i.byConstant(n, func(c float64) (by, plus float64) { return -1, c })
	}
	return misfitf("Add", "it subtracts two tensors that depend on the image")
}

func negate(i *importer, n *onnxproto.Node) error {
	v, err := i.view(n, 0)
	if err != nil {
		return err
	}
	c := v.tensor.Channels
	return i.affineNode(n, v, slices.Repeat([]float64{-1}, c), make([]float64, c))
}

func multiply(i *importer, n *onnxproto.Node) error {
	if i.isConstant(n, 0) || i.isConstant(n, 1) {
		return i.byConstant(n, func(c float64) (by, plus float64) { return c, 0 })
	}
	return product(i, n)
}

func divide(i *importer, n *onnxproto.Node) error {
	if i.isConstant(n, 1) {
		return i.byConstant(n, func(c float64) (by, plus float64) { return 1 / c, 0 })
	}
	return misfitf("a Div by a constant of each channel", "it divides by a tensor that depends on the image")
}

// product multiplies two tensors that depend on the image: of one shape, or the one by a number for each channel of the
// other. A tensor times its own sigmoid is SiLU, times its own hard-sigmoid hard-swish.
func product(i *importer, n *onnxproto.Node) error {
	a, err := i.real(n, 0)
	if err != nil {
		return err
	}
	b, err := i.real(n, 1)
	if err != nil {
		return err
	}
	if i.swish(n, a, b) || i.swish(n, b, a) {
		return nil
	}
	if a.tensor.Height*a.tensor.Width < b.tensor.Height*b.tensor.Width {
		a, b = b, a
	}
	x, y := a.tensor, b.tensor
	byChannel := y.Height*y.Width == 1 && y.Channels == x.Channels && a.channelDim() == b.channelDim()-len(b.dims)+len(a.dims) &&
		slices.Equal(a.dims[a.channelDim()], b.dims[b.channelDim()])
	if !byChannel && (x.Shape() != y.Shape() || !sameDims(a.dims, b.dims)) {
		return misfitf("a Mul of tensors of one shape, or by one number for each channel", "it multiplies %s by %s", x.Shape(), y.Shape())
	}
	a.tensor, a.shared = i.add(n, network.Operator{Kind: network.Product}, x.Height, x.Width, x.Channels, x, y), false
	i.set(n.Outputs[0], a)
	return nil
}

// byConstant does what a node does with a tensor and a constant: by and plus make the two of its numbers.
func (i *importer) byConstant(n *onnxproto.Node, f func(c float64) (by, plus float64)) error {
	k := 0 // the tensor
	if i.isConstant(n, 0) {
		k = 1
	}
	v, err := i.view(n, k)
	if err != nil {
		return err
	}
	t, err := i.constant(n, 1-k)
	if err != nil {
		return err
	}
	numbers, err := perChannel(v, t)
	if err != nil {
		return err
	}
	by, plus := make([]float64, len(numbers)), make([]float64, len(numbers))
	for c, x := range numbers {
		by[c], plus[c] = f(x)
	}
	return i.affineNode(n, v, by, plus)
}

// affineNode has values multiplied and added to, channel by channel.
func (i *importer) affineNode(n *onnxproto.Node, v view, by, plus []float64) error {
	o := v.tensor.Source
	switch {
	case v.affine != nil:
		v.affine = v.affine.then(by, plus)
	case v.open() && o.Kind.Weighted():
		gain, shift := "weight", "bias"
		if o.Normalized {
			gain, shift = "gamma", "beta"
		}
		i.update(o, gain, 1, func(c int, w float64) float64 { return w * by[c] })
		i.update(o, shift, 0, func(c int, b float64) float64 { return b*by[c] + plus[c] })
	default:
		v = i.each(n, v, by, plus)
	}
	i.set(n.Outputs[0], v)
	return nil
}
