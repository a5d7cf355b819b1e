// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Graph builds a Gorgonia expression graph and runs it. Building functions
// always return a node; the first error is kept and returned by Finish, so the
// mathematics reads without checks.
type Graph struct {
	// Memory is what there is, in bytes: Finish refuses a graph whose training may take
	// more. 0 means that it is not known.
	Memory int64
	// Parts says that steps are taken in several runs (Pass.Of): what depends on parameters
	// alone is then computed once a step, and kept.
	Parts bool

	run    *Run // every op points to it
	batch  int
	expr   *G.ExprGraph
	params []*Param
	input  *Node
	labels *Node
	soft   *Node
	logits *Node
	names  map[string]bool
	err    error

	epilogues []*epilogue // in the order of their making
	room      workspace   // of the epilogues
	begun     []begun     // likewise

	loss    *G.Node
	grads   G.Nodes
	train   *Executor
	forward *Executor
	arena   []float32 // of both
	within  bool      // a step of several runs has begun, so that what depends on parameters alone is known
}

// New returns an empty graph for batches of at most batch images, run on pool.
func New(batch int, pool *Pool) *Graph {
	return &Graph{
		run:   &Run{Batch: batch, pool: pool},
		batch: batch,
		expr:  G.NewGraph(),
		names: map[string]bool{},
		room:  workspace{blocks: make([][]float32, pool.Threads())},
	}
}

// A Node is a tensor of the graph. Activations are [batch, Height, Width,
// Channels]; a vector is a 1×1 image of many channels.
type Node struct {
	Height, Width, Channels int

	node *G.Node
	fn   Function // what computes it, nil for inputs and parameters
	grad bool     // a parameter is below it

	readers []*Node // computed from it
	kept    *Node   // whose values it has, at other places; nil for values of its own
	steps   Steps   // of an input
	codes   []uint8 // the values in a training step where they are codes, else nil
}

// size is the number of values of one row of the batch.
func (n *Node) size() int { return n.Height * n.Width * n.Channels }

// Batch returns the number of rows the graph's buffers hold.
func (g *Graph) Batch() int { return g.batch }

// Params returns the parameters in the order they were made.
func (g *Graph) Params() []*Param { return g.params }

// Errorf records an error of building, if it is the first. Layers use it to
// report what cannot be built, with the layer's name.
func (g *Graph) Errorf(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

// Err returns the first error of building.
func (g *Graph) Err() error { return g.err }

// name claims a name: Gorgonia would merge two inputs that share one.
func (g *Graph) name(name string) {
	if name == "" || g.names[name] {
		g.Errorf("graph: the name %q is empty or used twice", name)
	}
	g.names[name] = true
}

// leaf makes an input node over a new buffer.
func (g *Graph) leaf(name string, shape ...int) (*G.Node, []float32) {
	g.name(name)
	if !g.fits(name, shape) {
		shape = []int{1}
	}
	b := newBuffer(tensor.Shape(slices.Clone(shape)))
	return G.NewTensor(g.expr, tensor.Float32, len(shape), G.WithShape(shape...), G.WithName(name), G.WithValue(b.value)), b.data
}

// maxValues bounds a tensor, to 4 GiB.
const maxValues = 1 << 30

// fits reports a shape of no values or of too many.
func (g *Graph) fits(name string, shape []int) bool {
	n := 1
	for _, d := range shape {
		if d < 1 || d > maxValues/n {
			g.Errorf("graph: %s has the shape %v, want 1 to %d values", name, shape, maxValues)
			return false
		}
		n *= d
	}
	return true
}

// Input makes the graph's image input, [batch, height, width, channels], and
// its label input. Feed fills them.
func (g *Graph) Input(height, width, channels int) *Node {
	n, _ := g.leaf("image", g.batch, height, width, channels)
	g.input = &Node{Height: height, Width: width, Channels: channels, node: n}
	l, _ := g.leaf("labels", g.batch)
	g.labels = &Node{Height: 1, Width: 1, Channels: 1, node: l}
	return g.input
}

// Param makes a trainable tensor of zeros.
func (g *Graph) Param(name string, group Group, shape ...int) *Param {
	n, data := g.leaf(name, shape...)
	p := &Param{Name: name, Shape: shape, Group: group, Value: data}
	p.node = &Node{Height: 1, Width: 1, Channels: len(data), node: n, grad: true}
	g.params = append(g.params, p)
	return p
}

// Apply adds fn as an op with an activation [batch, height, width, channels]
// as its result.
func (g *Graph) Apply(name string, fn Function, height, width, channels int, inputs ...*Node) *Node {
	return g.apply(name, fn, &Node{Height: height, Width: width, Channels: channels}, tensor.Shape{g.batch, height, width, channels}, inputs)
}

// ApplyParam adds fn as an op whose result has the shape of the parameter p:
// a quantizer of shadow weights.
func (g *Graph) ApplyParam(name string, fn Function, p *Param, inputs ...*Node) *Node {
	return g.apply(name, fn, &Node{Height: 1, Width: 1, Channels: len(p.Value)}, tensor.Shape(p.Shape), inputs)
}

func (g *Graph) apply(name string, fn Function, out *Node, shape tensor.Shape, inputs []*Node) *Node {
	g.name(name)
	out.fn = fn
	if g.err != nil || !g.fits(name, shape) {
		return out
	}
	if b, ok := fn.(begun); ok {
		g.begun = append(g.begun, b)
	}
	o := &op{run: g.run, fn: fn, result: out, want: make([]bool, len(inputs))}
	dims := make([]int, len(inputs))
	children := make(G.Nodes, len(inputs))
	for i, in := range inputs {
		o.want[i] = in.grad
		out.grad = out.grad || in.grad
		dims[i] = in.node.Shape().Dims()
		children[i] = in.node
		in.readers = append(in.readers, out)
	}
	o.admin = newAdmin(name, shape.Clone(), dims...)
	n, err := G.ApplyOp(o, children...)
	if err != nil {
		g.Errorf("graph: %s: %w", name, err)
		return out
	}
	out.node = n
	return out
}
