// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"
	"slices"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/onnxeval"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

// A rule turns a node into operators of the network: it reads its inputs by the importer's view (the tensor as the file
// sees it), real (the same for a node that reads values, the image's among them) and constant, adds operators by add,
// their parameters by put, and says by set what the node's result is. What does not fit it returns by misfitf, with the
// nearest form that does.
type rule func(i *importer, n *onnxproto.Node) error

// rules is the table of the operators that are taken. To take another, add a row here, with its rule in this file or one
// beside it, take its row out of nearest, and see that internal/onnxeval/operators.go computes it.
var rules map[string]rule

func init() { // rules refer to each other
	rules = map[string]rule{
		"Add":                add,
		"AveragePool":        averagePool,
		"BatchNormalization": batchNormalization,
		"Cast":               cast,
		"Clip":               clip,
		"Concat":             concatenate,
		"Conv":               convolution,
		"Div":                divide,
		"Dropout":            same,
		"Flatten":            regroup,
		"Gemm":               gemm,
		"GlobalAveragePool":  globalAverage,
		"HardSigmoid":        hardSigmoid,
		"HardSwish":          curve(network.HardSwish),
		"Identity":           same,
		"LeakyRelu":          leakyRelu,
		"LogSoftmax":         softmax,
		"MatMul":             matmul,
		"MaxPool":            maxPool,
		"Mul":                multiply,
		"Neg":                negate,
		"PRelu":              prelu,
		"Pad":                pad,
		"ReduceMean":         reduceMean,
		"Relu":               activation(network.ReLU),
		"Reshape":            regroup,
		"Resize":             enlarge,
		"Sigmoid":            curve(network.Sigmoid),
		"Slice":              slice,
		"Softmax":            softmax,
		"Split":              split,
		"Squeeze":            regroup,
		"Sub":                subtract,
		"Tile":               tile,
		"Transpose":          transpose,
		"Unsqueeze":          regroup,
		"Upsample":           enlarge,
	}
}

// called are the names of operators that the file gives none, as goqat's layers are called.
var called = map[network.Kind]string{
	network.Convolution: "conv", network.FullyConnected: "fc", network.Addition: "add", network.Maximum: "maxpool",
	network.Average: "avgpool", network.Reshape: "flatten", network.Concatenation: "concat", network.Nonlinearity: "activation",
	network.Normalization: "norm", network.Product: "multiply", network.Selection: "channels", network.Upsampling: "upsample",
}

// nearest says of operators that are not taken what is.
var nearest = map[string]string{
	"ConvTranspose":         "a Resize by nearest neighbours and a Conv",
	"DequantizeLinear":      "the float network, before it was quantized",
	"Elu":                   "LeakyRelu",
	"Gelu":                  "x times Sigmoid(x) (SiLU)",
	"GlobalMaxPool":         "GlobalAveragePool, or a MaxPool of the whole image",
	"GroupNormalization":    "BatchNormalization",
	"InstanceNormalization": "BatchNormalization",
	"LayerNormalization":    "BatchNormalization",
	"LRN":                   "BatchNormalization",
	"QLinearConv":           "the float network, before it was quantized",
	"QLinearMatMul":         "the float network, before it was quantized",
	"QuantizeLinear":        "the float network, before it was quantized",
	"Tanh":                  "HardSwish",
}

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

// activation is a part of the operator before it, if nobody else reads that.
func activation(a network.Activation) rule {
	return func(i *importer, n *onnxproto.Node) error {
		v, err := i.real(n, 0)
		if err != nil {
			return err
		}
		o := v.tensor.Source
		switch {
		case v.open() || o != nil && !v.shared && o.Activation == network.ReLU:
			o.Activation = max(o.Activation, a)
		default:
			_, err := i.nonlinear(n, a, 0)
			return err
		}
		i.set(n.Outputs[0], v)
		return nil
	}
}

func clip(i *importer, n *onnxproto.Node) error {
	bound := [2]float64{n.Float("min", math.Inf(-1)), n.Float("max", math.Inf(1))}
	for k := range bound {
		t, err := i.constant(n, k+1)
		if err != nil {
			return err
		}
		if t != nil {
			bound[k] = t.Values()[0]
		}
	}
	switch {
	case bound == [2]float64{0, 6}:
		return activation(network.ReLU6)(i, n)
	case bound[0] == 0 && bound[1] > math.MaxFloat32:
		return activation(network.ReLU)(i, n)
	}
	return misfitf("Clip of 0 to 6 (ReLU6), Relu", "it clips to %v and %v", bound[0], bound[1])
}

// softmax at the end is left out: the greatest stays the greatest.
func softmax(i *importer, n *onnxproto.Node) error {
	if !i.ends(n.Outputs[0]) {
		return misfitf("a Softmax at the end", "others read its result")
	}
	v, err := i.view(n, 0)
	if err != nil {
		return err
	}
	if v.channelDim() != len(v.dims)-1 && v.channelDim() != 1 {
		return misfitf("a Softmax over the classes", "it is over another dimension")
	}
	i.model.result = n.Inputs[0]
	i.note("the %s at the end was left out: the logits are what it reads", n.Op)
	i.set(n.Outputs[0], v)
	return nil
}

// ends says whether a tensor is the output, or becomes it without a change of its numbers.
func (i *importer) ends(name string) bool { return i.endings[name] }

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
	r := view{tensor: t}
	for d, f := range v.dims {
		switch {
		case d > 0 && len(f) > 0 && v.covers(f, rows):
			f = whole(t, rows)
		case d > 0 && len(f) > 0 && v.covers(f, columns):
			f = whole(t, columns)
		}
		r.dims = append(r.dims, f)
	}
	i.set(n.Outputs[0], r)
	return nil
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

// pooled adds a pooling.
func (i *importer) pooled(n *onnxproto.Node, o network.Operator, v view) error {
	x := v.tensor
	h, w := o.Window.Output(x.Height, x.Width)
	t := i.add(n, o, h, w, x.Channels, x)
	i.set(n.Outputs[0], planes(t, len(v.dims)))
	return nil
}

// planesOf returns input 0 of a node that reads images, with its padding.
func (i *importer) planesOf(n *onnxproto.Node) (view, error) {
	v, err := i.padded(n, 0)
	if err == nil && !v.isPlanes() {
		return v, misfitf("batch, channels, rows and columns", "it reads an image whose dimensions are in another order")
	}
	return v, err
}

func maxPool(i *importer, n *onnxproto.Node) error {
	v, err := i.planesOf(n)
	if err != nil {
		return err
	}
	if v.affine != nil {
		pads := v.pad
		v = i.normalized(n, v)
		v.pad = pads
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
	if v.affine != nil {
		pads := v.pad
		v = i.normalized(n, v)
		v.pad = pads
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

// batchNormalization is a part of the layer of weights before it, if nobody else reads that.
func batchNormalization(i *importer, n *onnxproto.Node) error {
	v, err := i.view(n, 0)
	if err != nil {
		return err
	}
	if v.affine == nil && v.channelDim() != 1 {
		v = i.flatten(n, v)
	}
	if v.channelDim() != 1 {
		return misfitf("channels in the second dimension", "its channels are in another dimension")
	}
	var numbers [4][]float64 // gamma, beta, mean, variance
	for k := range numbers {
		t, err := i.constant(n, k+1)
		if err != nil {
			return err
		}
		numbers[k] = inOrder(v, 1, t.Values())
	}
	epsilon := n.Float("epsilon", 1e-5)
	gamma, beta, mean, variance := numbers[0], numbers[1], numbers[2], numbers[3]
	for c := range variance {
		if !(variance[c]+epsilon > 0) {
			return misfitf("", "it has the variance %v", variance[c])
		}
	}
	o := v.tensor.Source
	if v.affine != nil || v.open() && o.Normalized { // goqat's layers have one
		by, plus := make([]float64, len(gamma)), make([]float64, len(gamma))
		for c := range gamma {
			by[c] = gamma[c] / math.Sqrt(variance[c]+epsilon)
			plus[c] = beta[c] - mean[c]*by[c]
		}
		return i.affineNode(n, v, by, plus)
	}
	for c := range variance { // goqat's epsilon is 1e-5
		sigma := variance[c] + epsilon
		if variance[c] = sigma - goqatEpsilon; variance[c] < 0 {
			variance[c] = 0
			gamma[c] *= math.Sqrt(goqatEpsilon / sigma)
		}
	}
	if !v.open() || !o.Kind.Weighted() {
		i.normalization(n, v, gamma, beta, mean, variance)
		return nil
	}
	for c, b := range i.numbers[o.Name+".bias"] {
		mean[c] -= float64(b)
	}
	delete(i.numbers, o.Name+".bias")
	o.Biased, o.Normalized = false, true
	for k, what := range []string{"gamma", "beta", "mean", "variance"} {
		i.put(o.Name, what, singles(numbers[k]))
	}
	i.set(n.Outputs[0], v)
	return nil
}

// goqatEpsilon is that of graph.Norm.
const goqatEpsilon = 1e-5

// flatten makes a tensor a vector.
func (i *importer) flatten(n *onnxproto.Node, v view) view {
	x := v.tensor
	if x.Height == 1 && x.Width == 1 {
		return v
	}
	plain := onnxproto.Node{}
	return v.flat(i.add(&plain, network.Operator{Kind: network.Reshape}, 1, 1, x.Size(), x))
}

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
