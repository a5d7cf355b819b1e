// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/onnxeval"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// convolution takes channels in another order by its weights.
func convolution(i *importer, n *onnxproto.Node) error {
	v, err := i.padded(n, 0)
	if err != nil {
		return err
	}
	weights, err := i.constant(n, 1)
	if err != nil {
		return err
	}
	bias, err := i.constant(n, 2)
	if err != nil {
		return err
	}
	w, _, err := i.window(n, v)
	if err != nil {
		return err
	}
	groups := n.Int("group", 1)
	if groups > 1 {
		v = i.ordered(n, v)
	}
	x := v.tensor
	plain := planes(x, len(v.dims))
	order := slices.Clone(v.dims)
	order[1] = plain.dims[1]
	if !sameDims(order, plain.dims) || !v.covers(v.dims[1], channels) || groups > 1 && !v.isPlanes() {
		return misfitf("batch, channels, rows and columns", "it reads an image whose dimensions are in another order")
	}
	w.Groups = groups
	out, per := weights.Dims[0], weights.Dims[1]
	h, width := w.Output(x.Height, x.Width)
	t := i.add(n, network.Operator{Kind: network.Convolution, Channels: out, Window: w, Biased: true}, h, width, out, x)
	at := v.positions(v.dims[1])
	numbers := make([]float32, weights.Len())
	taps := w.Taps()
	for o := range out {
		for k := range per {
			to := k
			if groups == 1 {
				to = at[k]
			}
			for tap := range taps {
				numbers[(o*taps+tap)*per+to] = float32(weights.At((o*per+k)*taps + tap))
			}
		}
	}
	biases := make([]float64, out)
	if bias != nil {
		copy(biases, bias.Values())
	}
	if v.affine != nil {
		i.ofImage(v, numbers, biases, func(o, k int) int { return o/(out/groups)*per + k%per })
	}
	i.put(t.Name, "weight", numbers)
	i.put(t.Name, "bias", singles(biases))
	i.set(n.Outputs[0], planes(t, len(v.dims)))
	return nil
}

// ofImage has weights read goqat's image in place of the file's. Channel says which channel weight k of an output reads.
func (i *importer) ofImage(v view, weights []float32, biases []float64, channel func(output, k int) int) {
	by, plus := i.fromCodes(v.affine)
	each := len(weights) / len(biases)
	for o := range biases {
		for k, w := range weights[o*each:][:each] {
			c := channel(o, k)
			biases[o] += float64(w) * plus[c]
			weights[o*each+k] = float32(float64(w) * by[c])
		}
	}
}

// gemm is a linear layer.
func gemm(i *importer, n *onnxproto.Node) error {
	bias, err := i.constant(n, 2)
	if err != nil {
		return err
	}
	if n.Int("transA", 0) != 0 {
		return misfitf("a Gemm of images in rows", "it transposes the images")
	}
	return i.linear(n, n.Int("transB", 0) != 0, n.Float("alpha", 1), n.Float("beta", 1), bias)
}

func matmul(i *importer, n *onnxproto.Node) error { return i.linear(n, false, 1, 1, nil) }

// linear multiplies by a matrix: all of a tensor, or the channels at each of its positions.
func (i *importer) linear(n *onnxproto.Node, transposed bool, alpha, beta float64, bias *onnxeval.Tensor) error {
	v, err := i.view(n, 0)
	if err != nil {
		return err
	}
	matrix, err := i.constant(n, 1)
	if err != nil {
		return err
	}
	last := len(v.dims) - 1
	if len(matrix.Dims) != 2 {
		return misfitf("a matrix of two dimensions", "it multiplies by %v", matrix.Dims)
	}
	x := v.tensor
	everywhere := (x.Height > 1 || x.Width > 1) && v.covers(v.dims[last], channels)
	if !everywhere && !v.covers(v.dims[last], rows, columns, channels) {
		return misfitf("a product with all of a vector", "it multiplies a part of what it reads")
	}
	channel := func(k int) int { return k % x.Channels }
	from := v.positions(v.dims[last])
	if !everywhere {
		v = i.flatten(n, v)
	}
	inner, out := matrix.Dims[0], matrix.Dims[1]
	if transposed {
		inner, out = out, inner
	}
	numbers := make([]float32, inner*out)
	for o := range out {
		for k, at := range from {
			w := k*out + o
			if transposed {
				w = o*inner + k
			}
			numbers[o*inner+at] = float32(alpha * matrix.At(w))
		}
	}
	biases := make([]float64, out)
	if bias != nil {
		b := bias.Values()
		for o := range biases {
			biases[o] = beta * b[o%len(b)]
		}
	}
	if v.affine != nil || i.values[n.Inputs[0]].affine != nil {
		v.affine = i.values[n.Inputs[0]].affine
		i.ofImage(v, numbers, biases, func(_, k int) int { return channel(k) })
	}
	x = v.tensor
	o := network.Operator{Kind: network.FullyConnected, Channels: out, Window: geometry.Valid(1, 1), Biased: true}
	if everywhere {
		o.Kind = network.Convolution
	}
	o.Window.Groups = 1
	t := i.add(n, o, x.Height, x.Width, out, x)
	i.put(t.Name, "weight", numbers)
	i.put(t.Name, "bias", singles(biases))
	r := view{tensor: t}
	for d, f := range v.dims {
		if d == last {
			f = whole(t, channels)
		}
		r.dims = append(r.dims, f)
	}
	i.set(n.Outputs[0], r)
	return nil
}
