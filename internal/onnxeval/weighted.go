// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"math"
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
)

// convolution sums in the order of input channels, then rows and columns of the kernel; the bias comes last.
func convolution(c *call) {
	x, w := c.input(0), c.input(1)
	groups := c.node.Int("group", 1)
	if len(x.Dims) != len(w.Dims) || len(x.Dims) < 3 {
		c.errorf("it weighs %v by %v", x.Dims, w.Dims)
		return
	}
	win := c.windowOf(x, w.Dims[2:])
	if c.err != nil {
		return
	}
	channels, per := w.Dims[0], w.Dims[1]
	if groups < 1 || channels%groups != 0 || per*groups != x.Dims[1] || len(w.Data) > 0 && w.Len() == 0 || w.Len() != channels*per*win.Kernel[0]*win.Kernel[1] {
		c.errorf("weights %v in %d groups, a kernel %v, for %d channels", w.Dims, groups, win.Kernel, x.Dims[1])
		return
	}
	if c.has(2) && c.in[2].Len() != channels {
		c.errorf("%d biases for %d channels", c.in[2].Len(), channels)
		return
	}
	c.each = float64(per) * float64(win.Kernel[0]) * float64(win.Kernel[1])
	area, taps := win.In[0]*win.In[1], win.Kernel[0]*win.Kernel[1]
	round := c.rounds(x.Type)
	c.result(x.Type, win.shape(x, channels), func(y []float64) {
		each := win.Out[0] * win.Out[1]
		for i := range x.Dims[0] * channels {
			image, channel := i/channels, i%channels
			plane := y[i*each:][:each]
			for k := range per {
				in := x.Data[(image*x.Dims[1]+channel/(channels/groups)*per+k)*area:][:area]
				win.weigh(plane, in, w.Data[(channel*per+k)*taps:][:taps], round)
			}
			if c.has(2) {
				for j, v := range plane {
					plane[j] = c.round(x.Type, v+c.in[2].Data[channel])
				}
			}
		}
	})
}

// weigh adds a plane of the input, weighed, to one of the output.
func (w *win) weigh(y, x, weights []float64, round bool) {
	for i := range w.Kernel[0] {
		for j := range w.Kernel[1] {
			weight := weights[i*w.Kernel[1]+j]
			first, last := w.inside(1, j)
			for row := range w.Out[0] {
				v := row*w.Stride[0] + i*w.Dilation[0] - w.Pad[0]
				if v < 0 || v >= w.In[0] {
					continue
				}
				in, out := x[v*w.In[1]:][:w.In[1]], y[row*w.Out[1]:][:w.Out[1]]
				at := first*w.Stride[1] + j*w.Dilation[1] - w.Pad[1]
				for column := first; column < last; column++ {
					if term := in[at] * weight; round {
						out[column] = float64(float32(out[column] + float64(float32(term))))
					} else {
						out[column] += term
					}
					at += w.Stride[1]
				}
			}
		}
	}
}

// gemm is alpha·A·B + beta·C.
func gemm(c *call) {
	a, b := c.input(0), c.input(1)
	if len(a.Dims) != 2 || len(b.Dims) != 2 {
		c.errorf("it multiplies %v and %v, want matrices", a.Dims, b.Dims)
		return
	}
	transA, transB := c.node.Int("transA", 0) != 0, c.node.Int("transB", 0) != 0
	alpha, beta := c.node.Float("alpha", 1), c.node.Float("beta", 1)
	rows, inner, columns, other := a.Dims[0], a.Dims[1], b.Dims[1], b.Dims[0]
	stepA, stepB := [2]int{inner, 1}, [2]int{columns, 1}
	if transA {
		rows, inner, stepA = inner, rows, [2]int{1, a.Dims[1]}
	}
	if transB {
		columns, other, stepB = other, columns, [2]int{1, b.Dims[1]}
	}
	dims := []int{rows, columns}
	var added []int
	if c.has(2) {
		both, ok := broadcast([]*Tensor{{Dims: dims}, c.in[2]})
		if !ok || len(both) != 2 || both[0] != rows || both[1] != columns {
			c.errorf("it adds %v to %v", c.in[2].Dims, dims)
			return
		}
		added = offsets(c.in[2].Dims, dims)
	}
	if other != inner {
		c.errorf("it multiplies %v and %v", a.Dims, b.Dims)
		return
	}
	kind := a.Type
	c.each = float64(inner)
	c.result(kind, dims, func(y []float64) {
		for i := range y {
			r, k := i/columns, i%columns
			y[i] = c.scaled(kind, alpha, c.dot(a, b, r*stepA[0], k*stepB[1], stepA[1], stepB[0], inner))
			if added != nil {
				y[i] = c.round(kind, y[i]+c.scaled(kind, beta, c.in[2].Data[r*added[0]+k*added[1]]))
			}
		}
	})
}

func (c *call) scaled(kind onnxproto.Type, by, v float64) float64 {
	if by == 1 {
		return v
	}
	return c.round(kind, by*v)
}

// dot multiplies n numbers of a and b, so far from each other.
func (c *call) dot(a, b *Tensor, i, k, stepA, stepB, n int) (sum float64) {
	round := c.rounds(a.Type)
	for range n {
		if term := a.Data[i] * b.Data[k]; round {
			sum = float64(float32(sum + float64(float32(term))))
		} else {
			sum += term
		}
		i, k = i+stepA, k+stepB
	}
	return sum
}

// matmul multiplies matrices, those of leading dimensions by each other.
func matmul(c *call) {
	a, b := c.input(0), c.input(1)
	if len(a.Dims) < 2 || len(b.Dims) < 2 {
		c.errorf("it multiplies %v and %v, want matrices", a.Dims, b.Dims)
		return
	}
	ra, rb := len(a.Dims)-2, len(b.Dims)-2
	rows, inner, columns := a.Dims[ra], a.Dims[ra+1], b.Dims[rb+1]
	lead, ok := broadcast([]*Tensor{{Dims: a.Dims[:ra]}, {Dims: b.Dims[:rb]}})
	if !ok || b.Dims[rb] != inner {
		c.errorf("it multiplies %v and %v", a.Dims, b.Dims)
		return
	}
	atA, atB := offsets(a.Dims[:ra], lead), offsets(b.Dims[:rb], lead)
	c.each = float64(inner)
	c.result(a.Type, append(slices.Clone(lead), rows, columns), func(y []float64) {
		for i := range y {
			matrix, r, k := i/(rows*columns), i/columns%rows, i%columns
			var startA, startB int
			for d := len(lead) - 1; d >= 0; d-- {
				startA += matrix % lead[d] * atA[d] * rows * inner
				startB += matrix % lead[d] * atB[d] * inner * columns
				matrix /= lead[d]
			}
			y[i] = c.dot(a, b, startA+r*inner, startB+k, 1, columns, inner)
		}
	})
}

// batchNormalization is that of evaluation.
func batchNormalization(c *call) {
	x := c.input(0)
	epsilon := c.node.Float("epsilon", 1e-5)
	if c.node.Int("training_mode", 0) != 0 && len(c.node.Outputs) > 1 {
		c.errorf("it is in training mode; export the network in evaluation mode")
	}
	if len(x.Dims) < 2 {
		c.errorf("it normalizes %v", x.Dims)
		return
	}
	channels, area := x.Dims[1], 1
	for _, d := range x.Dims[2:] {
		area *= d
	}
	for i := 1; i < 5; i++ {
		if t := c.input(i); c.err == nil && t.Len() != channels {
			c.errorf("it has %d numbers for %d channels", t.Len(), channels)
		}
	}
	in := c.in
	c.result(x.Type, x.Dims, func(y []float64) {
		for i, v := range x.Data {
			k := i / area % channels
			gamma, beta, mean, variance := in[1].Data[k], in[2].Data[k], in[3].Data[k], in[4].Data[k]
			y[i] = c.round(x.Type, (v-mean)/math.Sqrt(variance+epsilon)*gamma+beta)
		}
	})
}
