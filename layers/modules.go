// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"cmp"
	"fmt"

	"github.com/goqat/goqat/geometry"
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
	Kernel   int // rows and columns
	Stride   int // default 1
	Pad      int // rows and columns of zeros on every side
	// Window, if it has a kernel, stands for the three above: height and width
	// apart, with a dilation.
	Window geometry.Window
	Same   bool // padded as TensorFlow's "SAME", instead of Pad
	// Groups splits the channels; Depthwise makes each channel a group.
	Groups     int
	Depthwise  bool
	NoNorm     bool // a bias instead
	Activation graph.Activation
}

func (c Conv2D) trace(t *tracer, x *Tensor) *Tensor {
	u := &Unit{Name: t.name(c.Name, "conv"), Kind: Convolution, Channels: c.Channels, Activation: c.Activation, norm: !c.NoNorm, bias: c.NoNorm}
	u.Window = window(c.Window, c.Kernel, c.Stride, c.Pad, c.Same, x)
	u.Window.Groups = max(1, c.Groups, c.Window.Groups)
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

// window returns the given window, or else the square one, with a stride of at least
// 1, padded for x if that is to be.
func window(w geometry.Window, kernel, stride, pad int, same bool, x *Tensor) geometry.Window {
	if w.Kernel == [2]int{} {
		w = geometry.Window{Kernel: [2]int{kernel, kernel}, Stride: [2]int{stride, stride}, Pad: geometry.All(pad)}
	}
	for axis, s := range w.Stride {
		w.Stride[axis] = max(1, s)
	}
	if same {
		w = w.SamePad(x.Height, x.Width)
	}
	return w
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
	u.Window = geometry.Valid(1, 1)
	u.Window.Groups = 1
	if l.Channels < 1 {
		t.errorf("layers: %s: %d output channels", u.Name, l.Channels)
	}
	return t.add(u, x, 1, 1, l.Channels)
}

// MaxPool is the maximum over windows.
type MaxPool struct {
	Name   string
	Size   int // rows and columns
	Stride int // default Size
	Pad    int // on every side; padding is never the maximum
	// Window, if it has a kernel, stands for the three above: height and width
	// apart.
	Window geometry.Window
	Same   bool // padded as TensorFlow's "SAME", instead of Pad
}

func (p MaxPool) trace(t *tracer, x *Tensor) *Tensor {
	u := &Unit{Name: t.name(p.Name, "maxpool"), Kind: Maximum}
	u.Window = poolWindow(p.Window, p.Size, p.Stride, p.Pad, p.Same, x)
	return tracePool(t, u, x)
}

// AvgPool is the mean over windows.
type AvgPool struct {
	Name   string
	Size   int // rows and columns
	Stride int // default Size
	Pad    int // on every side
	// Window, if it has a kernel, stands for the three above: height and width
	// apart.
	Window geometry.Window
	Same   bool // padded as TensorFlow's "SAME", instead of Pad
	// CountPad has the padding count, as zeros; else it is left out of the means.
	CountPad bool
}

func (p AvgPool) trace(t *tracer, x *Tensor) *Tensor {
	u := &Unit{Name: t.name(p.Name, "avgpool"), Kind: Average, CountPad: p.CountPad}
	u.Window = poolWindow(p.Window, p.Size, p.Stride, p.Pad, p.Same, x)
	return tracePool(t, u, x)
}

// poolWindow is window, with the stride of the kernel where there is none.
func poolWindow(w geometry.Window, size, stride, pad int, same bool, x *Tensor) geometry.Window {
	if w.Stride == [2]int{} {
		w.Stride = w.Kernel
	}
	return window(w, size, cmp.Or(stride, size), pad, same, x)
}

func tracePool(t *tracer, u *Unit, x *Tensor) *Tensor {
	h, w := u.Window.Output(x.Height, x.Width)
	return t.add(u, x, h, w, x.Channels)
}

// GlobalAvgPool is the mean over the whole image.
type GlobalAvgPool struct{ Name string }

func (p GlobalAvgPool) trace(t *tracer, x *Tensor) *Tensor {
	return tracePool(t, &Unit{Name: t.name(p.Name, "globalavgpool"), Kind: Average, Window: geometry.Whole(x.Height, x.Width)}, x)
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
		w := geometry.Valid(1, 1)
		w.Stride = [2]int{strideTo(x.Height, y.Height), strideTo(x.Width, y.Width)}
		m = Conv2D{Name: "shortcut", Channels: y.Channels, Window: w}
	}
	body := append([]*Unit(nil), t.units[at:]...)
	t.units = t.units[:at]
	skip := m.trace(t, x)
	t.units = append(t.units, body...)
	return skip
}

// strideTo returns the stride with which a window of one pixel makes so many
// outputs of a size, if there is one.
func strideTo(size, outputs int) int { return max(1, (size+outputs-1)/max(1, outputs)) }

func (t *Tensor) shape() string { return fmt.Sprintf("%d×%d×%d", t.Height, t.Width, t.Channels) }
