// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"math"
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
)

func constant(c *call) {
	n := c.node
	for _, a := range n.Attributes {
		var t *Tensor
		switch a.Name {
		case "value":
			if a.Tensor == nil {
				continue
			}
			if t, c.err = header(a.Tensor); c.err != nil {
				return
			}
		case "value_float":
			t = &Tensor{Type: onnxproto.TypeFloat, Data: []float64{float64(a.Float)}}
		case "value_int":
			t = &Tensor{Type: onnxproto.TypeInt64, Data: []float64{float64(a.Int)}}
		case "value_floats":
			t = New(onnxproto.TypeFloat, len(a.Floats))
			for i, v := range a.Floats {
				t.Data[i] = float64(v)
			}
		case "value_ints":
			t = New(onnxproto.TypeInt64, len(a.Ints))
			for i, v := range a.Ints {
				t.Data[i] = float64(v)
			}
		default:
			continue
		}
		c.result(t.Type, t.Dims, func(y []float64) { copy(y, t.Values()) })
		return
	}
	c.errorf("it has no value that goqat reads")
}

func constantOfShape(c *call) {
	kind, value := onnxproto.TypeFloat, 0.0
	if a := c.node.Attribute("value"); a != nil && a.Tensor != nil {
		t, err := header(a.Tensor)
		if err != nil || t.Len() != 1 {
			c.errorf("its value is no single number")
			return
		}
		kind, value = t.Type, t.Values()[0]
	}
	c.result(kind, c.wholes(0), func(y []float64) {
		for i := range y {
			y[i] = value
		}
	})
}

func span(c *call) {
	if !c.has(0) || !c.has(1) || !c.has(2) {
		c.errorf("it needs a start, a limit and a step")
		return
	}
	start, limit, step := c.fixed(0), c.fixed(1), c.fixed(2)
	if c.err != nil || len(start) != 1 || len(limit) != 1 || len(step) != 1 {
		c.errorf("its start, limit or step is no single number")
		return
	}
	n := math.Ceil((limit[0] - start[0]) / step[0])
	if !(n < maxLen) {
		c.errorf("it has %v numbers", n)
		return
	}
	c.result(c.in[0].Type, []int{max(0, int(n))}, func(y []float64) {
		for i := range y {
			y[i] = start[0] + float64(i)*step[0]
		}
	})
}

func shape(c *call) {
	dims := c.input(0).Dims
	n := len(dims)
	clamp := func(i int) int {
		if i < 0 {
			i += n
		}
		return min(max(i, 0), n)
	}
	start, end := clamp(c.node.Int("start", 0)), clamp(c.node.Int("end", n))
	part := dims[start:max(start, end)]
	c.static = true
	c.result(onnxproto.TypeInt64, []int{len(part)}, func(y []float64) {
		for i, d := range part {
			y[i] = float64(d)
		}
	})
}

func reshape(c *call) {
	x := c.input(0)
	dims, ok := c.list("shape", 1)
	if !ok {
		c.errorf("it has no shape")
	}
	dims = slices.Clone(dims)
	rest, free := 1, -1
	for i, d := range dims {
		switch {
		case d == 0 && c.node.Int("allowzero", 0) == 0 && i < len(x.Dims):
			dims[i] = x.Dims[i]
		case d == -1 && free < 0:
			free = i
			continue
		}
		if dims[i] < 0 || dims[i] > maxLen || rest*dims[i] > maxLen {
			c.errorf("it makes %v of %v", dims, x.Dims)
			return
		}
		rest *= dims[i]
	}
	if free >= 0 {
		dims[free] = x.Len() / max(1, rest)
	}
	c.view(x, dims)
}

func flatten(c *call) {
	x := c.input(0)
	axis := c.node.Int("axis", 1)
	if axis < 0 {
		axis += len(x.Dims)
	}
	if axis < 0 || axis > len(x.Dims) {
		c.errorf("axis %d of %d dimensions", axis, len(x.Dims))
		return
	}
	rows := 1
	for _, d := range x.Dims[:axis] {
		rows *= d
	}
	c.view(x, []int{rows, x.Len() / max(1, rows)})
}

func squeeze(c *call) {
	x := c.input(0)
	axes, given := c.list("axes", 1)
	var dims []int
	drop := map[int]bool{}
	for _, a := range axes {
		drop[c.axis(a, len(x.Dims))] = true
	}
	for i, d := range x.Dims {
		if given && !drop[i] || !given && d != 1 {
			dims = append(dims, d)
		}
	}
	c.view(x, dims)
}

func unsqueeze(c *call) {
	x := c.input(0)
	axes, _ := c.list("axes", 1)
	dims := slices.Clone(x.Dims)
	added := map[int]bool{}
	for _, a := range axes {
		added[c.axis(a, len(x.Dims)+len(axes))] = true
	}
	for _, i := range slices.Sorted(keys(added)) {
		dims = slices.Insert(dims, min(i, len(dims)), 1)
	}
	c.view(x, dims)
}

func keys(m map[int]bool) func(func(int) bool) {
	return func(yield func(int) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// pick adds a result whose numbers are those of x at start and, along each dimension of the result, so far from each other.
func (c *call) pick(x *Tensor, dims []int, start int, steps []int) {
	c.result(x.Type, dims, func(y []float64) {
		index, at := make([]int, len(dims)), start
		for i := range y {
			y[i] = x.Data[at]
			for d := len(dims) - 1; d >= 0; d-- {
				index[d]++
				if at += steps[d]; index[d] < dims[d] {
					break
				}
				at -= dims[d] * steps[d]
				index[d] = 0
			}
		}
	})
}

// rowMajor returns how far neighbours are from each other along each dimension.
func rowMajor(dims []int) []int {
	steps, step := make([]int, len(dims)), 1
	for d := len(dims) - 1; d >= 0; d-- {
		steps[d] = step
		step *= dims[d]
	}
	return steps
}

func transpose(c *call) {
	x := c.input(0)
	perm := c.ints("perm")
	if perm == nil {
		for d := range x.Dims {
			perm = append([]int{d}, perm...)
		}
	}
	steps, seen := rowMajor(x.Dims), map[int]bool{}
	dims, by := make([]int, len(perm)), make([]int, len(perm))
	for i, d := range perm {
		if d < 0 || d >= len(x.Dims) || len(perm) != len(x.Dims) || seen[d] {
			c.errorf("%v is no permutation of %d dimensions", perm, len(x.Dims))
			return
		}
		seen[d] = true
		dims[i], by[i] = x.Dims[d], steps[d]
	}
	c.pick(x, dims, 0, by)
}

func expand(c *call) {
	x := c.input(0)
	to := c.wholes(1)
	if _, err := sized(to); err != nil {
		c.err = err
		return
	}
	dims, ok := broadcast([]*Tensor{x, {Dims: to}})
	if !ok {
		c.errorf("%v does not become %v", x.Dims, to)
		return
	}
	c.pick(x, dims, 0, offsets(x.Dims, dims))
}

// tile repeats a tensor along each of its dimensions.
func tile(c *call) {
	x, repeats := c.input(0), c.wholes(1)
	if len(repeats) != len(x.Dims) {
		c.errorf("%d repeats of %v", len(repeats), x.Dims)
		return
	}
	dims, by := slices.Clone(x.Dims), rowMajor(x.Dims)
	for d, n := range repeats {
		if n < 0 || n > maxLen {
			c.errorf("it repeats %v times", repeats)
			return
		}
		dims[d] *= n
	}
	if _, err := sized(dims); err != nil {
		c.err = err
		return
	}
	c.result(x.Type, dims, func(y []float64) {
		for i := range y {
			at, rest := 0, i
			for d := len(dims) - 1; d >= 0; d-- {
				at += rest % dims[d] % x.Dims[d] * by[d]
				rest /= dims[d]
			}
			y[i] = x.Data[at]
		}
	})
}

// slice has its numbers as attributes before version 10 of the operators, then as inputs.
func slice(c *call) {
	x := c.input(0)
	starts, _ := c.list("starts", 1)
	ends, _ := c.list("ends", 2)
	axes, given := c.list("axes", 3)
	steps, stepped := c.list("steps", 4)
	if !given {
		for d := range starts {
			axes = append(axes, d)
		}
	}
	if !stepped {
		steps = slices.Repeat([]int{1}, len(starts))
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		c.errorf("it has %d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
		return
	}
	dims, by, first := slices.Clone(x.Dims), rowMajor(x.Dims), 0
	unit, seen := slices.Clone(by), map[int]bool{}
	for i, a := range axes {
		if a = c.axis(a, len(x.Dims)); seen[a] {
			c.errorf("it slices axis %d twice", a)
		}
		if seen[a] = true; c.err != nil {
			return
		}
		start, n, ok := cut(x.Dims[a], starts[i], ends[i], steps[i])
		if !ok {
			c.errorf("it has a step of 0")
			return
		}
		dims[a], by[a] = n, unit[a]*steps[i]
		first += unit[a] * start
	}
	c.pick(x, dims, first, by)
}

// cut returns where a slice of n numbers starts and how many it has.
func cut(n, start, end, step int) (first, count int, ok bool) {
	if step == 0 || step > maxLen || step < -maxLen {
		return 0, 0, false
	}
	low, high := 0, n // that start and end may be
	if step < 0 {
		low, high = -1, n-1
	}
	if start < 0 {
		start += n
	}
	if end < 0 {
		end += n
	}
	start, end = min(max(start, max(0, low)), max(0, high)), min(max(end, low), high)
	if step > 0 {
		return start, max(0, (end-start+step-1)/step), true
	}
	return start, min(n, max(0, (start-end-step-1)/-step)), true
}

func split(c *call) {
	x := c.input(0)
	axis := c.axis(c.node.Int("axis", 0), len(x.Dims))
	if c.err != nil {
		return
	}
	parts, ok := c.list("split", 1)
	if n := len(c.node.Outputs); !ok {
		each := (x.Dims[axis] + n - 1) / max(1, n)
		for i := range n {
			parts = append(parts, max(0, min(each, x.Dims[axis]-i*each)))
		}
	}
	by, at := rowMajor(x.Dims), 0
	for _, part := range parts {
		if part < 0 || at+part > x.Dims[axis] {
			c.errorf("%v are no parts of %d", parts, x.Dims[axis])
			return
		}
		dims := slices.Clone(x.Dims)
		dims[axis] = part
		c.pick(x, dims, at*by[axis], by)
		at += part
	}
	if at != x.Dims[axis] {
		c.errorf("%v are no parts of %d", parts, x.Dims[axis])
	}
}

func gather(c *call) {
	x, index := c.input(0), c.input(1)
	axis := c.axis(c.node.Int("axis", 0), len(x.Dims))
	if c.err != nil {
		return
	}
	n := x.Dims[axis]
	if n == 0 {
		c.errorf("it takes from %v", x.Dims)
	}
	if index.fixed {
		for _, v := range index.Values() {
			if v < -float64(n) || v >= float64(n) {
				c.errorf("index %v of %d", v, n)
				return
			}
		}
	}
	inner := 1
	for _, d := range x.Dims[axis+1:] {
		inner *= d
	}
	c.result(x.Type, slices.Concat(x.Dims[:axis], index.Dims, x.Dims[axis+1:]), func(y []float64) {
		block := len(index.Data) * inner
		for i := range y {
			at := int(index.Data[i%block/inner])
			if at < 0 {
				at += n
			}
			y[i] = x.Data[(i/block*n+min(max(at, 0), n-1))*inner+i%inner]
		}
	})
}

func concatenate(c *call) {
	x := c.input(0)
	axis := c.axis(c.node.Int("axis", 1), len(x.Dims))
	if c.err != nil {
		return
	}
	dims := slices.Clone(x.Dims)
	for i := range c.in[1:] {
		t := c.input(i + 1)
		if len(t.Dims) != len(dims) {
			c.errorf("it concatenates %v and %v", x.Dims, t.Dims)
			return
		}
		for d := range dims {
			if d == axis {
				dims[d] += t.Dims[d]
			} else if dims[d] != t.Dims[d] {
				c.errorf("it concatenates %v and %v along axis %d", x.Dims, t.Dims, axis)
				return
			}
		}
	}
	in := c.in
	c.result(x.Type, dims, func(y []float64) {
		outer := 1
		for _, d := range dims[:axis] {
			outer *= d
		}
		y = y[:0]
		for o := range outer {
			for _, t := range in {
				each := len(t.Data) / outer
				y = append(y, t.Data[o*each:][:each]...)
			}
		}
	})
}

// pad adds a number around a tensor, or takes away where its pads are negative.
func pad(c *call) {
	x := c.input(0)
	pads, ok := c.list("pads", 1)
	value := c.node.Float("value", 0)
	if c.has(2) {
		if v := c.fixed(2); len(v) == 1 {
			value = v[0]
		}
	}
	rank := len(x.Dims)
	if mode := c.node.Text("mode", "constant"); mode != "constant" {
		c.errorf("it pads by mode %q, goqat by a constant only", mode)
	}
	if axes, given := c.list("axes", 3); given && ok && len(pads) == 2*len(axes) {
		all := make([]int, 2*rank)
		for i, a := range axes {
			a = c.axis(a, rank)
			if c.err != nil {
				return
			}
			all[a], all[a+rank] = pads[i], pads[i+len(axes)]
		}
		pads = all
	}
	if len(pads) != 2*rank || c.err != nil {
		c.errorf("it has pads %v for %d dimensions", pads, rank)
		return
	}
	dims := make([]int, rank)
	for d := range dims {
		if a, b := pads[d], pads[d+rank]; max(a, -a, b, -b) > maxLen {
			c.errorf("it has pads %v", pads)
			return
		}
		dims[d] = x.Dims[d] + pads[d] + pads[d+rank]
	}
	by := rowMajor(x.Dims)
	c.result(x.Type, dims, func(y []float64) {
		index := make([]int, rank)
		for i := range y {
			at, inside := 0, true
			for d, v := range index {
				v -= pads[d]
				inside = inside && v >= 0 && v < x.Dims[d]
				at += v * by[d]
			}
			y[i] = value
			if inside {
				y[i] = x.Data[at]
			}
			for d := rank - 1; d >= 0; d-- {
				if index[d]++; index[d] < dims[d] {
					break
				}
				index[d] = 0
			}
		}
	})
}
