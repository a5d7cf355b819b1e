// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// nonlinear is an activation as an operator of its own.
func (i *importer) nonlinear(n *onnxproto.Node, a network.Activation, slope float64) (*network.Tensor, error) {
	v, err := i.real(n, 0)
	if err != nil {
		return nil, err
	}
	x := v.tensor
	v.tensor = i.add(n, network.Operator{Kind: network.Nonlinearity, Activation: a, Slope: slope}, x.Height, x.Width, x.Channels, x)
	v.shared = false
	i.set(n.Outputs[0], v)
	return v.tensor, nil
}

// curve is the rule of an activation without a slope.
func curve(a network.Activation) rule {
	return func(i *importer, n *onnxproto.Node) error {
		_, err := i.nonlinear(n, a, 0)
		return err
	}
}

func hardSigmoid(i *importer, n *onnxproto.Node) error {
	if beta := n.Float("beta", 0.5); beta != 0.5 {
		return misfitf("a HardSigmoid with beta 0.5", "its beta is %v", beta)
	}
	alpha := n.Float("alpha", 0.2)
	if float32(alpha) == float32(1.0/6) { // as PyTorch has it, rounded in the file
		alpha = 1.0 / 6
	}
	_, err := i.nonlinear(n, network.HardSigmoid, alpha)
	return err
}

func leakyRelu(i *importer, n *onnxproto.Node) error {
	_, err := i.nonlinear(n, network.LeakyReLU, n.Float("alpha", 0.01))
	return err
}

// prelu has one slope, or one for each channel.
func prelu(i *importer, n *onnxproto.Node) error {
	v, err := i.view(n, 0)
	if err != nil {
		return err
	}
	t, err := i.constant(n, 1)
	if err != nil {
		return err
	}
	slopes, err := perChannel(v, t)
	if err != nil {
		return err
	}
	if n.Int(negated, 0) != 0 {
		for c := range slopes {
			slopes[c] = -slopes[c]
		}
	}
	y, err := i.nonlinear(n, network.PReLU, network.PReLU.Slope())
	if err == nil {
		i.put(y.Name, "slope", singles(slopes))
	}
	return err
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

// swish makes x·sigmoid(x) one operator, if s is the sigmoid of x that nobody else reads.
func (i *importer) swish(n *onnxproto.Node, x, s view) bool {
	o := s.tensor.Source
	if o == nil || s.shared || o.Kind != network.Nonlinearity || o.Input() != x.tensor || !sameDims(x.dims, s.dims) {
		return false
	}
	switch {
	case o.Activation == network.Sigmoid:
		o.Activation = network.SiLU
	case o.Activation == network.HardSigmoid && o.Slope == 1.0/6:
		o.Activation, o.Slope = network.HardSwish, 0
	default:
		return false
	}
	i.set(n.Outputs[0], s)
	return true
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

// enlarge is an upsampling by nearest neighbours, a whole number of times.
func enlarge(i *importer, n *onnxproto.Node) error {
	v, err := i.real(n, 0)
	if err != nil {
		return err
	}
	x, dims := v.tensor, i.program.Tensors[n.Outputs[0]].Dims
	o := network.Operator{Kind: network.Upsampling, Factor: [2]int{1, 1}}
	for d, size := range dims {
		a, have := rows, count(v.dims[d])
		switch {
		case size == have:
			continue
		case d > 0 && v.covers(v.dims[d], columns) && !v.covers(v.dims[d], rows):
			a = columns
		case d > 0 && v.covers(v.dims[d], rows):
		default:
			return misfitf("a Resize of rows and columns", "it resizes another dimension")
		}
		if size%have != 0 {
			return misfitf("a whole number of times as large", "it makes %d of %d", size, have)
		}
		o.Factor[a] = size / have
	}
	if !repeats(n, i.opset()) {
		return misfitf("coordinate_transformation_mode asymmetric and nearest_mode floor", "its neighbours are not those of repeated rows and columns")
	}
	t := i.add(n, o, x.Height*o.Factor[0], x.Width*o.Factor[1], x.Channels, x)
	w := view{tensor: t}
	for d, f := range v.dims {
		switch {
		case d > 0 && len(f) > 0 && v.covers(f, rows):
			f = whole(t, rows)
		case d > 0 && len(f) > 0 && v.covers(f, columns):
			f = whole(t, columns)
		}
		w.dims = append(w.dims, f)
	}
	i.set(n.Outputs[0], w)
	return nil
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

// repeats says whether a resizing by a whole number repeats rows and columns.
func repeats(n *onnxproto.Node, opset int64) bool {
	places, rounding := "half_pixel", "round_prefer_floor"
	if opset < 11 {
		places, rounding = "asymmetric", "floor"
	}
	places, rounding = n.Text("coordinate_transformation_mode", places), n.Text("nearest_mode", rounding)
	switch places {
	case "asymmetric":
		return rounding == "floor"
	case "half_pixel", "pytorch_half_pixel":
		return rounding == "round_prefer_floor" || rounding == "round_prefer_ceil"
	}
	return false
}

// normalization is a batch normalization alone.
func (i *importer) normalization(n *onnxproto.Node, v view, gamma, beta, mean, variance []float64) {
	x := v.tensor
	v.tensor = i.add(&onnxproto.Node{Name: n.Name}, network.Operator{Kind: network.Normalization, Normalized: true}, x.Height, x.Width, x.Channels, x)
	v.shared = false
	for what, list := range map[string][]float64{"gamma": gamma, "beta": beta, "mean": mean, "variance": variance} {
		i.put(v.tensor.Name, what, singles(list))
	}
	i.set(n.Outputs[0], v)
}
