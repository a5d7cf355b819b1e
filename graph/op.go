// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"hash"
	"hash/fnv"
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
	// the output y. dx[i] is nil where no gradient is wanted; each one given
	// must be overwritten, not added to.
	Backward(r *Run, dx [][]float32, dy, y []float32, x [][]float32) error
}

var opCount atomic.Uint64

// admin is the administrative part of gorgonia.Op, shared by the ops below.
//
// Gorgonia merges nodes whose ops hash alike and lets ops overwrite dead
// inputs; an op that owns its output, hashes uniquely and overwrites nothing
// is safe from both.
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

// publish makes the numbers in data those of value.
func (b *buffer) publish() G.Value {
	if s, ok := b.value.(*G.F32); ok {
		*s = G.F32(b.data[0])
	}
	return b.value
}

// op is the gorgonia.SDOp of a Function.
type op struct {
	admin
	run  *Run
	fn   Function
	want []bool // inputs that need a gradient
	y    buffer
	x    [][]float32
}

func (o *op) Do(in ...G.Value) (G.Value, error) {
	load(o.x, in)
	if err := o.fn.Forward(o.run, o.y.data, o.x); err != nil {
		return nil, fmt.Errorf("graph: %s: %w", o.name, err)
	}
	return o.y.publish(), nil
}

func (o *op) DiffWRT(int) []bool { return o.want }

// SymDiff adds one node that computes all gradients in one pass, and a pick for
// each of them. The forward output is an input of that node for the order it
// brings: Backward may use what Forward left in the Function.
func (o *op) SymDiff(in G.Nodes, out, dy *G.Node) (G.Nodes, error) {
	dims := append(append([]int(nil), o.in...), o.out.Dims(), o.out.Dims())
	b := &backward{
		admin: newAdmin(o.name+".backward", tensor.ScalarShape(), dims...),
		op:    o,
		in:    make([][]float32, len(in)+2),
		dx:    make([][]float32, len(in)),
		token: G.NewF32(0),
	}
	dxs := make([]buffer, len(in))
	for i, want := range o.want {
		if want {
			dxs[i] = newBuffer(in[i].Shape())
			b.dx[i] = dxs[i].data
		}
	}
	token, err := G.ApplyOp(b, append(append(G.Nodes(nil), in...), out, dy)...)
	if err != nil {
		return nil, err
	}
	grads := make(G.Nodes, len(in))
	for i, want := range o.want {
		if !want {
			continue
		}
		p := &pick{admin: newAdmin(fmt.Sprintf("%s.gradient%d", o.name, i), in[i].Shape(), 0), src: dxs[i]}
		if grads[i], err = G.ApplyOp(p, token); err != nil {
			return nil, err
		}
	}
	return grads, nil
}

// backward computes every gradient of an op and returns a token that orders the
// picks behind it.
type backward struct {
	admin
	op    *op
	in    [][]float32
	dx    [][]float32
	token *G.F32
}

func (b *backward) Do(in ...G.Value) (G.Value, error) {
	load(b.in, in)
	n := len(b.dx)
	if err := b.op.fn.Backward(b.op.run, b.dx, b.in[n+1], b.in[n], b.in[:n]); err != nil {
		return nil, fmt.Errorf("graph: %s: %w", b.name, err)
	}
	return b.token, nil
}

// pick exposes one gradient of a backward op as a node.
type pick struct {
	admin
	src buffer
}

func (p *pick) Do(...G.Value) (G.Value, error) { return p.src.value, nil }

// load points dst at the numbers of the values; a scalar is copied.
func load(dst [][]float32, src []G.Value) {
	for i, v := range src {
		switch v := v.(type) {
		case *tensor.Dense:
			dst[i] = v.Float32s()
		case *G.F32:
			if len(dst[i]) != 1 {
				dst[i] = make([]float32, 1)
			}
			dst[i][0] = float32(*v)
		}
	}
}
