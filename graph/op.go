// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"hash"
	"hash/fnv"
	"slices"
	"sync/atomic"

	"github.com/chewxy/hm"
	_ "go4.org/unsafe/assume-no-moving-gc" // pins a version that runs on today's Go
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// A Function is a differentiable operation on float32 buffers: all that an op
// of this package has to provide. Apply turns one into a node; the rest of
// Gorgonia's Op and SDOp contracts is met here once.
//
// Buffers hold the graph's full batch; only the first Run.Batch rows are valid,
// and a Function must neither read nor count the others. Inputs are read-only.
type Function interface {
	// Forward computes y from the inputs x.
	Forward(r *Run, y []float32, x [][]float32) error
	// Backward computes the gradients dx of the inputs from the gradient dy of
	// the output. dx[i] is nil where no gradient is wanted; each one given must
	// be overwritten, not added to.
	Backward(r *Run, dx [][]float32, dy []float32, x [][]float32) error
}

// An elementwise Function computes every value from what is at the same place:
// y may be the memory of x[0], and the first gradient that is wanted may be the memory
// of dy.
type elementwise interface{ elementwise() }

// A forgetful Function needs no x in Backward and gets none.
type forgetful interface{ forgetful() }

// A begun Function is told of every step, at its end at the latest, before parameters change.
type begun interface{ Begin(r *Run) }

var opCount atomic.Uint64

// admin is the administrative part of gorgonia.Op, shared by the ops below.
//
// Gorgonia merges nodes whose ops hash alike and lets ops overwrite dead
// inputs; an op that hashes uniquely and overwrites nothing is safe from both.
// On Gorgonia's machines it owns its results, too; an Executor calls compute
// with memory of its own instead.
type admin struct {
	name string
	id   uint64
	in   []int // dimensions of each input; 0 is a scalar
	out  tensor.Shape
}

func newAdmin(name string, out tensor.Shape, in ...int) admin {
	return admin{name: name, id: opCount.Add(1), in: in, out: out}
}

func (a *admin) Arity() int { return len(a.in) }

// Type builds a fresh type on every call: Gorgonia recycles the one it gets.
func (a *admin) Type() hm.Type {
	types := make([]hm.Type, 0, len(a.in)+1)
	for _, d := range append(append([]int(nil), a.in...), a.out.Dims()) {
		if d == 0 {
			types = append(types, hm.TypeVariable('a'))
			continue
		}
		types = append(types, G.TensorType{Dims: d, Of: hm.TypeVariable('a')})
	}
	return hm.NewFnType(types...)
}

func (a *admin) InferShape(...G.DimSizer) (tensor.Shape, error) { return a.out.Clone(), nil }
func (a *admin) ReturnsPtr() bool                               { return true }
func (a *admin) CallsExtern() bool                              { return false }
func (a *admin) OverwritesInput() int                           { return -1 }
func (a *admin) WriteHash(h hash.Hash)                          { fmt.Fprintf(h, "%s#%d", a.name, a.id) }
func (a *admin) String() string                                 { return a.name }

func (a *admin) Hashcode() uint32 {
	h := fnv.New32a()
	a.WriteHash(h)
	return h.Sum32()
}

// A buffer is the memory an op owns for a result: a tensor, or a scalar.
type buffer struct {
	data  []float32
	value G.Value
}

func newBuffer(shape tensor.Shape) buffer {
	if shape.Dims() == 0 {
		return buffer{data: make([]float32, 1), value: G.NewF32(0)}
	}
	data := make([]float32, shape.TotalSize())
	return buffer{data: data, value: tensor.New(tensor.WithShape(shape...), tensor.WithBacking(data))}
}

// publish returns the result as the value that Gorgonia reads: the tensor over data, or
// the scalar, which it sets first.
func (b *buffer) publish() G.Value {
	if s, ok := b.value.(*G.F32); ok {
		*s = G.F32(b.data[0])
	}
	return b.value
}

// op is the gorgonia.SDOp of a Function.
type op struct {
	admin
	run    *Run
	fn     Function
	result *Node
	want   []bool // inputs that need a gradient
}

func (o *op) compute(y, x [][]float32) error {
	if err := o.fn.Forward(o.run, y[0], x); err != nil {
		return fmt.Errorf("graph: %s: %w", o.name, err)
	}
	return nil
}

func (o *op) Do(in ...G.Value) (G.Value, error) {
	y := newBuffer(o.out)
	if err := o.compute([][]float32{y.data}, load(in)); err != nil {
		return nil, err
	}
	return y.publish(), nil
}

func (o *op) DiffWRT(int) []bool { return o.want }

// SymDiff adds one node that computes all gradients in one pass, and a pick for
// each of them. The forward output is an input of that node for the order it
// brings: Backward may use what Forward left in the Function.
func (o *op) SymDiff(in G.Nodes, out, dy *G.Node) (G.Nodes, error) {
	dims := append(append([]int(nil), o.in...), o.out.Dims(), o.out.Dims())
	b := &backward{admin: newAdmin(o.name+".backward", tensor.ScalarShape(), dims...), op: o, shapes: make([]tensor.Shape, len(in))}
	token, err := G.ApplyOp(b, append(append(G.Nodes(nil), in...), out, dy)...)
	if err != nil {
		return nil, err
	}
	grads := make(G.Nodes, len(in))
	for i, want := range o.want {
		if !want {
			continue
		}
		b.shapes[i] = in[i].Shape()
		p := &pick{admin: newAdmin(fmt.Sprintf("%s.gradient%d", o.name, i), b.shapes[i], 0), backward: b, index: i}
		if grads[i], err = G.ApplyOp(p, token); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// backward computes every gradient of an op and returns a token that orders the
// picks after it.
type backward struct {
	admin
	op     *op
	shapes []tensor.Shape // of the gradients wanted
	dx     []buffer       // of the last Do
}

// arguments returns which inputs compute reads and the sizes of its results. The
// inputs are those of the op, the output of the op, and the gradient of that
// output; −1 stands for an input that compute does not read.
func (b *backward) arguments(in []int) (read, sizes []int) {
	n := len(b.shapes)
	read = append(slices.Clone(in[:n]), in[n+1])
	_, forgets := b.op.fn.(forgetful)
	for i, s := range b.shapes {
		if forgets {
			read[i] = -1
		}
		if b.op.want[i] {
			sizes = append(sizes, s.TotalSize())
		} else {
			sizes = append(sizes, 0)
		}
	}
	return read, sizes
}

// compute computes the gradients from the inputs of the op and the gradient of
// its output.
func (b *backward) compute(dx, x [][]float32) error {
	n := len(b.shapes)
	if err := b.op.fn.Backward(b.op.run, dx, x[n], x[:n]); err != nil {
		return fmt.Errorf("graph: %s: %w", b.name, err)
	}
	return nil
}

func (b *backward) Do(in ...G.Value) (G.Value, error) {
	n := len(b.shapes)
	b.dx = make([]buffer, n)
	dx := make([][]float32, n)
	for i, want := range b.op.want {
		if want {
			b.dx[i] = newBuffer(b.shapes[i])
			dx[i] = b.dx[i].data
		}
	}
	x := load(in)
	return G.NewF32(0), b.compute(dx, append(x[:n], x[n+1]))
}

// pick exposes one gradient of a backward op as a node.
type pick struct {
	admin
	backward *backward
	index    int
}

func (p *pick) Do(...G.Value) (G.Value, error) { return p.backward.dx[p.index].value, nil }

// load returns the numbers of values.
func load(values []G.Value) [][]float32 {
	x := make([][]float32, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case *tensor.Dense:
			x[i] = v.Float32s()
		case *G.F32:
			x[i] = []float32{float32(*v)}
		}
	}
	return x
}
