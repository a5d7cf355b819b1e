// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"math"
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
)

func sigmoid(v float64) float64 { return 1 / (1 + math.Exp(-v)) }

// unary returns an operator of one tensor, whose type the result has.
func unary(f func(v float64) float64) func(*call) {
	return func(c *call) {
		x := c.input(0)
		c.result(x.Type, x.Dims, func(y []float64) {
			for i, v := range x.Data {
				y[i] = c.round(x.Type, f(v))
			}
		})
	}
}

func leakyRelu(c *call) {
	alpha := c.node.Float("alpha", 0.01)
	unary(func(v float64) float64 { return max(v, 0) + alpha*min(v, 0) })(c)
}

func hardSigmoid(c *call) {
	alpha, beta := c.node.Float("alpha", 0.2), c.node.Float("beta", 0.5)
	unary(func(v float64) float64 { return min(max(alpha*v+beta, 0), 1) })(c)
}

func elu(c *call) {
	alpha := c.node.Float("alpha", 1)
	unary(func(v float64) float64 {
		if v < 0 {
			return alpha * math.Expm1(v)
		}
		return v
	})(c)
}

// clip has its bounds as attributes before version 11 of the operators, then as inputs.
func clip(c *call) {
	bound := func(name string, i int, none float64) float64 {
		if !c.has(i) {
			return c.node.Float(name, none)
		}
		if v := c.fixed(i); len(v) == 1 {
			return v[0]
		}
		c.errorf("its %s is no single number", name)
		return 0
	}
	lo, hi := bound("min", 1, math.Inf(-1)), bound("max", 2, math.Inf(1))
	unary(func(v float64) float64 { return min(max(v, lo), hi) })(c)
}

func cast(c *call) {
	x, kind := c.input(0), onnxproto.Type(c.node.Int("to", 0))
	if readers[kind] == nil {
		c.errorf("it makes %v, which goqat does not compute with", kind)
	}
	c.result(kind, x.Dims, func(y []float64) {
		for i, v := range x.Data {
			switch {
			case floating(kind):
				y[i] = c.round(kind, v)
			case kind == onnxproto.TypeBool && v != 0:
				y[i] = 1
			default:
				y[i] = math.Trunc(v)
			}
		}
	})
}

// identity has the mask of a dropout as its second result: it keeps all.
func identity(c *call) {
	x := c.input(0)
	c.view(x, x.Dims)
	if len(c.node.Outputs) > 1 {
		c.result(onnxproto.TypeBool, x.Dims, func(y []float64) {
			for i := range y {
				y[i] = 1
			}
		})
	}
}

// combine returns an operator of two tensors, of whose type the result is.
func combine(f func(a, b float64) float64) func(*call) {
	return func(c *call) {
		kind := c.input(0).Type
		if c.input(1); len(c.in) > 2 {
			c.errorf("it has %d inputs, want 2", len(c.in))
		}
		if c.opset < 7 && c.node.Attribute("axis") != nil {
			c.errorf("it is broadcast along an axis, as before version 7 of the operators; convert the file to version 13")
		}
		c.elementwise(kind, func(v []float64) float64 {
			return c.round(kind, f(v[0], v[1]))
		})
	}
}

// divide cuts off what is no whole number of whole ones.
func divide(c *call) {
	if floating(c.input(0).Type) {
		combine(func(a, b float64) float64 { return a / b })(c)
		return
	}
	combine(func(a, b float64) float64 {
		if b == 0 {
			return 0 // not defined
		}
		return math.Trunc(a / b)
	})(c)
}

func compare(f func(a, b float64) bool) func(*call) {
	return func(c *call) {
		c.input(1)
		c.elementwise(onnxproto.TypeBool, func(v []float64) float64 {
			if f(v[0], v[1]) {
				return 1
			}
			return 0
		})
	}
}

func where(c *call) {
	c.input(2)
	c.elementwise(c.input(1).Type, func(v []float64) float64 {
		if v[0] != 0 {
			return v[1]
		}
		return v[2]
	})
}

// elementwise computes each number of the result from those of all inputs, which are broadcast.
func (c *call) elementwise(kind onnxproto.Type, f func(v []float64) float64) {
	for i := range c.in {
		c.input(i)
	}
	in := c.in
	dims, ok := broadcast(in)
	if !ok {
		c.errorf("its inputs do not fit each other")
	}
	c.result(kind, dims, func(y []float64) {
		at := make([][]int, len(in))
		for k, t := range in {
			at[k] = offsets(t.Dims, dims)
		}
		v, index, where := make([]float64, len(in)), make([]int, len(dims)), make([]int, len(in))
		for i := range y {
			for k, t := range in {
				v[k] = t.Data[where[k]]
			}
			y[i] = f(v)
			for d := len(dims) - 1; d >= 0; d-- { // the next position
				index[d]++
				for k := range where {
					where[k] += at[k][d]
				}
				if index[d] < dims[d] {
					break
				}
				index[d] = 0
				for k := range where {
					where[k] -= dims[d] * at[k][d]
				}
			}
		}
	})
}

// broadcast returns the shape that tensors have together.
func broadcast(in []*Tensor) (dims []int, ok bool) {
	for _, t := range in {
		if t == nil {
			return nil, false
		}
		if more := len(t.Dims) - len(dims); more > 0 {
			dims = append(slices.Repeat([]int{1}, more), dims...)
		}
		for d := range t.Dims {
			at := len(dims) - len(t.Dims) + d
			switch {
			case dims[at] == 1:
				dims[at] = t.Dims[d]
			case t.Dims[d] != 1 && t.Dims[d] != dims[at]:
				return nil, false
			}
		}
	}
	return dims, true
}

// offsets returns how far the numbers of a tensor, broadcast to dims, are from each other along each dimension.
func offsets(of, dims []int) []int {
	list, step := make([]int, len(dims)), 1
	for d := len(of) - 1; d >= 0; d-- {
		if of[d] > 1 {
			list[len(dims)-len(of)+d] = step
		}
		step *= of[d]
	}
	return list
}
