// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"

	"github.com/goqat/goqat/graph"
)

// A Module is a layer, or a composition of layers, that a network is made of.
type Module interface {
	// trace appends the module's units and returns its result.
	trace(t *tracer, x *Tensor) *Tensor
}

// Chain applies modules one after the other.
type Chain []Module

func (c Chain) trace(t *tracer, x *Tensor) *Tensor {
	for _, m := range c {
		x = m.trace(t, x)
	}
	return x
}

// Conv2D is a convolution, with batch normalization unless NoNorm, and an
// activation.
type Conv2D struct {
	Name     string // default: conv1, conv2, … by position
	Channels int
	Kernel   int
	Stride   int // default 1
	// Groups splits the channels; Depthwise makes each channel a group.
	Groups     int
	Depthwise  bool
	Pad        int  // rows and columns of zeros on every side
	NoNorm     bool // a bias instead
	Activation graph.Activation
}

func (c Conv2D) trace(t *tracer, x *Tensor) *Tensor {
	u := &Unit{Name: t.name(c.Name, "conv"), Kind: Convolution, Channels: c.Channels, Activation: c.Activation, norm: !c.NoNorm, bias: c.NoNorm}
	u.Window = graph.Window{
		KernelH: c.Kernel, KernelW: c.Kernel, Stride: max(1, c.Stride),
		Top: c.Pad, Left: c.Pad, Bottom: c.Pad, Right: c.Pad, Groups: max(1, c.Groups),
	}
	if c.Depthwise {
		u.Window.Groups = x.Channels
		if u.Channels == 0 {
			u.Channels = x.Channels
		}
	}
	h, w := u.Window.Output(x.Height, x.Width)
	if u.Channels < 1 {
		t.errorf("layers: %s: %d output channels", u.Name, u.Channels)
	}
	return t.add(u, x, h, w, u.Channels)
}

// Linear is a fully connected layer; an image is flattened first.
type Linear struct {
	Name       string // default: fc1, fc2, …
	Channels   int
	Norm       bool // batch normalization instead of a bias
	Activation graph.Activation
}

func (l Linear) trace(t *tracer, x *Tensor) *Tensor {
	if x.Height != 1 || x.Width != 1 {
		x = Flatten{}.trace(t, x)
	}
	u := &Unit{Name: t.name(l.Name, "fc"), Kind: FullyConnected, Channels: l.Channels, Activation: l.Activation, norm: l.Norm, bias: !l.Norm}
	u.Window = graph.Valid(1, 1)
	u.Window.Groups = 1
	if l.Channels < 1 {
		t.errorf("layers: %s: %d output channels", u.Name, l.Channels)
	}
	return t.add(u, x, 1, 1, l.Channels)
}

// MaxPool is the maximum over windows.
type MaxPool struct {
	Name   string
	Size   int
	Stride int // default Size
	Pad    int // on every side; padding is never the maximum
}

func (p MaxPool) trace(t *tracer, x *Tensor) *Tensor {
	return tracePool(t, x, t.name(p.Name, "maxpool"), Maximum, p.Size, p.Stride, p.Pad)
}

// AvgPool is the mean over windows.
type AvgPool struct {
	Name   string
	Size   int
	Stride int // default Size
}

func (p AvgPool) trace(t *tracer, x *Tensor) *Tensor {
	return tracePool(t, x, t.name(p.Name, "avgpool"), Average, p.Size, p.Stride, 0)
}

func tracePool(t *tracer, x *Tensor, name string, k Kind, size, stride, pad int) *Tensor {
	if stride == 0 {
		stride = size
	}
	u := &Unit{Name: name, Kind: k, Window: graph.Valid(size, stride)}
	u.Window.Top, u.Window.Left, u.Window.Bottom, u.Window.Right = pad, pad, pad, pad
	h, w := u.Window.Output(x.Height, x.Width)
	return t.add(u, x, h, w, x.Channels)
}

// GlobalAvgPool is the mean over the whole image.
type GlobalAvgPool struct{ Name string }

func (p GlobalAvgPool) trace(t *tracer, x *Tensor) *Tensor {
	u := &Unit{Name: t.name(p.Name, "globalavgpool"), Kind: Average, Window: graph.Window{KernelH: x.Height, KernelW: x.Width, Stride: 1}}
	return t.add(u, x, 1, 1, x.Channels)
}

// Flatten makes an image a vector.
type Flatten struct{ Name string }

func (f Flatten) trace(t *tracer, x *Tensor) *Tensor {
	u := &Unit{Name: t.name(f.Name, "flatten"), Kind: Reshape}
	return t.add(u, x, 1, 1, x.Height*x.Width*x.Channels)
}

// Activate applies an activation to the result of the convolution, linear layer
// or residual block before it.
type Activate struct{ Activation graph.Activation }

func (a Activate) trace(t *tracer, x *Tensor) *Tensor {
	u := x.Source
	if u == nil || u.passes() || u.Kind == Average || u.Activation != graph.Identity || len(x.readers) > 0 {
		t.errorf("layers: an activation must follow a convolution, a linear layer or a residual block, not %s", x.Name)
		return x
	}
	u.Activation = a.Activation
	return x
}

// Dropout zeroes values at a rate while training.
type Dropout struct {
	Name string
	Rate float64
}

func (d Dropout) trace(t *tracer, x *Tensor) *Tensor {
	u := &Unit{Name: t.name(d.Name, "dropout"), Kind: Drop, rate: d.Rate}
	return t.add(u, x, x.Height, x.Width, x.Channels)
}

// Residual adds its input to the result of Body and applies the activation (He
// et al. 2016). Without a Shortcut, the input goes through a 1×1 convolution
// with batch normalization where Body changes its shape.
type Residual struct {
	Name       string // default: block1, block2, …; prefixes the names within
	Body       Module
	Shortcut   Module // nil: the input itself, or the 1×1 convolution
	Activation graph.Activation
}

func (r Residual) trace(t *tracer, x *Tensor) *Tensor {
	name := t.name(r.Name, "block")
	outer := t.enter(name)
	defer t.leave(outer)

	at := len(t.units)
	y := r.Body.trace(t, x)
	skip := r.shortcut(t, at, x, y)
	if skip.Height != y.Height || skip.Width != y.Width || skip.Channels != y.Channels {
		t.errorf("layers: %s: the shortcut gives %s, the body %s", name, skip.shape(), y.shape())
	}
	// The sum belongs to the body's last convolution, if nothing lies between:
	// its accumulator and the skip tensor are rounded once, together.
	if y != x && y.term() {
		y.Source.Residual, y.Source.Activation = skip, r.Activation
		skip.readers = append(skip.readers, y.Source)
		if skip != x && skip.term() && len(skip.readers) == 1 {
			skip.Role = Accumulators
		}
		return y
	}
	u := &Unit{Name: t.scoped("add"), Kind: Addition, Residual: skip, Activation: r.Activation}
	skip.readers = append(skip.readers, u)
	return t.add(u, y, y.Height, y.Width, y.Channels)
}

// term says whether the tensor is the bare sum of a weighted unit, without
// activation, so that an addition can take its accumulators.
func (t *Tensor) term() bool {
	u := t.Source
	return u != nil && u.Weighted() && u.Activation == graph.Identity && u.Residual == nil
}

// shortcut traces the path beside the body and puts its units before those of
// the body, which come from index at.
func (r Residual) shortcut(t *tracer, at int, x, y *Tensor) *Tensor {
	m := r.Shortcut
	if m == nil {
		if y.Height == x.Height && y.Width == x.Width && y.Channels == x.Channels {
			return x
		}
		stride := max(1, (x.Height+y.Height-1)/max(1, y.Height))
		m = Conv2D{Name: "shortcut", Channels: y.Channels, Kernel: 1, Stride: stride}
	}
	body := append([]*Unit(nil), t.units[at:]...)
	t.units = t.units[:at]
	skip := m.trace(t, x)
	t.units = append(t.units, body...)
	return skip
}

func (t *Tensor) shape() string { return fmt.Sprintf("%d×%d×%d", t.Height, t.Width, t.Channels) }
