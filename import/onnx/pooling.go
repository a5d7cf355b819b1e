// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

func maxPool(i *importer, n *onnxproto.Node) error {
	v, err := i.planesOf(n)
	if err != nil {
		return err
	}
	w, _, err := i.window(n, v)
	switch o := v.tensor.Source; {
	case err != nil:
		return err
	case w.Dilation != [2]int{}:
		return misfitf("a MaxPool without dilations", "it has dilations %v", w.Dilation)
	case v.pad != [4]int{} && (o == nil || o.Activation == network.Identity):
		return misfitf("a Pad of what a Relu makes, or pads of the MaxPool itself", "zeros of a Pad may be its maxima")
	}
	return i.pooled(n, network.Operator{Kind: network.Maximum, Window: w}, v)
}

func averagePool(i *importer, n *onnxproto.Node) error {
	v, err := i.planesOf(n)
	if err != nil {
		return err
	}
	w, beyond, err := i.window(n, v)
	ceiled, own := beyond != [2]int{}, w.Pad != v.pad
	counts := n.Int("count_include_pad", 0) != 0
	counted := counts && w.Pad != [4]int{2: beyond[0], 3: beyond[1]} // what ceil_mode adds never counts
	switch {
	case err != nil:
		return err
	case w.Taps() == 1 && w.Stride == [2]int{1, 1} && !w.Padded():
		v.pad = [4]int{}
		i.set(n.Outputs[0], v)
		return nil
	case w.Dilation != [2]int{}:
		return misfitf("an AveragePool without dilations", "it has dilations %v", w.Dilation)
	case counted && ceiled || v.pad != [4]int{} && own && !counts:
		return misfitf("an AveragePool whose padding counts all or not at all, as in AvgPool2d with count_include_pad=False, or without ceil_mode",
			"it counts a part of its padding")
	}
	o := network.Operator{Kind: network.Average, Window: w, CountPad: w.Padded() && (counted || v.pad != [4]int{})}
	return i.pooled(n, o, v)
}

func globalAverage(i *importer, n *onnxproto.Node) error {
	v, err := i.real(n, 0)
	if err != nil {
		return err
	}
	if !v.isPlanes() {
		return misfitf("batch, channels, rows and columns", "it reads an image whose dimensions are in another order")
	}
	return i.pooled(n, network.Operator{Kind: network.Average, Window: geometry.Whole(v.tensor.Height, v.tensor.Width)}, v)
}

// reduceMean is over rows, columns or both.
func reduceMean(i *importer, n *onnxproto.Node) error {
	v, err := i.real(n, 0)
	if err != nil {
		return err
	}
	axes := map[int]bool{}
	values := []float64{}
	if t, err := i.constant(n, 1); err != nil {
		return err
	} else if t != nil {
		values = t.Values()
	} else if a := n.Attribute("axes"); a != nil {
		for _, x := range a.Ints {
			values = append(values, float64(x))
		}
	}
	for _, x := range values {
		if x < 0 {
			x += float64(len(v.dims))
		}
		axes[int(x)] = true
	}
	w := geometry.Valid(1, 1)
	keep := n.Int("keepdims", 1) != 0
	var dims [][]factor
	for d, f := range v.dims {
		for _, part := range f {
			switch {
			case !axes[d]:
			case part == factor{rows, v.tensor.Height, 1}:
				w.Kernel[0] = v.tensor.Height
			case part == factor{columns, v.tensor.Width, 1}:
				w.Kernel[1] = v.tensor.Width
			default:
				return misfitf("a mean over rows and columns", "it is over the channels, or a part of an axis")
			}
		}
		switch {
		case !axes[d]:
			dims = append(dims, f)
		case keep:
			dims = append(dims, nil)
		}
	}
	x := v.tensor
	h, width := w.Output(x.Height, x.Width)
	t := i.add(n, network.Operator{Kind: network.Average, Window: w}, h, width, x.Channels, x)
	i.set(n.Outputs[0], view{tensor: t, dims: dims})
	return nil
}

// pooled adds a pooling.
func (i *importer) pooled(n *onnxproto.Node, o network.Operator, v view) error {
	x := v.tensor
	h, w := o.Window.Output(x.Height, x.Width)
	t := i.add(n, o, h, w, x.Channels, x)
	i.set(n.Outputs[0], planes(t, len(v.dims)))
	return nil
}
