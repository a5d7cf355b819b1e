// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// A Method is a way to quantize, known by one name.
type Method struct {
	Name  string
	Paper string
	// WeightBits and ActivationBits are the widths it is defined for.
	WeightBits, ActivationBits []int
	// Integers says that the trained network exports to the integer runtime.
	Integers bool

	weights     func(Options, []int) Weights
	activations func(*graph.Graph, string, Options) Activation
}

// Options are what a Method needs to know of one tensor.
type Options struct {
	Bits int
	// Signed is set for activations that are not rectified.
	Signed bool
	// PerTensor gives weights one scale instead of one a channel.
	PerTensor bool
	// MinMax makes observers keep the extremes instead of a moving average.
	MinMax bool
}

// Weights quantizes the shadow weights of one layer.
type Weights interface {
	ste.WeightQuantizer
	Bits() int
}

// Activation quantizes one tensor, and knows with which scale.
type Activation interface {
	graph.Quantizer
	Bits() int
	// Quantization returns scale, zero point and codes that the next run uses.
	Quantization() Quantization
	// State is what a checkpoint keeps beside Params: slices to read from and
	// to write into.
	State() []graph.State
	// Constrain brings learned parameters back to their domain after a step of
	// the optimizer.
	Constrain()
}

// Quantization is how a tensor is rounded: its codes are Lo to Hi.
type Quantization struct {
	quant.Params
	Lo, Hi int32
}

// Weights returns the quantizer of weights of the given shape, [channels, …].
func (m *Method) Weights(o Options, shape []int) Weights { return m.weights(o, shape) }

// Activation returns a quantizer for the tensor name, and adds what it learns
// to the graph.
func (m *Method) Activation(g *graph.Graph, name string, o Options) Activation {
	return m.activations(g, name, o)
}

// methods lists every method, in the order of `qat methods`.
var methods = []*Method{affine, pact}

// Methods returns all methods.
func Methods() []*Method { return slices.Clone(methods) }

// Lookup returns the method of a name.
func Lookup(name string) (*Method, error) {
	var names []string
	for _, m := range methods {
		if m.Name == name {
			return m, nil
		}
		names = append(names, m.Name)
	}
	return nil, fmt.Errorf("qat: there is no method %q; choose one of %s", name, strings.Join(names, ", "))
}

// check says whether the method is defined for the bits.
func (m *Method) check(weightBits, activationBits int) error {
	if !slices.Contains(m.WeightBits, weightBits) {
		return fmt.Errorf("qat: method %s has no %d-bit weights, only %v", m.Name, weightBits, m.WeightBits)
	}
	if !slices.Contains(m.ActivationBits, activationBits) {
		return fmt.Errorf("qat: method %s has no %d-bit activations, only %v", m.Name, activationBits, m.ActivationBits)
	}
	return nil
}
