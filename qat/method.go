// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// A Method is a way to quantize: a value that carries its own settings, as TTQ{
// Threshold: 0.1}. A program can have methods of its own; the methods of this package are
// known by name as well.
type Method interface {
	// Info says what the method is and can do.
	Info() Info
	// Weights returns a quantizer for the weights name of the given shape,
	// [channels, …], and adds what it learns to the graph.
	Weights(g *graph.Graph, name string, o Options, shape []int) Weights
	// Activation returns a quantizer for the tensor name, and adds what it learns to
	// the graph. It implements Signs if the method's activations are signs.
	Activation(g *graph.Graph, name string, o Options) Activation
}

// Info describes a method.
type Info struct {
	Name  string
	For   string // what it is for, in a line
	Paper string
	// WeightBits and ActivationBits are the widths it is defined for.
	WeightBits, ActivationBits []int
	// Usual are the bits where nothing else is said.
	Usual Widths
	// Integers says that the trained network exports to the integer runtime.
	Integers bool
	// Signs says that its activations are signs; see Signs.
	Signs bool
	// PowersOfTwo says that its scales can be restricted to powers of two.
	PowersOfTwo bool
	// Online says that its activations can take their range from each image.
	Online bool
	// EWGS says that the gradients which pass straight through its roundings can be scaled; see
	// ste.EWGS. Weights of one bit are not rounded.
	EWGS bool
	// Steady says that its weights are rounded to multiples of a scale, so that they can be kept from
	// oscillating; see Oscillations.
	Steady bool
	// Coding is the coding of weights of more than one bit.
	Coding quant.Coding
}

// Accumulators returns how many sums an output has for each of its inputs' signs, with
// weights of so many bits.
func (i *Info) Accumulators(bits int) int {
	switch i.Coding {
	case quant.Split:
		return 2
	case quant.Planes:
		return bits
	}
	return 1
}

// Widths are the bits of weights and of activations.
type Widths struct{ WeightBits, ActivationBits int }

// Options are what a Method needs to know of one tensor.
type Options struct {
	Bits int
	// Signed is set for activations that are not rectified.
	Signed bool
	// Size is the number of values of an activation, for one image.
	Size int
	// PerTensor gives weights one scale instead of one a channel.
	PerTensor bool
	// Norm says that batch normalization follows the weights' layer.
	Norm bool
	// PowerOfTwo restricts scales to powers of two.
	PowerOfTwo bool
	// Online takes the range of an activation from each image.
	Online bool
	// EWGS is δ of ste.EWGS, by which gradients are scaled; 0 leaves them.
	EWGS float64
	// MinMax makes observers keep the extremes instead of a moving average.
	MinMax bool
}

// ewgs returns the scaling of gradients.
func (o Options) ewgs() ste.EWGS { return ste.EWGS{Delta: float32(o.EWGS)} }

// scales returns the number of scales of weights of a shape.
func (o Options) scales(shape []int) int {
	if o.PerTensor {
		return 1
	}
	return shape[0]
}

// count returns the number of values of a shape.
func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Weights quantizes the shadow weights of one layer.
type Weights interface {
	ste.WeightQuantizer
	Bits() int
	// Coding says what the integers are.
	Coding() quant.Coding
	// Start sets what is learned or kept from the shadow weights w; it is called
	// when quantization starts.
	Start(w []float32)
	// State is what a checkpoint keeps beside Params.
	State() []graph.State
	// Constrain brings learned parameters, and shadow weights where the method
	// limits them, back to their domain after a step of the optimizer.
	Constrain(w []float32)
}

// measured is embedded by Weights that learn and keep nothing: each run
// measures the weights anew.
type measured struct{}

func (measured) Params() []*graph.Param { return nil }
func (measured) Coding() quant.Coding   { return quant.Narrow }
func (measured) Start([]float32)        {}
func (measured) State() []graph.State   { return nil }
func (measured) Constrain([]float32)    {}

// Scaled Weights have scales that may be given to them.
type Scaled interface {
	Weights
	// Scales are the scales in use, one for each channel or one for all, to read and
	// to write.
	Scales() []float32
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

// A Restarter is an Activation that follows what it observes, and forgets it when
// quantization starts.
type Restarter interface{ Restart() }

// A Ranged Activation has scales that follow a range of real numbers, which may be
// given to it.
type Ranged interface {
	Activation
	// SetRange sets what is learned or followed so that the codes cover [lo, hi],
	// lo ≤ 0 ≤ hi, as nearly as the method's codes allow.
	SetRange(lo, hi float32)
	// Symmetric says that the codes lie evenly about 0, whatever the range.
	Symmetric() bool
}

// A Fitter is Weights that may improve on what Start has set, by a search that is worth its time when
// training starts and not whenever a network is built.
type Fitter interface {
	Weights
	Fit(w []float32)
}

// A Fitted Activation starts, if it says so, from the range that the calibrator "mse" finds, where
// Observe knows a few statistics alone: a calibration finds it for the grid and gives it to
// SetRange.
type Fitted interface {
	Ranged
	Fit() (grid calibrate.Grid, ok bool)
}

// Quantization is how a tensor is rounded: its codes are Lo to Hi.
type Quantization struct {
	quant.Params
	Lo, Hi int32
}

// stepsOf returns the steps of which quantized values are whole numbers.
func stepsOf(q Quantization) graph.Steps {
	return graph.Steps{Step: q.Scale, Least: q.Lo - q.ZeroPoint, Most: q.Hi - q.ZeroPoint, Nearest: true}
}

// registry lists every method by what makes it of a recipe's settings, in the order
// of `qat methods`.
var registry = []func(settings.All) Method{
	func(s settings.All) Method { return Int(s.Int) },
	func(settings.All) Method { return PACT{} },
	func(settings.All) Method { return DoReFa{} },
	func(settings.All) Method { return WRPN{} },
	func(s settings.All) Method { return LSQ(s.LSQ) },
	func(settings.All) Method { return LSQPlus{} },
	func(s settings.All) Method { return HGQ(s.HGQ) },
	func(settings.All) Method { return BinaryConnect{} },
	func(settings.All) Method { return BNN{} },
	func(settings.All) Method { return XNOR{} },
	func(settings.All) Method { return ABC{} },
	func(settings.All) Method { return TWN{} },
	func(s settings.All) Method { return TTQ(s.TTQ) },
	func(s settings.All) Method { return INQ(s.INQ) },
}

// Methods returns all methods of this package, with their usual settings.
func Methods() []Method {
	list := make([]Method, len(registry))
	for i, of := range registry {
		list[i] = of(settings.Default())
	}
	return list
}

// Names returns the names of the methods, in the order of Methods.
func Names() []string {
	var names []string
	for _, m := range Methods() {
		names = append(names, m.Info().Name)
	}
	return names
}

// Lookup returns the method of a name, with its usual settings; a name that is none of Names is an error.
func Lookup(name string) (Method, error) { return New(name, settings.Default()) }

// New returns the method of a name, with its part of the settings; a name that is none of Names is an error.
func New(name string, s settings.All) (Method, error) {
	for _, of := range registry {
		if m := of(s); m.Info().Name == name {
			return m, nil
		}
	}
	return nil, fmt.Errorf("qat: there is no method %q; choose one of %s", name, strings.Join(Names(), ", "))
}

// FloatBits is the width that stands for floating point: weights or activations
// of so many bits are not quantized.
const FloatBits = 32

// check says whether a method is defined for a width.
func (i *Info) check(what string, widths []int, bits int) error {
	if bits != FloatBits && !slices.Contains(widths, bits) {
		return fmt.Errorf("qat: method %s has no %d-bit %s, only %s", i.Name, bits, what, strings.Join(strings.Fields(strings.Trim(fmt.Sprint(widths), "[]")), ", "))
	}
	return nil
}
