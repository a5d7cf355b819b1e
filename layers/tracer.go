// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"

	"github.com/goqat/goqat/network"
)

// A Module is a layer, or a composition of layers, that a network is made of. A
// program can have modules of its own, made of the modules of this package.
type Module interface {
	// Trace adds the operators that the module is to the network of t and returns the
	// result. What cannot be traced it reports by t.Errorf, and returns any tensor.
	Trace(t *Tracer, x *network.Tensor) *network.Tensor
}

// A Joint is a Module that reads several tensors.
type Joint interface {
	Module
	// Join is Trace for any number of tensors.
	Join(t *Tracer, inputs []*network.Tensor) *network.Tensor
}

// A Tracer turns modules into a network.
type Tracer struct {
	network *network.Network
	prefix  string         // of the composition being traced
	counts  map[string]int // default names given, by prefix and kind
	names   map[string]bool
	err     error
}

// Trace returns the network that a module makes of images of the given shape, with its
// additions fused. Modules that do not fit each other, or the shape, are an error that names the layer.
func Trace(m Module, height, width, channels int) (*network.Network, error) {
	image := &network.Tensor{Name: "image", Height: height, Width: width, Channels: channels}
	if height < 1 || width < 1 || channels < 1 {
		return nil, fmt.Errorf("layers: the input is %s", image.Shape())
	}
	t := &Tracer{network: &network.Network{Image: image}, counts: map[string]int{}, names: map[string]bool{}}
	t.network.Logits = m.Trace(t, image)
	if t.err != nil {
		return nil, t.err
	}
	t.network.FuseAdditions()
	return t.network, nil
}

// Errorf reports what cannot be traced, if it is the first.
func (t *Tracer) Errorf(format string, args ...any) {
	if t.err == nil {
		t.err = fmt.Errorf(format, args...)
	}
}

// Name returns the full name of an operator or a composition: the given one, or the
// kind numbered, after the names of the compositions that it is in.
func (t *Tracer) Name(given, kind string) string {
	if given == "" {
		key := t.scoped(kind)
		t.counts[key]++
		given = fmt.Sprintf("%s%d", kind, t.counts[key])
	}
	full := t.scoped(given)
	if t.names[full] {
		t.Errorf("layers: the name %s is used twice", full)
	}
	t.names[full] = true
	return full
}

func (t *Tracer) scoped(name string) string {
	if t.prefix == "" {
		return name
	}
	return t.prefix + "." + name
}

// Enter has what is traced from now on named after a composition, whose full name is
// given; leave ends it.
func (t *Tracer) Enter(name string) (leave func()) {
	outer := t.prefix
	t.prefix = name
	return func() { t.prefix = outer }
}

// Add adds an operator that reads the given tensors and returns its result, of the
// given shape.
func (t *Tracer) Add(o network.Operator, height, width, channels int, inputs ...*network.Tensor) *network.Tensor {
	if height < 1 || width < 1 || channels < 1 {
		t.Errorf("layers: %s: a %v does not fit an input of %s", o.Name, o.Window, inputs[0].Shape())
		height, width, channels = max(1, height), max(1, width), max(1, channels)
	}
	return t.network.Append(o, height, width, channels, inputs...)
}
