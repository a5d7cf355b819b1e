// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"math"
	"slices"
)

// resize enlarges or reduces by nearest neighbours.
func resize(c *call) {
	x := c.input(0)
	if mode := c.node.Text("mode", "nearest"); mode != "nearest" {
		c.errorf("it resizes by mode %q, goqat by nearest neighbours only", mode)
	}
	dims, scales := c.resized(x)
	if c.err != nil {
		return
	}
	from := make([][]int, len(dims)) // by dimension: where each position comes from
	for d, n := range dims {
		for i := range n {
			at := c.nearest(c.coordinate(float64(i), scales[d], float64(x.Dims[d]), float64(n)))
			from[d] = append(from[d], int(min(max(at, 0), float64(x.Dims[d]-1))))
		}
	}
	by := rowMajor(x.Dims)
	c.result(x.Type, dims, func(y []float64) {
		for i := range y {
			at, rest := 0, i
			for d := len(dims) - 1; d >= 0; d-- {
				at += from[d][rest%dims[d]] * by[d]
				rest /= dims[d]
			}
			y[i] = x.Data[at]
		}
	})
}

// resized returns the dimensions of the result, and how many times they are those of x.
func (c *call) resized(x *Tensor) (dims []int, scales []float64) {
	dims = slices.Clone(x.Dims)
	at := 2 // of the scales; version 10 of the operators, and Upsample, had no region before them
	if c.opset < 11 {
		at = 1
	}
	switch {
	case c.has(at) && len(c.fixed(at)) == len(dims):
		scales = c.fixed(at)
		for d, s := range scales {
			if !(s > 0 && s <= maxLen) {
				c.errorf("it resizes %v times", scales)
				return dims, scales
			}
			dims[d] = int(math.Floor(float64(dims[d]) * s))
		}
	case c.opset >= 11 && c.has(3) && len(c.fixed(3)) == len(dims):
		if policy := c.node.Text("keep_aspect_ratio_policy", "stretch"); policy != "stretch" {
			c.errorf("it keeps the aspect ratio (%s), goqat takes sizes as they are given", policy)
		}
		dims = c.wholes(3)
		for d, n := range dims {
			scales = append(scales, float64(n)/float64(max(1, x.Dims[d])))
		}
	default:
		c.errorf("it has neither scales nor sizes for %v", x.Dims)
	}
	if _, err := sized(dims); err != nil && c.err == nil {
		c.err = err
	}
	return dims, scales
}

// coordinate returns where in the input position i of the result is.
func (c *call) coordinate(i, scale, in, out float64) float64 {
	usual := "half_pixel"
	if c.opset < 11 {
		usual = "asymmetric"
	}
	switch mode := c.node.Text("coordinate_transformation_mode", usual); mode {
	case "asymmetric":
		return i / scale
	case "half_pixel":
		return (i+0.5)/scale - 0.5
	case "pytorch_half_pixel":
		if out == 1 {
			return 0
		}
		return (i+0.5)/scale - 0.5
	case "align_corners":
		return i * (in - 1) / max(1, out-1)
	default:
		c.errorf("it finds its places by %q, which goqat does not", mode)
		return 0
	}
}

// nearest returns the whole position for a coordinate.
func (c *call) nearest(v float64) float64 {
	usual := "round_prefer_floor"
	if c.opset < 11 {
		usual = "floor"
	}
	switch mode := c.node.Text("nearest_mode", usual); mode {
	case "floor":
		return math.Floor(v)
	case "ceil":
		return math.Ceil(v)
	case "round_prefer_floor":
		return math.Ceil(v - 0.5)
	case "round_prefer_ceil":
		return math.Floor(v + 0.5)
	default:
		c.errorf("it rounds by %q, which goqat does not", mode)
		return 0
	}
}
