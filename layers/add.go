// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"slices"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/network"
)

// Add adds any number of tensors of one shape, and applies the activation.
type Add struct {
	Name       string // default: add1, add2, …
	Activation network.Activation
	Slope      float64 // of the activation; default network.Activation.Slope
}

// Trace implements [Module]: the sum of one tensor is itself, or its activation.
func (a Add) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	return a.Join(t, []*network.Tensor{x})
}

// Join implements [Joint].
func (a Add) Join(t *Tracer, inputs []*network.Tensor) *network.Tensor {
	return a.join(t, t.Name(a.Name, "add"), inputs)
}

func (a Add) join(t *Tracer, name string, inputs []*network.Tensor) *network.Tensor {
	x := inputs[0]
	for _, y := range inputs[1:] {
		if y.Height != x.Height || y.Width != x.Width || y.Channels != x.Channels {
			t.Errorf("layers: %s adds %s to %s", name, y.Shape(), x.Shape())
		}
	}
	return t.activated(network.Operator{Name: name, Kind: network.Addition}, a.Activation, a.Slope, x.Height, x.Width, x.Channels, inputs...)
}

// Residual adds its input to the result of Body and applies the activation (He
// et al. 2016). Without a Shortcut, the input goes through a 1×1 convolution
// with batch normalization where Body changes its shape.
type Residual struct {
	Name       string // default: block1, block2, …; prefixes the names within
	Body       Module
	Shortcut   Module // nil: the input itself, or the 1×1 convolution
	Activation network.Activation
	Slope      float64 // of the activation; default network.Activation.Slope
}

// Trace implements [Module].
func (r Residual) Trace(t *Tracer, x *network.Tensor) *network.Tensor {
	name := t.Name(r.Name, "block")
	defer t.Enter(name)()

	at := len(t.network.Operators)
	y := r.Body.Trace(t, x)
	skip := r.shortcut(t, at, x, y)
	if skip.Height != y.Height || skip.Width != y.Width || skip.Channels != y.Channels {
		t.Errorf("layers: %s: the shortcut gives %s, the body %s", name, skip.Shape(), y.Shape())
	}
	return Add{Activation: r.Activation, Slope: r.Slope}.join(t, t.scoped("add"), []*network.Tensor{y, skip})
}

// shortcut traces the path beside the body and puts its operators before the operators
// of the body, which begin at index at.
func (r Residual) shortcut(t *Tracer, at int, x, y *network.Tensor) *network.Tensor {
	m := r.Shortcut
	if m == nil {
		if y.Height == x.Height && y.Width == x.Width && y.Channels == x.Channels {
			return x
		}
		w := geometry.Valid(1, 1)
		w.Stride = [2]int{strideTo(x.Height, y.Height), strideTo(x.Width, y.Width)}
		m = Conv2D{Name: "shortcut", Channels: y.Channels, Window: w}
	}
	from := len(t.network.Operators)
	skip := m.Trace(t, x)
	all := t.network.Operators
	t.network.Operators = slices.Concat(all[:at], all[from:], all[at:from])
	return skip
}

// strideTo returns the stride with which a window of one pixel makes so many
// outputs of a size, if there is one.
func strideTo(size, outputs int) int { return max(1, (size+outputs-1)/max(1, outputs)) }
