// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/internal/kernel"
)

// MaxPool adds the maximum over each window. A window's padding never wins.
func (g *Graph) MaxPool(name string, x *Node, w geometry.Window) *Node {
	h, v, ok := g.poolSize(name, x, w)
	if !ok {
		return x
	}
	if w.Taps() > maxPoolPositions {
		g.Errorf("graph: %s: a %d×%d window has more than %d positions", name, w.Kernel[0], w.Kernel[1], maxPoolPositions)
		return x
	}
	f := &maxPool{name: name, plan: kernel.NewMaxPool(poolDesc(x, w), g.batch, g.run.pool), size: h * v * x.Channels, in: x}
	f.out = g.Apply(name, f, h, v, x.Channels, x).keeps(x)
	return f.out
}

// MaxPoolSigns is MaxPool of signs, with another gradient: as most of a window's signs
// are equal, the gradient goes to the greatest of the values whose signs the epilogue
// of x took.
func (g *Graph) MaxPoolSigns(name string, x *Node, w geometry.Window) *Node {
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

// AvgPool adds the mean over each window: of all its positions, zeros in the
// padding, if the padding is counted, else of those in the image. Over the whole
// image it is a global average pooling. In Integer runs it is the sum, times what
// brings the windows to one number of positions (see geometry.Window.Whole), and
// the factor belongs to the multiplier of the epilogue after it.
func (g *Graph) AvgPool(name string, x *Node, w geometry.Window, counted bool) *Node {
	h, v, ok := g.poolSize(name, x, w)
	if !ok {
		return x
	}
	f := &avgPool{in: x, plan: kernel.NewAvgPool(poolDesc(x, w), g.run.pool)}
	for i, share := range w.Shares(x.Height, x.Width, counted) {
		n := w.Taps()
		if !counted {
			n = w.Inside(i/v, i%v, x.Height, x.Width)
		}
		f.means, f.shares = append(f.means, 1/float32(n)), append(f.shares, float32(share))
	}
	return g.Apply(name, f, h, v, x.Channels, x)
}

func (g *Graph) poolSize(name string, x *Node, w geometry.Window) (h, v int, ok bool) {
	if g.err != nil {
		return 0, 0, false
	}
	h, v = w.Output(x.Height, x.Width)
	if poolDesc(x, w).Validate() != nil {
		g.Errorf("graph: %s: a %v does not fit an input of %d×%d", name, w, x.Height, x.Width)
		return 0, 0, false
	}
	return h, v, true
}

func poolDesc(x *Node, w geometry.Window) kernel.Pooling {
	return kernel.Pooling{InH: x.Height, InW: x.Width, C: x.Channels, Window: w}
}

// maxPool is the Function of a maximum pooling.
type maxPool struct {
	name    string
	plan    *kernel.MaxPool
	size    int
	in, out *Node
	signs   *epilogue // that gives the input, if it is to be pooled before its signs are taken
}

func (*maxPool) forgetful() {}

func (f *maxPool) carriesCodes() bool { return f.signs == nil }

func (f *maxPool) Forward(r *Run, y []float32, x [][]float32) error {
	if f.signs != nil && r.Mode == Train && r.Quantizes(f.signs.name) {
		f.plan.Forward(kernel.Real(y), kernel.Real(f.signs.values), r.Batch)
		f.signs.Quantizer.Forward(y[:r.Batch*f.size], y[:r.Batch*f.size])
		return nil
	}
	f.plan.Forward(f.out.values(r, y), f.in.values(r, x[0]), r.Batch)
	tap(r, f.name, y, f.size)
	return nil
}

func (f *maxPool) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	f.plan.Backward(dx[0], dy, r.Batch)
	return nil
}

// avgPool is the Function of an average pooling.
type avgPool struct {
	in            *Node
	plan          *kernel.AvgPool
	means, shares []float32 // by position: the factors of the mean, and of Integer runs
}

func (*avgPool) forgetful()  {}
func (*avgPool) readsCodes() {}

func (f *avgPool) Forward(r *Run, y []float32, x [][]float32) error {
	f.plan.Forward(y, f.in.values(r, x[0]), r.Batch, f.factors(r))
	return nil
}

// factors are whole numbers in an Integer run, where sums stay exact.
func (f *avgPool) factors(r *Run) []float32 {
	if r.Mode == Integer {
		return f.shares
	}
	return f.means
}

func (f *avgPool) Backward(r *Run, dx [][]float32, dy []float32, _ [][]float32) error {
	f.plan.Backward(dx[0], dy, r.Batch, f.factors(r))
	return nil
}

// tap shows a site that is neither a convolution nor an epilogue.
func tap(r *Run, name string, y []float32, size int) {
	if r.Tap != nil && r.Mode != Train {
		r.Tap(Site{Name: name, Y: y[:r.Batch*size]})
	}
}
