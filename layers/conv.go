// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"math"
	"math/rand/v2"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// Conv2D is a convolution, with batch normalization unless NoNorm, and an
// activation.
type Conv2D struct {
	Name     string // default: conv1, conv2, … by position
	Channels int
	Kernel   int // rows and columns
	Stride   int // default 1
	Pad      int // rows and columns of zeros on every side
	// Window, if it has a kernel, stands for the three above: height and width
	// apart, with a dilation.
	Window geometry.Window
	Same   bool // padded as TensorFlow's "SAME", instead of Pad
	// Groups splits the channels; Depthwise makes each channel a group.
	Groups     int
	Depthwise  bool
	NoNorm     bool // a bias instead
	Activation network.Activation
	Slope      float64 // of the activation; default network.Activation.Slope
}

// Trace implements [Module].
func (c Conv2D) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	o := network.Operator{
		Name: t.Name(c.Name, "conv"), Kind: network.Convolution, Channels: c.Channels,
		Normalized: !c.NoNorm, Biased: c.NoNorm, Window: window(c.Window, c.Kernel, c.Stride, c.Pad, c.Same, x),
	}
	o.Window.Groups = max(1, c.Groups, c.Window.Groups)
	if c.Depthwise {
		o.Window.Groups = x.Channels
		if o.Channels == 0 {
			o.Channels = x.Channels
		}
	}
	h, w := o.Window.Output(x.Height, x.Width)
	if o.Channels < 1 {
		t.Errorf("layers: %s: %d output channels", o.Name, o.Channels)
	}
	return t.activated(o, c.Activation, c.Slope, h, w, o.Channels, x)
}

// window returns the given window, or else the square one, with a stride of at least
// 1, padded for x if that is to be.
func window(w geometry.Window, kernel, stride, pad int, same bool, x *network.Tensor) geometry.Window {
	if w.Kernel == [2]int{} {
		w = geometry.Window{Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Pad: geometry.All(pad)}
	}
	for axis, s := range w.Stride {
		w.Stride[axis] = max(1, s)
	}
	if same {
		w = w.SamePad(x.Height, x.Width)
	}
	return w
}

// Linear is a fully connected layer; an image is flattened first.
type Linear struct {
	Name       string // default: fc1, fc2, …
	Channels   int
	Norm       bool // batch normalization instead of a bias
	Activation network.Activation
	Slope      float64 // of the activation; default network.Activation.Slope
}

// Trace implements [Module].
func (l Linear) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	if x.Height != 1 || x.Width != 1 {
		x = Flatten{}.Trace(t, x)
	}
	o := network.Operator{
		Name: t.Name(l.Name, "fc"), Kind: network.FullyConnected, Channels: l.Channels,
		Normalized: l.Norm, Biased: !l.Norm, Window: geometry.Valid(1, 1),
	}
	o.Window.Groups = 1
	if l.Channels < 1 {
		t.Errorf("layers: %s: %d output channels", o.Name, l.Channels)
	}
	return t.activated(o, l.Activation, l.Slope, 1, 1, l.Channels, x)
}

// emitWeighted adds the unit's weights and its sums.
func (n *Network) emitWeighted(u *Unit) *graph.Node {
	g, in := n.Graph, u.Input().Channels
	shape := []int{u.Channels, u.Window.Kernel[0], u.Window.Kernel[1], in / u.Window.Groups}
	u.Weight = g.Param(u.Name+".weight", graph.Weights, shape...)
	n.initialize(u)
	n.weighChannels(u)
	w := u.Weight.Node()
	if !u.Assigned.FloatWeights() {
		u.Quantizer = n.weights(u, shape)
		u.Quantizer.Start(u.Weight.Value)
		if n.Policy.Steadies(u.Assigned.Layer) {
			u.Oscillations = qat.NewOscillations(u.Name+".oscillation", len(u.Weight.Value))
		}
		w = ste.Weights(g, u.Name+".quantize", u.Weight, u.Quantizer)
	}
	if u.Normalized {
		u.Norm = n.norm(u)
	}
	if u.Biased {
		u.Bias = g.Param(u.Name+".bias", graph.Biases, u.Channels)
	}
	return n.emitConv(u, w)
}

// norm makes the unit's batch normalization.
func (n *Network) norm(u *Unit) *graph.Norm {
	norm := n.Graph.Norm(u.Name, u.Output.Channels)
	norm.PowerOfTwo = n.Policy.PowerOfTwo
	return norm
}

// initialize draws the shadow weights from a normal distribution of variance
// 2/fan-in (He et al. 2015, equation 10); the seed and the layer's name choose the stream.
func (n *Network) initialize(u *Unit) {
	var key uint64 = 14695981039346656037 // FNV-1a
	for _, b := range []byte(u.Name) {
		key = (key ^ uint64(b)) * 1099511628211
	}
	rng := rand.New(rand.NewPCG(n.Seed, key))
	deviation := math.Sqrt(2 * float64(u.Channels) / float64(max(1, len(u.Weight.Value))))
	for i := range u.Weight.Value {
		u.Weight.Value[i] = float32(rng.NormFloat64() * deviation)
	}
}

// weights makes the quantizer of a unit's weights.
func (n *Network) weights(u *Unit, shape []int) qat.Weights {
	bits := make([]int, len(u.Assigned.Stages))
	for k, l := range u.Assigned.Stages {
		bits[k] = l.WeightBits
	}
	width := func(bits int, last bool) qat.Weights {
		return u.Assigned.Weights.Weights(n.Graph, widthName(u.Weight.Name, bits, last), qat.Options{
			Bits: bits, PerTensor: n.Policy.PerTensor, PowerOfTwo: n.Policy.PowerOfTwo, Norm: u.Normalized, EWGS: n.Policy.EWGS,
		}, shape)
	}
	if len(bits) == 1 {
		return width(u.Assigned.WeightBits, true)
	}
	return qat.NewPhasedWeights(bits, width)
}

// emitConv adds the unit's sums, of weights w: with a border of −1 where the input is
// signs, and a sum for each sign and each set of weights.
func (n *Network) emitConv(u *Unit, w *graph.Node) *graph.Node {
	g, x, window := n.Graph, u.Input().node, u.Window
	var inputs, weights graph.Planes
	if signs, ok := u.Input().Signs(); ok {
		inputs = graph.SignPlanes(signs.Bits())
		if window.Padded() {
			x = g.PadSigns(u.Name+".border", u.Input().Origin().Name, x, window, signs.Learned())
			window.Pad = [4]int{}
		}
	}
	if u.Quantizer != nil {
		weights = planes(u.Quantizer)
	}
	name := u.Name
	if !u.Output.Sums { // else the unit's result has the name
		name += ".accumulators"
	}
	y := g.Conv2D(name, x, w, window)
	if b := n.Policy.GradientBits; u.Assigned.Inner && b != 0 && b != qat.FloatBits && g.Err() == nil {
		y.SetGradient(&ste.Gradient{Bits: b, Layer: graph.NewLayer(u.Name)})
	}
	if g.Err() == nil {
		y.SetPlanes(inputs, weights)
	}
	if n.Policy.InputScaling && inputs != nil {
		y = g.ScaleByInput(u.Name+".scaled", y, u.Input().Source.Input().node, u.Window)
	}
	return y
}

// planes says how integer weights fall apart, nil for not at all.
func planes(q qat.Weights) graph.Planes {
	switch q.Coding() {
	case quant.Split:
		return graph.SplitPlanes{}
	case quant.Planes:
		return graph.SignPlanes(q.Bits())
	default:
		return nil
	}
}
