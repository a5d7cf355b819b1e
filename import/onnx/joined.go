// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math"
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
)

// joined makes one node, where the last of them is, of several by which exporters write it.
func (i *importer) joined(nodes []*onnxproto.Node) []*onnxproto.Node {
	j := joiner{i, map[string]*onnxproto.Node{}}
	parts := map[*onnxproto.Node]bool{}
	for k, n := range nodes {
		for _, form := range []func(*onnxproto.Node) (*onnxproto.Node, []*onnxproto.Node){j.prelu, j.hardSigmoid} {
			if whole, of := form(n); whole != nil {
				nodes[k] = whole
				for _, part := range of {
					parts[part] = true
				}
			}
		}
		j.made[n.Outputs[0]] = nodes[k]
	}
	return slices.DeleteFunc(nodes, func(n *onnxproto.Node) bool { return parts[n] })
}

// A joiner knows the nodes before the one that is looked at, by what they make.
type joiner struct {
	*importer
	made map[string]*onnxproto.Node
}

// only returns what makes a tensor, if it is a node of the given operator and inputs, and nobody but one reads the tensor.
func (j joiner) only(name, op string, inputs int) *onnxproto.Node {
	if n := j.made[name]; n != nil && n.Op == op && len(n.Inputs) == inputs && j.readers[name] == 1 {
		return n
	}
	return nil
}

// withConstant returns the tensor and the constant that a node of two inputs takes.
func (j joiner) withConstant(n *onnxproto.Node) (tensor, constant string, ok bool) {
	switch {
	case n == nil || len(n.Inputs) != 2:
	case j.isConstant(n, 1):
		return n.Inputs[0], n.Inputs[1], true
	case j.isConstant(n, 0):
		return n.Inputs[1], n.Inputs[0], true
	}
	return "", "", false
}

// negated is the attribute of a PRelu whose constant is -slope.
const negated = "goqat.negated"

// prelu is relu(x) + (-slope)·relu(-x), as Keras has it.
func (j joiner) prelu(n *onnxproto.Node) (*onnxproto.Node, []*onnxproto.Node) {
	if n.Op != "Add" || len(n.Inputs) != 2 {
		return nil, nil
	}
	for side := range 2 {
		positive, product := j.only(n.Inputs[side], "Relu", 1), j.only(n.Inputs[1-side], "Mul", 2)
		of, slope, ok := j.withConstant(product)
		if positive == nil || !ok {
			continue
		}
		relu := j.only(of, "Relu", 1)
		if relu == nil {
			continue
		}
		if negative := j.only(relu.Inputs[0], "Neg", 1); negative != nil && negative.Inputs[0] == positive.Inputs[0] {
			j.readers[positive.Inputs[0]]--
			return &onnxproto.Node{Name: n.Name, Op: "PRelu", Inputs: []string{positive.Inputs[0], slope}, Outputs: n.Outputs,
				Attributes: []onnxproto.Attribute{{Name: negated, Kind: onnxproto.Int, Int: 1}}}, []*onnxproto.Node{positive, product, relu, negative}
		}
	}
	return nil, nil
}

// hardSigmoid is relu6(x + 3) by 6, as Keras and the papers have it.
func (j joiner) hardSigmoid(n *onnxproto.Node) (*onnxproto.Node, []*onnxproto.Node) {
	of, by, ok := j.withConstant(n)
	if !ok || !(n.Op == "Mul" && j.is(by, 1./6) || n.Op == "Div" && n.Inputs[1] == by && j.is(by, 6)) {
		return nil, nil
	}
	clip := j.only(of, "Clip", 3)
	if clip == nil || !j.is(clip.Inputs[1], 0) || !j.is(clip.Inputs[2], 6) {
		return nil, nil
	}
	sum := j.only(clip.Inputs[0], "Add", 2)
	x, three, ok := j.withConstant(sum)
	if !ok || !j.is(three, 3) {
		return nil, nil
	}
	return &onnxproto.Node{Name: n.Name, Op: "HardSigmoid", Inputs: []string{x}, Outputs: n.Outputs,
		Attributes: []onnxproto.Attribute{{Name: "alpha", Kind: onnxproto.Float, Float: 1. / 6}}}, []*onnxproto.Node{clip, sum}
}

// is says whether a constant is one number, in single precision.
func (j joiner) is(name string, want float64) bool {
	t := j.program.Tensors[name]
	return t != nil && t.Fixed() && t.Len() == 1 && math.Abs(t.Values()[0]-want) <= 1e-7*want
}
