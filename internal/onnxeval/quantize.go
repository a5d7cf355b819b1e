// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"math"

	"github.com/goqat/goqat/internal/onnxproto"
)

// quantize is to UINT8, with one scale.
func quantize(c *call) {
	kind := c.input(2).Type
	if kind != onnxproto.TypeUint8 {
		c.errorf("it makes %v, want UINT8", kind)
	}
	c.elementwise(kind, func(v []float64) float64 {
		return min(max(math.RoundToEven(c.round(onnxproto.TypeFloat, v[0]/v[1]))+v[2], 0), 255)
	})
}

// dequantize has one scale, or one for each index of the first dimension.
func dequantize(c *call) {
	scale, zero := *c.input(1), *c.input(2)
	if c.node.Attribute("axis") != nil && len(scale.Dims) == 1 {
		dims := make([]int, len(c.input(0).Dims))
		for d := range dims {
			dims[d] = 1
		}
		if len(dims) > 0 {
			dims[0] = scale.Dims[0]
		}
		scale.Dims, zero.Dims = dims, dims
	}
	c.shaped(1, scale.Dims)
	c.shaped(2, zero.Dims)
	c.elementwise(onnxproto.TypeFloat, func(v []float64) float64 {
		return c.round(onnxproto.TypeFloat, c.round(onnxproto.TypeFloat, v[0]-v[2])*v[1])
	})
}

// shaped has an input seen in another shape of as many numbers.
func (c *call) shaped(i int, dims []int) {
	if c.err != nil {
		return
	}
	t := *c.in[i]
	t.Dims = dims
	if n, err := sized(dims); err != nil || n != c.in[i].Len() || !t.fixed {
		c.errorf("its input %d is %v, want a constant of %v", i, c.in[i].Dims, dims)
	}
	c.in[i] = &t
}

// quant is QONNX's, of a signed or an unsigned range.
func quant(c *call) {
	kind := c.input(0).Type
	c.input(3)
	signed, narrow := float64(c.node.Int("signed", 1)), float64(c.node.Int("narrow", 0))
	c.elementwise(kind, func(v []float64) float64 {
		least := -signed*math.Ldexp(1, int(v[3])-1) + signed*narrow
		most := math.Ldexp(1, int(v[3]-signed)) - 1 - (1-signed)*narrow
		q := min(max(math.RoundToEven(v[0]/v[1]+v[2]), least), most)
		return c.round(kind, (q-v[2])*v[1])
	})
}

// bipolar is QONNX's; of +0 it is +1.
func bipolar(c *call) {
	c.input(1)
	c.elementwise(c.input(0).Type, func(v []float64) float64 { return math.Copysign(v[1], v[0]) })
}

// multiThreshold is QONNX's: how many of the thresholds, of all channels or of each, a number reaches.
func multiThreshold(c *call) {
	x, thresholds := c.input(0), c.input(1)
	if len(x.Dims) < 2 || len(thresholds.Dims) != 2 || thresholds.Dims[0] != 1 && thresholds.Dims[0] != x.Dims[1] {
		c.errorf("thresholds %v for %v", thresholds.Dims, x.Dims)
		return
	}
	scale, bias := c.node.Float("out_scale", 1), c.node.Float("out_bias", 0)
	area, each := 1, thresholds.Dims[1]
	for _, n := range x.Dims[2:] {
		area *= n
	}
	c.each = float64(each)
	c.result(x.Type, x.Dims, func(y []float64) {
		for i, v := range x.Data {
			channel, n := i/area%x.Dims[1]%thresholds.Dims[0], 0
			for _, t := range thresholds.Data[channel*each:][:each] {
				if v >= t {
					n++
				}
			}
			y[i] = c.round(x.Type, float64(n)*scale+bias)
		}
	})
}
