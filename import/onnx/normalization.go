// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/network"
)

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
