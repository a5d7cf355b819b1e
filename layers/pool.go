// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"cmp"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
)

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

// Trace implements [Module].
func (p MaxPool) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	o := network.Operator{Name: t.Name(p.Name, "maxpool"), Kind: network.Maximum}
	o.Window = poolWindow(p.Window, p.Size, p.Stride, p.Pad, p.Same, x)
	return tracePool(t, o, x)
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

// Trace implements [Module].
func (p AvgPool) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	o := network.Operator{Name: t.Name(p.Name, "avgpool"), Kind: network.Average, CountPad: p.CountPad}
	o.Window = poolWindow(p.Window, p.Size, p.Stride, p.Pad, p.Same, x)
	return tracePool(t, o, x)
}

// GlobalAvgPool is the mean over the whole image.
type GlobalAvgPool struct{ Name string }

// Trace implements [Module].
func (p GlobalAvgPool) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	return tracePool(t, network.Operator{Name: t.Name(p.Name, "globalavgpool"), Kind: network.Average, Window: geometry.Whole(x.Height, x.Width)}, x)
}

// poolWindow is window, with the stride of the kernel where there is none.
func poolWindow(w geometry.Window, size, stride, pad int, same bool, x *network.Tensor) geometry.Window {
	if w.Stride == [2]int{} {
		w.Stride = w.Kernel
	}
	return window(w, size, cmp.Or(stride, size), pad, same, x)
}

func tracePool(t *Tracer, o network.Operator, x *network.Tensor) *network.Tensor {
	h, w := o.Window.Output(x.Height, x.Width)
	return t.Add(o, h, w, x.Channels, x)
}

func emitMaximum(n *Network, u *Unit) *graph.Node {
	if _, ok := u.Input().Signs(); ok {
		return n.Graph.MaxPoolSigns(u.Name, u.Input().node, u.Window)
	}
	return n.Graph.MaxPool(u.Name, u.Input().node, u.Window)
}

func emitAverage(n *Network, u *Unit) *graph.Node {
	return n.Graph.AvgPool(u.Name+".sum", u.Input().node, u.Window, u.CountPad)
}
