// SPDX-License-Identifier: Apache-2.0

package graph

import "github.com/goqat/goqat/internal/kernel"

// MaxPool adds the maximum over each window. A windows's padding never wins.
func (g *Graph) MaxPool(name string, x *Node, w Window) *Node {
	h, v, ok := g.poolSize(name, x, w)
	if !ok {
		return x
	}
	if w.KernelH*w.KernelW > maxPoolPositions {
		g.Errorf("graph: %s: a %d×%d window has more than %d positions", name, w.KernelH, w.KernelW, maxPoolPositions)
		return x
	}
	f := &maxPool{name: name, plan: kernel.NewMaxPool(poolDesc(x, w), g.batch, g.Run.pool), size: h * v * x.Channels}
	return g.Apply(name, f, h, v, x.Channels, x)
}

// MaxPoolSigns is MaxPool of signs. Most of a window's signs are equal, so the
// gradient goes, other than that of MaxPool, to the greatest of the values that
// the epilogue of x took the signs of.
func (g *Graph) MaxPoolSigns(name string, x *Node, w Window) *Node {
	y := g.MaxPool(name, x, w)
	e, ok := x.fn.(*epilogue)
	if f, pools := y.fn.(*maxPool); ok && pools && g.err == nil {
		f.signs = e
		e.values = make([]float32, g.batch*x.size())
	}
	return y
}

// maxPoolPositions is how many positions of a window a maximum pooling tells
// apart.
const maxPoolPositions = 256

// AvgPool adds the mean over each window, which must not be padded; over the
// whole image it is a global average pooling. In Integer runs it is the sum,
// and the factor belongs to the multiplier of the epilogue behind it.
func (g *Graph) AvgPool(name string, x *Node, w Window) *Node {
	h, v, ok := g.poolSize(name, x, w)
	if !ok {
		return x
	}
	if w.Top+w.Left+w.Bottom+w.Right != 0 {
		g.Errorf("graph: %s: an average pooling cannot be padded", name)
		return x
	}
	f := &avgPool{plan: kernel.NewAvgPool(poolDesc(x, w), g.batch, g.Run.pool), taps: w.KernelH * w.KernelW, size: h * v * x.Channels}
	return g.Apply(name, f, h, v, x.Channels, x)
}

func (g *Graph) poolSize(name string, x *Node, w Window) (h, v int, ok bool) {
	if g.err != nil {
		return 0, 0, false
	}
	h, v = w.Output(x.Height, x.Width)
	if poolDesc(x, w).Validate() != nil {
		g.Errorf("graph: %s: a %d×%d window with stride %d does not fit an input of %d×%d", name, w.KernelH, w.KernelW, w.Stride, x.Height, x.Width)
		return 0, 0, false
	}
	return h, v, true
}

func poolDesc(x *Node, w Window) kernel.Window {
	return kernel.Window{
		InH: x.Height, InW: x.Width, C: x.Channels, KH: w.KernelH, KW: w.KernelW, StrideH: w.Stride, StrideW: w.Stride,
		Top: w.Top, Left: w.Left, Bottom: w.Bottom, Right: w.Right,
	}
}

// maxPool is the Function of a maximum pooling.
type maxPool struct {
	name  string
	plan  *kernel.MaxPool
	size  int
	signs *epilogue // that gives the input, if it is to be pooled before its signs are taken
}

func (*maxPool) forgetful() {}

func (f *maxPool) Forward(r *Run, y []float32, x [][]float32) error {
	if f.signs != nil && r.Mode == Train && r.Quantize {
		f.plan.Forward(y, f.signs.values, r.Batch)
		f.signs.Quantizer.Forward(y[:r.Batch*f.size], y[:r.Batch*f.size])
		return nil
	}
	f.plan.Forward(y, x[0], r.Batch)
	tap(r, f.name, y, f.size)
	return nil
}

func (f *maxPool) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	f.plan.Backward(dx[0], dy, r.Batch)
	return nil
}

// avgPool is the Function of an average pooling.
type avgPool struct {
	plan       *kernel.AvgPool
	taps, size int
}

func (*avgPool) forgetful() {}

func (f *avgPool) Forward(r *Run, y []float32, x [][]float32) error {
	f.plan.Forward(y, x[0], r.Batch, f.scale(r))
	return nil
}

// scale is 1 in an Integer run, where sums stay exact, else 1/n.
func (f *avgPool) scale(r *Run) float32 {
	if r.Mode == Integer {
		return 1
	}
	return 1 / float32(f.taps)
}

func (f *avgPool) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	f.plan.Backward(dx[0], dy, r.Batch, f.scale(r))
	return nil
}

// tap shows a site that is neither a convolution nor an epilogue.
func tap(r *Run, name string, y []float32, size int) {
	if r.Tap != nil && r.Mode != Train {
		r.Tap(Site{Name: name, Y: y[:r.Batch*size]})
	}
}
