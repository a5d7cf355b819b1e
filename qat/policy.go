// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"cmp"
	"errors"
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
	Method                     Method
	Weights                    Method // of the weights; nil means Method
	WeightBits, ActivationBits int    // FloatBits leaves them in floating point, in all layers
	FirstLast                  FirstLast
	// PerTensor, MinMax and PowerOfTwo are passed on to Options.
	PerTensor, MinMax, PowerOfTwo bool
	// EWGS scales the gradients that pass straight through roundings, by δ of ste.EWGS; 0 leaves them.
	EWGS float64
	// Dampen is λ of Oscillations.Dampen at the end of the training, and FreezeOscillating the final threshold of
	// Oscillations.Freeze, of all weights of at most OscillatingBits; 0 for neither.
	Dampen, FreezeOscillating float64
	// Residuals is the width of the tensors that additions and averages read; empty means
	// Narrow.
	Residuals Residuals
	// InputScaling multiplies the results of layers that read signs by the
	// magnitudes of what the signs are of: in training alone, there are no
	// integers for it.
	InputScaling bool
	// WholeBiases are a whole number of units of the accumulator in every layer, see
	// quant.Bias: of what is exported, and what its integers are compared with.
	WholeBiases bool
	// Online takes the ranges of activations from each image instead of those observed
	// in training, wherever there is such a form: not of the image itself, nor of tensors
	// that a concatenation joins, a table takes to others, a product multiplies or signs
	// are taken of.
	Online bool
	// Rules are exceptions by name; the first that matches a layer counts, even
	// for the first and the last.
	Rules []Rule
	// GradientBits quantizes the gradients of all layers but the first and the
	// last at random (see ste.Gradient); FloatBits or 0 does not.
	GradientBits int
	// Stages are trained first; the other fields hold after them.
	Stages []Stage
}

// A Rule changes what a Policy says of the layers whose names match a pattern
// of path.Match ("conv*", "block?.conv1"). What is left zero stays.
type Rule struct {
	Match                      string
	Method                     Method // of the weights too, if Weights is nil
	Weights                    Method
	WeightBits, ActivationBits int
	Online                     *bool // as Policy.Online, of the layer's input
}

// A Layer is what a Policy says of one weighted layer. ActivationBits and Input ask
// for what the layer reads.
type Layer struct {
	Input                      Method // of the layer's input
	Weights                    Method
	WeightBits, ActivationBits int
	// Online asks for an input whose range is taken from each image.
	Online bool
	// Float leaves the layer and its input unquantized.
	Float bool
}

// FloatWeights says that the layer's weights are not quantized.
func (l Layer) FloatWeights() bool { return l.Float || l.WeightBits == FloatBits }

// Signs says that the layer reads signs.
func (l Layer) Signs() bool { return !l.FloatInput() && l.Input.Info().Signs }

// FloatInput says that the layer asks for no quantization of its input.
func (l Layer) FloatInput() bool { return l.Float || l.ActivationBits == FloatBits }

// A Position is whether a weighted layer is the first of a network, or the last.
type Position struct{ First, Last bool }

// inner asks whether other layers are before and behind.
func (at Position) inner() bool { return !at.First && !at.Last }

// Layer returns how the weighted layer of a name is quantized.
func (p *Policy) Layer(name string, at Position) (Layer, error) {
	method, weights := p.Method, p.Weights
	l := Layer{WeightBits: p.WeightBits, ActivationBits: p.ActivationBits, Online: p.Online}
	if !at.inner() {
		switch p.FirstLast {
		case FirstLast8, "":
			method, weights = Int{}, nil
			l.WeightBits, l.ActivationBits = eight(l.WeightBits), eight(l.ActivationBits)
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
		if ok {
			l.Float = false
			method, weights = r.methods(method, weights)
			l.WeightBits, l.ActivationBits = cmp.Or(r.WeightBits, l.WeightBits), cmp.Or(r.ActivationBits, l.ActivationBits)
			if r.Online != nil {
				l.Online = *r.Online
			}
			break
		}
	}
	if err := p.set(&l, method, weights); err != nil {
		return Layer{}, fmt.Errorf("%w (layer %s)", err, name)
	}
	return l, nil
}

// eight returns 8 bits, or FloatBits where a layer is not to be quantized.
func eight(bits int) int {
	if bits == FloatBits {
		return FloatBits
	}
	return 8
}

// methods returns the methods of a layer with the rule; it is given the methods without.
func (r *Rule) methods(method, weights Method) (Method, Method) {
	if r.Method != nil {
		method, weights = r.Method, nil
	}
	if r.Weights != nil {
		weights = r.Weights
	}
	return method, weights
}

// set sets the methods of a layer and checks that they can do what is asked. If the
// method of the weights is nil, it is the method of the activations.
func (p *Policy) set(l *Layer, method, weights Method) error {
	if weights == nil {
		weights = method
	}
	if method == nil {
		return errors.New("qat: the policy has no method")
	}
	l.Input, l.Weights = method, weights
	for _, m := range []Method{l.Weights, l.Input} {
		if info := m.Info(); p.PowerOfTwo && !info.PowersOfTwo {
			return fmt.Errorf("qat: method %s has no power-of-two scales", info.Name)
		}
	}
	if err := p.scalesGradients(l); err != nil {
		return err
	}
	if info := l.Weights.Info(); p.Steadies(*l) && !info.Steady {
		return fmt.Errorf("qat: method %s has no weights that could be kept from oscillating (dampen, freeze_oscillating)", info.Name)
	}
	if l.Online && !l.FloatInput() {
		switch info := method.Info(); {
		case !info.Online:
			return fmt.Errorf("qat: method %s has no online ranges; choose int for the activations, or offline ranges", info.Name)
		case p.PowerOfTwo:
			return errors.New("qat: online ranges are no powers of two; choose offline ranges, or scales of any size")
		case p.WholeBiases:
			return errors.New("qat: online ranges leave no whole biases of the accumulator; choose offline ranges, or free biases")
		}
	}
	return l.check()
}

// Steadies says that the weights of a layer are to be kept from oscillating.
func (p *Policy) Steadies(l Layer) bool {
	return (p.Dampen > 0 || p.FreezeOscillating > 0) && !l.FloatWeights() && l.WeightBits <= OscillatingBits
}

// scalesGradients says why the gradients of a layer's roundings cannot be scaled, nil if they are not to be.
func (p *Policy) scalesGradients(l *Layer) error {
	if p.EWGS == 0 {
		return nil
	}
	weights, input := l.Weights.Info(), l.Input.Info()
	switch {
	case !l.FloatWeights() && !weights.EWGS:
		return fmt.Errorf("qat: method %s has no rounding of weights whose gradient could be scaled (ewgs)", weights.Name)
	case l.WeightBits == 1:
		return errors.New("qat: weights of one bit are not rounded, so that there is no gradient to scale (ewgs)")
	case !l.FloatInput() && !input.EWGS:
		return fmt.Errorf("qat: method %s has no rounding of activations whose gradient could be scaled (ewgs)", input.Name)
	case l.Online && !l.FloatInput():
		return errors.New("qat: the gradients of online ranges cannot be scaled (ewgs); choose offline ranges")
	}
	return nil
}

// check says whether the methods have the layer's bits.
func (l *Layer) check() error {
	weights, input := l.Weights.Info(), l.Input.Info()
	if err := weights.check("weights", weights.WeightBits, l.WeightBits); err != nil {
		return err
	}
	return input.check("activations", input.ActivationBits, l.ActivationBits)
}

// Tensor returns what a tensor gets that no weighted layer reads directly: the
// network's method and bits, or 8 bits where these are signs.
func (p *Policy) Tensor() (Layer, error) {
	l := Layer{WeightBits: FloatBits, ActivationBits: p.ActivationBits, Online: p.Online}
	if err := p.set(&l, p.Method, p.Method); err != nil || !l.Signs() {
		return l, err
	}
	return Eight(), nil
}

// Eight is the layer that asks for 8 bits of the method "int".
func Eight() Layer {
	return Layer{Input: Int{}, Weights: Int{}, WeightBits: 8, ActivationBits: 8}
}
