// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
)

// A call is a node with its inputs. An operator reads it in Prepare, when only shapes and fixed tensors are known, and
// says by result what it makes; what is wrong is kept in err, so that operators read without checks.
type call struct {
	node   *onnxproto.Node
	in     []*Tensor // nil for one left out
	opset  int64
	double bool

	out    []*Tensor
	fill   []func(y []float64) // compute the results, with the numbers of the inputs at hand
	each   float64             // multiplications for each number of the results
	win    *win                // of windowed operators
	static bool                // the results do not depend on the numbers of the inputs
	err    error
}

// errorf keeps the first error.
func (c *call) errorf(format string, args ...any) {
	if c.err == nil {
		c.err = fmt.Errorf(format, args...)
	}
}

// input returns an input that must be there.
func (c *call) input(i int) *Tensor {
	if !c.has(i) {
		c.errorf("it has no input %d", i)
		return &Tensor{Type: onnxproto.TypeFloat, Dims: []int{1, 1, 1, 1}, fixed: true, Data: []float64{0}}
	}
	return c.in[i]
}

// has says whether an input is there.
func (c *call) has(i int) bool { return i < len(c.in) && c.in[i] != nil }

// fixed returns the numbers of an input that must not depend on the image.
func (c *call) fixed(i int) []float64 {
	t := c.input(i)
	if !t.fixed {
		c.errorf("its input %q depends on the image", c.node.Inputs[i])
		return nil
	}
	return t.Values()
}

// wholes are the numbers of a fixed input as whole numbers.
func (c *call) wholes(i int) []int { return wholes(c.fixed(i)) }

func wholes(values []float64) []int {
	list := make([]int, len(values))
	for i, v := range values {
		list[i] = int(min(max(v, -1<<53), 1<<53))
	}
	return list
}

// ints returns an attribute of whole numbers, nil if there is none.
func (c *call) ints(name string) []int {
	a := c.node.Attribute(name)
	if a == nil {
		return nil
	}
	list := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		list[i] = int(v)
	}
	return list
}

// list returns an attribute that later versions of an operator have as an input; ok is false if it is left out.
func (c *call) list(name string, i int) (list []int, ok bool) {
	switch {
	case c.has(i):
		return c.wholes(i), true
	case c.node.Attribute(name) != nil:
		return c.ints(name), true
	}
	return nil, false
}

// axis returns a dimension that may be counted from the end.
func (c *call) axis(axis, rank int) int {
	if axis < 0 {
		axis += rank
	}
	if axis < 0 || axis >= rank {
		c.errorf("axis %d of %d dimensions", axis, rank)
		return 0
	}
	return axis
}

// result adds a result. Fill computes its numbers, all 0 before.
func (c *call) result(kind onnxproto.Type, dims []int, fill func(y []float64)) {
	if c.err != nil {
		return
	}
	if _, err := sized(dims); err != nil {
		c.err = err
		return
	}
	c.out = append(c.out, &Tensor{Type: kind, Dims: slices.Clone(dims)})
	c.fill = append(c.fill, fill)
}

// view adds a result of the numbers of an input in another shape.
func (c *call) view(x *Tensor, dims []int) {
	if n, err := sized(dims); c.err == nil && (err != nil || n != x.Len()) {
		c.errorf("%v is no other shape of %v", dims, x.Dims)
	}
	c.result(x.Type, dims, func(y []float64) { copy(y, x.Data) })
}

// bytes returns what the results take.
func (c *call) bytes() (n int64) {
	for _, t := range c.out {
		n += 8 * int64(t.Len())
	}
	return n
}

// work returns the multiplications.
func (c *call) work() (n float64) {
	for _, t := range c.out {
		n += max(1, c.each) * float64(t.Len())
	}
	return n
}

// compute fills the results.
func (c *call) compute() {
	for _, t := range c.in {
		if t != nil && t.Data == nil {
			t.Data = t.Values()
		}
	}
	for i, t := range c.out {
		t.Data = make([]float64, t.Len())
		c.fill[i](t.Data)
	}
	for _, t := range c.in {
		if t != nil && t.stored != nil {
			t.Data = nil
		}
	}
}

// round returns v as a number of the type, which is an integer in range of an integer type.
func (c *call) round(kind onnxproto.Type, v float64) float64 {
	if kind == onnxproto.TypeFloat && !c.double {
		return float64(float32(v))
	}
	return v
}

// rounds says whether the results of arithmetic of a type are rounded.
func (c *call) rounds(kind onnxproto.Type) bool { return kind == onnxproto.TypeFloat && !c.double }
