// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goqat/goqat/internal/kernel"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// An Executor is a gorgonia.VM for graphs of this package's ops. It runs, on
// the caller's goroutine and without allocating, only what the requested
// outputs need, in memory that it has planned: results that are not alive at
// the same time share it. A TapeMachine over the same graph computes the same
// bits; it runs every node, keeps every result, allocates per node, and cannot
// recover from a panic.
type Executor struct {
	steps  []step
	values []value
	at     map[*G.Node]int // in values; a pick has the value of the gradient
	memory int             // numbers that the values need which are not kept
	codes  bool            // tensors may be codes
	ops    []Op            // of the steps, for the times of a run; nil for none
	again  bool            // the constants of the last run hold
}

var _ G.VM = (*Executor)(nil)

// A step computes the values numbered out from the values numbered in; −1 stands for
// no value. y and x hold the numbers of these values.
type step struct {
	do      computer
	in, out []int
	over    [][2]int // pairs of in and out that may have one memory
	fixed   bool     // the results change with the constants alone
	y, x    [][]float32
}

// A computer computes y from x. An element of y that is nil is not wanted.
type computer interface {
	compute(y, x [][]float32) error
}

// newExecutor schedules the nodes of g that the outputs need, each right before
// the first node that needs it, and plans their memory; bind gives it to them.
// Additions run on pool. What depends on nodes of constants alone is kept, for runs
// again.
func newExecutor(g *G.ExprGraph, pool *Pool, constants map[*G.Node]bool, outputs ...*G.Node) (*Executor, error) {
	e := &Executor{at: map[*G.Node]int{}}
	for _, n := range outputs {
		if err := e.schedule(g, pool, n); err != nil {
			return nil, err
		}
	}
	for n, constant := range constants {
		if at, ok := e.at[n]; ok {
			e.values[at].constant = constant
		}
	}
	for i := range e.steps {
		e.settle(&e.steps[i])
	}
	for _, n := range outputs {
		e.values[e.at[n]].kept = true
	}
	e.plan()
	return e, nil
}

// plan gives the values that are not kept their places in an arena of e.memory numbers,
// or of fewer the more of them are codes.
func (e *Executor) plan() {
	for i := range e.values {
		v := &e.values[i]
		v.owner, v.offset, v.last = i, 0, v.read
		v.codes = e.codes && v.node != nil && v.node.isCodes()
	}
	for i := range e.steps {
		overwrite(e.values, &e.steps[i], i)
	}
	e.memory = place(e.values)
}

// settle keeps the results of a step that reads constants alone: they are such, too. It
// tells a convolution that its weights are.
func (e *Executor) settle(s *step) {
	if o, ok := s.do.(*op); ok {
		if f, ok := o.fn.(*conv); ok {
			f.fixed = f.fixed || e.values[s.in[1]].constant
		}
	}
	for _, v := range s.in {
		if v < 0 || !e.values[v].constant {
			return
		}
	}
	s.fixed = len(s.in) > 0
	for _, v := range s.out {
		if v >= 0 {
			e.values[v].constant, e.values[v].kept = s.fixed, s.fixed
		}
	}
}

// schedule adds node n, unless it is there already, after all nodes that it needs.
func (e *Executor) schedule(g *G.ExprGraph, pool *Pool, n *G.Node) error {
	if _, ok := e.at[n]; ok {
		return nil
	}
	var in []int
	for it := g.From(n.ID()); it.Next(); {
		child := it.Node().(*G.Node)
		if err := e.schedule(g, pool, child); err != nil {
			return err
		}
		in = append(in, e.at[child])
	}
	switch o := n.Op().(type) {
	case *op:
		e.at[n] = e.add(o, in, o.out.TotalSize())
		e.values[e.at[n]].node = o.result
		if _, ok := o.fn.(elementwise); ok {
			e.mayOverwrite(in[0], e.at[n])
		}
	case *backward:
		in, sizes := o.arguments(in)
		e.at[n] = e.add(o, in, sizes...)
		if _, ok := o.op.fn.(elementwise); ok {
			e.mayOverwrite(in[len(in)-1], e.at[n]+slices.Index(o.op.want, true))
		}
	case *pick:
		e.at[n] = in[0] + o.index
	default:
		switch v := n.Value().(type) {
		case *tensor.Dense: // an input or a parameter
			e.at[n] = e.leaf(v.Float32s())
		case *G.F32: // the gradient of the loss by itself
			e.at[n] = e.leaf([]float32{float32(*v)})
		default:
			if len(in) != 2 || !strings.HasPrefix(o.String(), "+") {
				return fmt.Errorf("graph: schedule: %v is no op of this package", n)
			}
			// Grad adds the gradients of a node with several readers.
			e.at[n] = e.add(&addition{pool: pool}, in, n.Shape().TotalSize())
			e.mayOverwrite(in[0], e.at[n])
			e.mayOverwrite(in[1], e.at[n])
		}
	}
	return nil
}

// leaf adds a value with memory of its own.
func (e *Executor) leaf(data []float32) int {
	e.values = append(e.values, value{first: -1, kept: true, data: data})
	return len(e.values) - 1
}

// add adds a step that computes values of the given sizes, 0 for those not
// wanted, and returns the first of them.
func (e *Executor) add(do computer, in []int, sizes ...int) (first int) {
	first = len(e.values)
	s := step{do: do, in: in, y: make([][]float32, len(sizes)), x: make([][]float32, len(in))}
	for i, size := range sizes {
		v := first + i
		e.values = append(e.values, value{size: size, first: len(e.steps), read: len(e.steps)})
		if size == 0 {
			v = -1
		}
		s.out = append(s.out, v)
	}
	for _, v := range in {
		if v >= 0 {
			e.values[v].read = len(e.steps)
		}
	}
	e.steps = append(e.steps, s)
	return first
}

// mayOverwrite lets the last step compute value out in the memory of value in.
func (e *Executor) mayOverwrite(in, out int) {
	s := &e.steps[len(e.steps)-1]
	s.over = append(s.over, [2]int{in, out})
}

// bind gives the results their memory. A result that is kept has memory of its own;
// the others have parts of an arena of at least e.memory numbers, which executors that
// do not run at the same time may share.
func (e *Executor) bind(arena []float32) {
	for i := range e.values {
		v := &e.values[i]
		switch {
		case v.kept && v.data == nil:
			v.data = make([]float32, v.size)
		case !v.kept:
			at, n := e.values[v.owner].offset, v.numbers()
			v.data = arena[at : at+n : at+n]
		}
		if e.codes && v.node != nil {
			v.node.codes = nil
			if v.codes {
				v.node.codes = kernel.Bytes(v.data)[:v.size]
			}
		}
	}
	for _, s := range e.steps {
		e.numbers(s.y, s.out)
		e.numbers(s.x, s.in)
	}
}

// numbers writes the numbers of the given values to dst, nil for codes.
func (e *Executor) numbers(dst [][]float32, values []int) {
	for i, v := range values {
		if v >= 0 {
			dst[i] = e.values[v].data
			if e.values[v].codes {
				dst[i] = nil
			}
		}
	}
}

// RunAll runs the schedule once. Values of an earlier run are overwritten.
func (e *Executor) RunAll() error {
	for i := range e.steps {
		s := &e.steps[i]
		if s.fixed && e.again {
			continue
		}
		var start time.Time
		if e.ops != nil {
			start = time.Now()
		}
		if err := s.do.compute(s.y, s.x); err != nil {
			return err
		}
		if e.ops != nil {
			e.ops[i].Took = time.Since(start)
		}
	}
	return nil
}

// addition adds two tensors in tiles.
type addition struct {
	pool        *Pool
	total, a, b []float32
}

// addTile is the number of values of a tile.
const addTile = 1 << 14

func (t *addition) compute(y, x [][]float32) error {
	t.of(y[0], x[0], x[1])
	return nil
}

func (t *addition) of(total, a, b []float32) {
	t.total, t.a, t.b = total, a, b
	t.pool.Run(t, (len(t.total)+addTile-1)/addTile)
}

func (t *addition) Tile(i, _ int) {
	lo := i * addTile
	hi := min(lo+addTile, len(t.total))
	kernel.Add(t.total[lo:hi], t.a[lo:hi], t.b[lo:hi])
}

// Reset does nothing: an Executor keeps no state between runs. It is part of
// gorgonia.VM.
func (e *Executor) Reset() {}

// Close does nothing; it is part of gorgonia.VM.
func (e *Executor) Close() error { return nil }

// result returns what the last run computed for an output.
func (e *Executor) result(n *G.Node) []float32 { return e.values[e.at[n]].data }
