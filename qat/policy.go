// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"fmt"
	"path"
)

// FirstLast says how the first and the last weighted layer are quantized: they
// are the most sensitive ones, and cost little.
type FirstLast string

// The ways to treat the first and the last layer.
const (
	FirstLast8     FirstLast = "8"     // method int, 8 bits, per channel
	FirstLastSame  FirstLast = "same"  // like all others
	FirstLastFloat FirstLast = "float" // not at all: for training and evaluation only
)

// A Policy chooses method and bits for every weighted layer.
type Policy struct {
	Method                     string
	WeightBits, ActivationBits int
	FirstLast                  FirstLast
	// PerTensor and MinMax are passed on to Options.
	PerTensor, MinMax bool
	// Rules are exceptions by name; the first that matches a layer counts, even
	// for the first and the last.
	Rules []Rule
}

// A Rule changes what a Policy says of the layers whose names match a pattern
// of path.Match ("conv*", "block?.conv1"). What is left zero stays.
type Rule struct {
	Match                      string
	Method                     string
	WeightBits, ActivationBits int
}

// A Layer is what a Policy says of one weighted layer. ActivationBits and
// Method ask for the layer's input.
type Layer struct {
	Method                     *Method
	WeightBits, ActivationBits int
	// Float leaves the layer and its input unquantized.
	Float bool
}

// Layer returns how the weighted layer of a name is quantized.
func (p *Policy) Layer(name string, first, last bool) (Layer, error) {
	method, l := p.Method, Layer{WeightBits: p.WeightBits, ActivationBits: p.ActivationBits}
	if first || last {
		switch p.FirstLast {
		case FirstLast8, "":
			method, l.WeightBits, l.ActivationBits = affine.Name, 8, 8
		case FirstLastFloat:
			l.Float = true
		case FirstLastSame:
		default:
			return Layer{}, fmt.Errorf("qat: first_last is %q, want 8, same or float", p.FirstLast)
		}
	}
	for _, r := range p.Rules {
		ok, err := path.Match(r.Match, name)
		if err != nil {
			return Layer{}, fmt.Errorf("qat: the layer pattern %q is malformed", r.Match)
		}
		if !ok {
			continue
		}
		l.Float = false
		if r.Method != "" {
			method = r.Method
		}
		if r.WeightBits != 0 {
			l.WeightBits = r.WeightBits
		}
		if r.ActivationBits != 0 {
			l.ActivationBits = r.ActivationBits
		}
		break
	}
	var err error
	if l.Method, err = Lookup(method); err != nil {
		return Layer{}, err
	}
	if err := l.Method.check(l.WeightBits, l.ActivationBits); err != nil {
		return Layer{}, fmt.Errorf("%w (layer %s)", err, name)
	}
	return l, nil
}

// Tensor returns what a tensor gets that no weighted layer reads directly: the
// network's method and bits.
func (p *Policy) Tensor() (Layer, error) {
	return (&Policy{Method: p.Method, WeightBits: p.WeightBits, ActivationBits: p.ActivationBits, FirstLast: FirstLastSame}).Layer("", false, false)
}
