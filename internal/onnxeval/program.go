// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"context"
	"errors"
	"fmt"

	"github.com/goqat/goqat/internal/onnxproto"
)

// Options say how a model is evaluated.
type Options struct {
	// Double leaves floats unrounded, in float64.
	Double bool
	// Constants bounds the bytes of what is computed in Prepare, 0 for no bound.
	Constants int64
	// Skip has operators that goqat does not know passed over in Prepare, and all that depends on them.
	Skip bool
}

// A Program is a model whose operators are known and checked, with the shapes of all tensors.
type Program struct {
	// Tensors are all tensors by name. Their numbers are known where they are fixed, and of the others while it runs.
	Tensors map[string]*Tensor
	// Skipped are the nodes that were passed over.
	Skipped []*onnxproto.Node

	input   string
	steps   []*call
	windows map[*onnxproto.Node]*win
	fixed   int64   // bytes of what was computed in Prepare
	work    float64 // multiplications of that
}

// Run evaluates a model for one input and returns every tensor by name.
func Run(m *onnxproto.Model, input *Tensor) (map[string]*Tensor, error) {
	return Feed(m, input, func(string, *Tensor) {})
}

// Feed is Run with a function that sees every tensor that is made of the input, by its name, and may change its numbers.
func Feed(m *onnxproto.Model, input *Tensor, see func(string, *Tensor)) (map[string]*Tensor, error) {
	p, err := Prepare(m, input.Type, input.Dims, Options{})
	if err != nil {
		return nil, err
	}
	for name := range p.Tensors {
		p.keep(name)
	}
	if err := p.Run(context.Background(), input.Data, see); err != nil {
		return nil, err
	}
	return p.Tensors, nil
}

// Prepare finds the shapes of all tensors of a model for an input of the given type and shape, and computes those that do
// not depend on the input.
func Prepare(m *onnxproto.Model, kind onnxproto.Type, dims []int, o Options) (*Program, error) {
	p := &Program{Tensors: map[string]*Tensor{}, windows: map[*onnxproto.Node]*win{}}
	for i := range m.Graph.Initializers {
		x := &m.Graph.Initializers[i]
		t, err := header(x)
		if err != nil {
			return nil, fmt.Errorf("onnx: initializer %q: %w", x.Name, err)
		}
		p.Tensors[x.Name] = t
	}
	for _, v := range m.Graph.Fed() {
		if p.input != "" {
			return nil, fmt.Errorf("onnx: the model has two inputs, %q and %q, want one", p.input, v.Name)
		}
		if p.input = v.Name; p.input == "" {
			return nil, errors.New("onnx: the input of the model has no name")
		}
	}
	if _, err := sized(dims); err != nil || p.input == "" {
		return nil, errors.Join(err, errors.New("onnx: the model needs an input"))
	}
	p.Tensors[p.input] = &Tensor{Type: kind, Dims: dims}
	opset := int64(1)
	for _, s := range m.Opsets {
		if s.Domain == "" || s.Domain == "ai.onnx" {
			opset = s.Version
		}
	}
	for i := range m.Graph.Nodes {
		if err := p.add(&m.Graph.Nodes[i], opset, o); err != nil {
			return nil, err
		}
	}
	for i, c := range p.steps {
		for _, t := range append(c.in, c.out...) {
			if t != nil {
				t.last = max(t.last, i)
			}
		}
	}
	return p, nil
}

// add prepares a node.
func (p *Program) add(n *onnxproto.Node, opset int64, o Options) error {
	c := &call{node: n, opset: opset, double: o.Double}
	fixed := true
	for _, name := range n.Inputs {
		t := p.Tensors[name]
		if name != "" && t == nil {
			if o.Skip {
				p.Skipped = append(p.Skipped, n)
				return nil
			}
			return fmt.Errorf("onnx: node %s: its input %q is not made before", Name(n), name)
		}
		c.in = append(c.in, t)
		if t != nil && fixed {
			fixed = t.fixed
		}
	}
	f := operators[n.Op]
	if f == nil || n.Domain != "" && n.Domain != "ai.onnx" && !ownDomains[n.Domain] {
		if o.Skip {
			p.Skipped = append(p.Skipped, n)
			return nil
		}
		return fmt.Errorf("onnx: node %s: goqat does not know the operator %s", Name(n), Operator(n))
	}
	if f(c); c.err == nil {
		c.err = p.results(c)
	}
	if c.err != nil {
		return fmt.Errorf("onnx: node %s (%s): %w", Name(n), Operator(n), c.err)
	}
	if p.windows[n] = c.win; !fixed && !c.static {
		p.steps = append(p.steps, c)
		return nil
	}
	for _, t := range c.out {
		t.fixed = true
	}
	if p.fixed += c.bytes(); o.Constants > 0 && p.fixed > o.Constants {
		return fmt.Errorf("onnx: node %s (%s): the file computes %d MiB of constants, more than %d", Name(n), Operator(n), p.fixed>>20, o.Constants>>20)
	}
	const most = 1 << 32
	if p.work += c.work(); o.Constants > 0 && p.work > most {
		return fmt.Errorf("onnx: node %s (%s): constants take %.3g multiplications, more than %.3g", Name(n), Operator(n), p.work, float64(most))
	}
	c.compute()
	return nil
}

// ownDomains are those of operators that goqat knows beside the standard's.
var ownDomains = map[string]bool{onnxproto.QONNX: true, "onnx.brevitas": true}

// results takes up what an operator makes.
func (p *Program) results(c *call) error {
	if len(c.node.Outputs) == 0 {
		return errors.New("it makes nothing")
	}
	for i, name := range c.node.Outputs {
		switch {
		case name == "":
			continue
		case i >= len(c.out):
			return fmt.Errorf("its result %q is not computed here", name)
		case p.Tensors[name] != nil:
			return fmt.Errorf("tensor %q is made twice", name)
		}
		p.Tensors[name] = c.out[i]
	}
	return nil
}

// Cost returns the bytes of the tensors that an evaluation holds at once, and its multiplications.
func (p *Program) Cost() (bytes int64, work float64) {
	freed := make([]int64, len(p.steps)+1)
	held := int64(8 * p.Tensors[p.input].Len())
	for i, c := range p.steps {
		work += c.work()
		held += c.bytes()
		for _, t := range c.in {
			if t != nil && t.stored != nil {
				held += 8 * int64(t.Len())
				freed[i] += 8 * int64(t.Len())
			}
		}
		for _, t := range c.out {
			freed[t.last] += 8 * int64(t.Len())
		}
		bytes = max(bytes, held)
		held -= freed[i]
	}
	return bytes, work
}

// keep has a tensor's numbers stay after a run.
func (p *Program) keep(name string) { p.Tensors[name].last = len(p.steps) }

// Evaluate computes the named tensor for an input.
func (p *Program) Evaluate(ctx context.Context, input []float64, name string) ([]float64, error) {
	p.keep(name)
	if err := p.Run(ctx, input, func(string, *Tensor) {}); err != nil {
		return nil, err
	}
	return p.Tensors[name].Values(), nil
}

// Run computes the tensors that depend on the input. See is told of each, by its name, and may change its numbers.
func (p *Program) Run(ctx context.Context, input []float64, see func(string, *Tensor)) error {
	x := p.Tensors[p.input]
	if len(input) != x.Len() {
		return fmt.Errorf("onnx: the input has %d numbers, want %v", len(input), x.Dims)
	}
	x.Data = input
	for i, c := range p.steps {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.compute()
		for k, t := range c.out {
			if k < len(c.node.Outputs) && c.node.Outputs[k] != "" {
				see(c.node.Outputs[k], t)
			}
		}
		for _, t := range append(c.in, c.out...) {
			if t != nil && !t.fixed && t.last == i {
				t.Data = nil
			}
		}
	}
	return nil
}

// Name names a node in messages: by its name or, if it has none, its result.
func Name(n *onnxproto.Node) string {
	switch {
	case n.Name != "":
		return fmt.Sprintf("%q", n.Name)
	case len(n.Outputs) > 0:
		return fmt.Sprintf("of %q", n.Outputs[0])
	}
	return "without a name"
}

// Operator names a node's operator, with its domain unless that is the standard's.
func Operator(n *onnxproto.Node) string {
	if n.Domain == "" || n.Domain == "ai.onnx" {
		return n.Op
	}
	return n.Domain + "." + n.Op
}
