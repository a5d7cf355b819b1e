// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

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
