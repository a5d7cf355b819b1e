// SPDX-License-Identifier: Apache-2.0

package onnxeval

import (
	"math"

	"github.com/goqat/goqat/internal/onnxproto"
)

// A Window is that of a convolution or a pooling: of rows and columns, the rows being 1 where there is one dimension.
type Window struct {
	In, Out, Kernel, Stride, Dilation [2]int
	Pad                               [4]int // top, left, bottom, right
}

// A win is a window of a node with so many dimensions.
type win struct {
	Window
	rank int
}

// Window returns the window of a node that Prepare has seen, with its padding resolved.
func (p *Program) Window(n *onnxproto.Node) (w Window, ok bool) {
	if found := p.windows[n]; found != nil {
		return found.Window, true
	}
	return w, false
}

// window reads the attributes of a window over x.
func (c *call) window(x *Tensor) *win { return c.windowOf(x, c.ints("kernel_shape")) }

// windowOf is window with the given kernel.
func (c *call) windowOf(x *Tensor, kernel []int) *win {
	w := &win{rank: len(x.Dims) - 2}
	c.win = w
	if w.rank != 1 && w.rank != 2 {
		c.errorf("its window is over %v, want images or signals", x.Dims)
		return w
	}
	pair := func(name string, list []int) [2]int {
		if list == nil {
			list = []int{1, 1}[:w.rank]
		}
		if len(list) != w.rank {
			c.errorf("its %s are %v for %d dimensions", name, list, w.rank)
			return [2]int{1, 1}
		}
		for _, v := range list {
			if v < 1 || v > maxSide {
				c.errorf("its %s are %v, want 1 to %d", name, list, maxSide)
			}
		}
		if w.rank == 1 {
			return [2]int{1, list[0]}
		}
		return [2]int(list)
	}
	w.Kernel, w.Stride, w.Dilation = pair("kernel", kernel), pair("strides", c.ints("strides")), pair("dilations", c.ints("dilations"))
	w.In = [2]int{1, x.Dims[len(x.Dims)-1]}
	if w.rank == 2 {
		w.In[0] = x.Dims[2]
	}
	c.pads(w)
	for axis := range 2 {
		w.Out[axis] = w.outputs(axis, c.node.Int("ceil_mode", 0) != 0)
	}
	if w.Out[0] < 1 || w.Out[1] < 1 {
		c.errorf("a window of %v does not fit %v", w.Kernel, x.Dims)
	}
	return w
}

// maxSide bounds windows and their padding.
const maxSide = 1 << 16

// pads resolves the padding.
func (c *call) pads(w *win) {
	switch auto := c.node.Text("auto_pad", "NOTSET"); auto {
	case "NOTSET", "":
		list := c.ints("pads")
		if list == nil {
			return
		}
		if len(list) != 2*w.rank {
			c.errorf("its pads are %v for %d dimensions", list, w.rank)
			return
		}
		for _, v := range list {
			if v < 0 || v > maxSide {
				c.errorf("its pads are %v, want 0 to %d", list, maxSide)
			}
		}
		if w.rank == 1 {
			list = []int{0, list[0], 0, list[1]}
		}
		w.Pad = [4]int(list)
	case "SAME_UPPER", "SAME_LOWER":
		for axis := range 2 {
			out := (w.In[axis] + w.Stride[axis] - 1) / w.Stride[axis]
			all := max(0, (out-1)*w.Stride[axis]+w.extent(axis)-w.In[axis])
			w.Pad[axis], w.Pad[axis+2] = all/2, all-all/2
			if auto == "SAME_LOWER" {
				w.Pad[axis], w.Pad[axis+2] = all-all/2, all/2
			}
		}
	case "VALID":
	default:
		c.errorf("its auto_pad is %q", auto)
	}
}

// extent returns the distance from the first tap to the last, and one.
func (w *win) extent(axis int) int { return (w.Kernel[axis]-1)*w.Dilation[axis] + 1 }

// outputs returns the number of outputs along an axis. In ceil mode, a window may reach beyond the padding at the end, if
// it starts in the image or the padding before it.
func (w *win) outputs(axis int, ceil bool) int {
	free := w.In[axis] + w.Pad[axis] + w.Pad[axis+2] - w.extent(axis)
	if free < 0 {
		return 0
	}
	n := free/w.Stride[axis] + 1
	if ceil && free%w.Stride[axis] != 0 && n*w.Stride[axis] < w.In[axis]+w.Pad[axis] {
		n++
	}
	return n
}

// inside returns the outputs whose tap along an axis is in the image: from first, before last.
func (w *win) inside(axis, tap int) (first, last int) {
	at := tap*w.Dilation[axis] - w.Pad[axis] // of output 0
	s := w.Stride[axis]
	first = max(0, (-at+s-1)/s)
	if at >= 0 {
		first = 0
	}
	if w.In[axis]-at <= 0 {
		return 0, 0
	}
	return first, min(w.Out[axis], (w.In[axis]-at+s-1)/s)
}

// shape returns the dimensions of the result.
func (w *win) shape(x *Tensor, channels int) []int {
	if w.rank == 1 {
		return []int{x.Dims[0], channels, w.Out[1]}
	}
	return []int{x.Dims[0], channels, w.Out[0], w.Out[1]}
}

// fold folds the numbers under the window into each output of a plane, in the order of rows and columns of the kernel.
func (w *win) fold(y, x []float64, f func(a, v float64) float64) {
	for i := range w.Kernel[0] {
		for j := range w.Kernel[1] {
			first, last := w.inside(1, j)
			for row := range w.Out[0] {
				v := row*w.Stride[0] + i*w.Dilation[0] - w.Pad[0]
				if v < 0 || v >= w.In[0] {
					continue
				}
				for column := first; column < last; column++ {
					at := row*w.Out[1] + column
					y[at] = f(y[at], x[v*w.In[1]+column*w.Stride[1]+j*w.Dilation[1]-w.Pad[1]])
				}
			}
		}
	}
}

func maxPool(c *call) {
	x := c.input(0)
	w := c.window(x)
	if c.err != nil {
		return
	}
	if len(c.node.Outputs) > 1 && c.node.Outputs[1] != "" {
		c.errorf("it gives the positions of its maxima, too")
		return
	}
	c.each = float64(w.Kernel[0]) * float64(w.Kernel[1])
	c.result(x.Type, w.shape(x, x.Dims[1]), func(y []float64) {
		for i := range y {
			y[i] = math.Inf(-1)
		}
		w.planes(y, x, func(y, x []float64) { w.fold(y, x, func(a, v float64) float64 { return max(a, v) }) })
	})
}

// planes calls f for each plane of the result and of x.
func (w *win) planes(y []float64, x *Tensor, f func(y, x []float64)) {
	out, in := w.Out[0]*w.Out[1], w.In[0]*w.In[1]
	for p := range x.Dims[0] * x.Dims[1] {
		f(y[p*out:][:out], x.Data[p*in:][:in])
	}
}

// averagePool divides the sum under a window by the number of its taps: those in the image, or those in the padding, too,
// but never those that ceil mode adds.
func averagePool(c *call) {
	x := c.input(0)
	w := c.window(x)
	if c.err != nil {
		return
	}
	counted := *w
	if c.node.Int("count_include_pad", 0) != 0 {
		for axis := range 2 { // the padding is as good as the image
			counted.In[axis] += w.Pad[axis] + w.Pad[axis+2]
		}
		counted.Pad = [4]int{}
	}
	c.each = float64(w.Kernel[0]) * float64(w.Kernel[1])
	c.result(x.Type, w.shape(x, x.Dims[1]), func(y []float64) {
		down, across := counted.taps(0), counted.taps(1)
		w.planes(y, x, func(y, x []float64) {
			w.fold(y, x, func(a, v float64) float64 { return c.round(c.in[0].Type, a+v) })
			for i := range y {
				y[i] = c.round(c.in[0].Type, y[i]/float64(down[i/w.Out[1]]*across[i%w.Out[1]]))
			}
		})
	})
}

// taps returns how many taps of each output along an axis are in the image.
func (w *win) taps(axis int) []int {
	list := make([]int, w.Out[axis])
	for tap := range w.Kernel[axis] {
		first, last := w.inside(axis, tap)
		for i := first; i < last; i++ {
			list[i]++
		}
	}
	return list
}

func globalPool(first float64, f func(a, v float64) float64, mean bool) func(*call) {
	return func(c *call) {
		axes := []int{}
		for d := 2; d < len(c.input(0).Dims); d++ {
			axes = append(axes, d)
		}
		c.fold(axes, true, first, f, mean)
	}
}

// reduce has its axes as an attribute before version 18 of the operators (13 for the sum), then as an input.
func reduce(first float64, f func(a, v float64) float64, mean bool) func(*call) {
	return func(c *call) {
		axes, ok := c.list("axes", 1)
		if (!ok || len(axes) == 0) && c.node.Int("noop_with_empty_axes", 0) != 0 {
			c.view(c.input(0), c.input(0).Dims)
			return
		}
		if !ok || len(axes) == 0 {
			for d := range c.input(0).Dims {
				axes = append(axes, d)
			}
		}
		c.fold(axes, c.node.Int("keepdims", 1) != 0, first, f, mean)
	}
}

// fold adds the result of folding numbers along axes.
func (c *call) fold(axes []int, keep bool, first float64, f func(a, v float64) float64, mean bool) {
	x := c.input(0)
	folded, count := make([]bool, len(x.Dims)), 1
	for _, a := range axes {
		if a = c.axis(a, len(x.Dims)); c.err != nil {
			return
		}
		if !folded[a] {
			count *= x.Dims[a]
		}
		folded[a] = true
	}
	var dims, kept []int
	for d, n := range x.Dims {
		switch {
		case !folded[d]:
			dims, kept = append(dims, n), append(kept, n)
		case keep:
			dims, kept = append(dims, 1), append(kept, 1)
		default:
			kept = append(kept, 1)
		}
	}
	by := offsets(kept, x.Dims)
	c.result(x.Type, dims, func(y []float64) {
		for i := range y {
			y[i] = first
		}
		index, at := make([]int, len(x.Dims)), 0
		for _, v := range x.Data {
			y[at] = c.round(x.Type, f(y[at], v))
			for d := len(index) - 1; d >= 0; d-- {
				index[d]++
				if at += by[d]; index[d] < x.Dims[d] {
					break
				}
				at -= x.Dims[d] * by[d]
				index[d] = 0
			}
		}
		for i := range y {
			if mean {
				y[i] = c.round(x.Type, y[i]/float64(count))
			}
		}
	})
}

// softmax is along an axis, or before version 13 of the operators along all from it on.
func softmax(logarithm bool) func(*call) {
	return func(c *call) {
		x := c.input(0)
		standard := -1
		if c.opset < 13 {
			standard = 1
		}
		axis := c.axis(c.node.Int("axis", standard), len(x.Dims))
		if c.err != nil {
			return
		}
		n, inner := x.Dims[axis], 1
		for _, d := range x.Dims[axis+1:] {
			inner *= d
		}
		if c.opset < 13 {
			n, inner = n*inner, 1
		}
		c.result(x.Type, x.Dims, func(y []float64) {
			for start := range len(y) / max(1, n) {
				at := start/inner*n*inner + start%inner
				most, sum := math.Inf(-1), 0.0
				for k := range n {
					most = max(most, x.Data[at+k*inner])
				}
				for k := range n {
					sum += math.Exp(x.Data[at+k*inner] - most)
				}
				for k := range n {
					v := x.Data[at+k*inner] - most - math.Log(sum)
					if !logarithm {
						v = math.Exp(v)
					}
					y[at+k*inner] = c.round(x.Type, v)
				}
			}
		})
	}
}
