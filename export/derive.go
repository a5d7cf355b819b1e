// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
)

// A Plan is a network in integers: what Derive finds for each of its units.
type Plan struct {
	Network *layers.Network
	Units   []Unit // of the units that remain outside training, in their order
	// LogitScale is the real value of one step of the logits.
	LogitScale float32
}

// A Unit is a unit of the network with its integers.
type Unit struct {
	*layers.Unit
	// Weights are the integer weights; nil for a unit without weights.
	Weights *qmodel.Weights
	// Requantizer is nil for units that keep the codes of their input, for
	// accumulators that an addition reads and for a unit with a Table.
	Requantizer *fixed.Requantizer
	// Thresholds take the place of Requantizer where the result are signs.
	Thresholds *fixed.Thresholds
	// Table has the code for each code of the image; nil for other units.
	Table []uint8

	scale [][]float32 // of each set of weights with the batch normalization folded in, by channel
	bias  []float64   // of the same
}

// Derive computes the integer weights, multipliers and biases of a network from
// its parameters, running statistics and ranges, as they are (contract,
// Numerics 2, 3 and 5). Export writes them; Verify computes them anew.
func Derive(n *layers.Network) (*Plan, error) {
	if err := refused(n); err != nil {
		return nil, err
	}
	p := &Plan{Network: n}
	of := map[*layers.Unit]*Unit{}
	for _, lu := range n.Units {
		if lu.Kind.TrainingOnly() {
			continue
		}
		u := &Unit{Unit: lu}
		if err := p.derive(u, of); err != nil {
			return nil, fmt.Errorf("export: layer %s: %w", lu.Name, err)
		}
		of[lu] = u
		p.Units = append(p.Units, *u)
	}
	return p, nil
}

// Check says why the network cannot be exported, before any training: it exports
// the network as it stands, and keeps nothing. What remains for the end are
// numbers that training may yet make: accumulators or sums beyond their bounds.
func Check(n *layers.Network) error {
	p, err := Derive(n)
	if err != nil {
		return err
	}
	_, err = p.Lower(About{})
	return err
}

// refused says what of a network has no integer form.
func refused(n *layers.Network) error {
	if n.InStage() {
		return fmt.Errorf("export: the network is in an early stage of its training, without the bits it gets for good; train it to the end")
	}
	for _, u := range n.Units {
		switch {
		case u.Kind == network.Average && u.Window.Padded():
			return fmt.Errorf("export: the average pooling %s is padded, for which there is no integer operator", u.Name)
		case !u.Kind.Weighted():
		case u.Window.Dilated() != [2]int{1, 1}:
			return fmt.Errorf("export: layer %s is dilated, for which there is no integer operator", u.Name)
		case u.Assigned.Float:
			return fmt.Errorf("export: layer %s stays in floating point (first_last: float), so the network cannot run on integers; choose 8 or same", u.Name)
		case u.Assigned.FloatWeights():
			return fmt.Errorf("export: the weights of layer %s stay in floating point (weight_bits: %d), so the network cannot run on integers; choose 1 to 8 bits", u.Name, qat.FloatBits)
		case u.Assigned.FloatInput():
			return fmt.Errorf("export: the input of layer %s stays in floating point (activation_bits: %d), so the network cannot run on integers; choose 1 to 8 bits", u.Name, qat.FloatBits)
		case n.Policy.InputScaling && u.Assigned.Signs():
			return fmt.Errorf("export: layer %s scales its results by the magnitudes of its input (input_scaling: true), which has no integer form; leave it out", u.Name)
		case !u.Assigned.Weights.Info().Integers:
			return fmt.Errorf("export: layer %s uses the method %s, which has no integer form", u.Name, u.Assigned.Weights.Info().Name)
		case !u.Assigned.Input.Info().Integers:
			return fmt.Errorf("export: the input of layer %s uses the method %s, which has no integer form", u.Name, u.Assigned.Input.Info().Name)
		}
	}
	tensors := []qmodel.Tensor{shaped(n.Image)}
	for _, u := range n.Units {
		if !u.Kind.TrainingOnly() {
			tensors = append(tensors, shaped(u.Output))
		}
	}
	if err := qmodel.CheckShapes(tensors); err != nil {
		return fmt.Errorf("export: %w; make data.height and data.width smaller, or pool more", err)
	}
	return nil
}

// Quantization returns the bits, scale, zero point and codes of a tensor.
func (p *Plan) Quantization(t *layers.Tensor) (bits int, q qat.Quantization, err error) {
	o := t.Origin()
	switch {
	case o.Source == nil:
		return qat.ImageBits, qat.Quantization{Params: p.Network.Input.Params, Hi: 255}, nil
	case o.Quantizer == nil:
		return 0, q, fmt.Errorf("its input %s is not quantized", t.Name)
	default:
		return o.Quantizer.Bits(), o.Quantizer.Quantization(), nil
	}
}

// span returns the range of q − zero point over all codes of the tensor's bits.
func span(bits int, q qat.Quantization) (lo, hi int32) {
	return -q.ZeroPoint, quant.Activation(bits).Max() - q.ZeroPoint
}

func (p *Plan) derive(u *Unit, of map[*layers.Unit]*Unit) error {
	switch u.Kind {
	case network.Maximum, network.Reshape:
		return nil
	case network.Lookup:
		u.tabulate(p.Network.Input.Params)
		return nil
	case network.Convolution, network.FullyConnected:
		if err := p.fold(u); err != nil {
			return err
		}
		if u.Output.Sums {
			return nil
		}
	}
	if u.Output == p.Network.Logits {
		return p.deriveLogits(u, of)
	}
	out, err := p.output(u)
	if err != nil {
		return err
	}
	terms, err := p.terms(u, of, out.Scale)
	if err != nil {
		return err
	}
	bias, accScale := u.bias, []float32(nil)
	for _, in := range u.Inputs[1:] {
		if in.Sums {
			bias = sum(bias, of[in.Source].bias)
		}
	}
	if u.Kind.Weighted() && len(u.Inputs) == 1 && len(terms) == 1 {
		scales, err := p.accumulatorScales(u)
		if err != nil {
			return err
		}
		accScale = scales[0]
	}
	if signs, ok := u.Output.Quantizer.(qat.Signs); ok {
		t, err := quant.DeriveThresholds(u.Output.Channels, terms, bias, signs.Levels())
		u.Thresholds = &t
		return err
	}
	r, err := quant.Derive(u.Output.Channels, terms, bias, accScale, out.Params, out.Lo, out.Hi)
	u.Requantizer = &r
	return err
}

// deriveLogits finds the requantizer of the network's last unit, and the scale of
// the logits.
func (p *Plan) deriveLogits(u *Unit, of map[*layers.Unit]*Unit) error {
	scales, err := p.accumulatorScales(u)
	if err != nil {
		return err
	}
	var accumulator []float32
	if len(scales) == 1 {
		accumulator = scales[0]
	}
	terms := func(scale float32) ([]quant.Term, error) { return p.terms(u, of, scale) }
	r, scale, err := quant.DeriveLogits(u.Channels, terms, u.bias, slices.Concat(scales...), accumulator)
	u.Requantizer, p.LogitScale = &r, scale
	return err
}

// tabulate finds the code for each code of an image.
func (u *Unit) tabulate(image quant.Params) {
	q, f := u.Output.Quantizer.Quantization(), quant.Activation(u.Output.Quantizer.Bits())
	u.Table = make([]uint8, quant.Activation(qat.ImageBits).Max()+1)
	for code := range u.Table {
		u.Table[code] = uint8(f.Quantize(image.Real(int32(code)), q.Scale, q.ZeroPoint))
	}
}

// fold quantizes the weights and folds the batch normalization into their
// scale: fl32(s·γ/σ), with its sign, and the bias β − γ·mean/σ.
func (p *Plan) fold(u *Unit) error {
	if u.Quantizer == nil {
		return fmt.Errorf("it stays in floating point")
	}
	integers := make([]int16, len(u.Weight.Value))
	scale := u.Quantizer.Integers(integers, u.Weight.Value)
	var err error
	if u.Weights, err = encode(u.Unit, integers); err != nil {
		return err
	}
	u.scale, u.bias = make([][]float32, u.Weights.Sets()), make([]float64, u.Channels)
	each := len(scale) / len(u.scale) // one for each channel, or one for all
	for k := range u.scale {
		u.scale[k] = make([]float32, u.Channels)
	}
	for c := range u.Channels {
		gain := 1.0
		if u.Bias != nil {
			u.bias[c] = float64(u.Bias.Value[c])
		}
		if n := u.Norm; n != nil {
			gain = n.Gain(c)
			u.bias[c] = float64(n.Beta.Value[c]) - float64(gain*float64(n.Mean[c]))
		}
		for k := range u.scale {
			u.scale[k][c] = float32(float64(scale[k*each+c%each]) * gain)
		}
	}
	return nil
}

// inputScales returns the real value of one step of the unit's input: of its
// codes, or of each of its signs.
func (p *Plan) inputScales(u *Unit) ([]float32, error) {
	if signs, ok := u.Input().Signs(); ok {
		return signs.Scales(), nil
	}
	_, x, err := p.Quantization(u.Input())
	return []float32{x.Scale}, err
}

// accumulatorScales returns the real value of one step of each of the unit's
// accumulators, by channel.
func (p *Plan) accumulatorScales(u *Unit) ([][]float32, error) {
	inputs, err := p.inputScales(u)
	var scales [][]float32
	for _, weights := range u.scale {
		for _, x := range inputs {
			scale := make([]float32, u.Channels)
			for c := range scale {
				scale[c] = x * weights[c]
			}
			scales = append(scales, scale)
		}
	}
	return scales, err
}

// output returns the quantization of the unit's result, with the activation in
// the range of its codes.
func (p *Plan) output(u *Unit) (qat.Quantization, error) {
	if u.Output.Quantizer == nil {
		return qat.Quantization{}, fmt.Errorf("its result is not quantized")
	}
	q, f := u.Output.Quantizer.Quantization(), quant.Activation(u.Output.Quantizer.Bits())
	if p.Network.Assignment.Replaced[u.Output.Name] {
		return q, nil
	}
	switch u.Activation {
	case graph.ReLU:
		q.Lo = max(q.Lo, q.ZeroPoint)
	case graph.ReLU6:
		q.Lo = max(q.Lo, q.ZeroPoint)
		q.Hi = min(q.Hi, f.Quantize(6, q.Scale, q.ZeroPoint))
	}
	return q, nil
}

// terms returns the summands of the unit's result.
func (p *Plan) terms(u *Unit, of map[*layers.Unit]*Unit, outScale float32) (terms []quant.Term, err error) {
	if u.Kind.Weighted() {
		terms, err = p.accumulators(u, outScale)
	} else {
		var own quant.Term
		if u.Kind == network.Average {
			own, err = p.average(u, outScale)
		} else {
			own, err = p.codes(u.Input(), outScale)
		}
		terms = []quant.Term{own}
	}
	for _, in := range u.Inputs[1:] {
		if err != nil {
			return nil, err
		}
		var more []quant.Term
		if in.Sums {
			more, err = p.accumulators(of[in.Source], outScale)
		} else {
			more = make([]quant.Term, 1)
			more[0], err = p.codes(in, outScale)
		}
		terms = append(terms, more...)
	}
	return terms, err
}

// accumulators are the terms of a weighted unit: for each set of its weights, one
// for each sign of its input.
func (p *Plan) accumulators(u *Unit, outScale float32) ([]quant.Term, error) {
	inputs, err := p.inputScales(u)
	if err != nil {
		return nil, err
	}
	x, err := p.tensor(u.Input())
	if err != nil {
		return nil, err
	}
	bounds := u.Weights.TermBounds(&x)
	var terms []quant.Term
	for _, weights := range u.scale {
		for _, scale := range inputs {
			t := quant.Term{M: make([]float32, u.Channels), MaxAbs: bounds[len(terms)]}
			for c := range t.M {
				t.M[c] = quant.Multiplier(scale, weights[c], outScale)
			}
			terms = append(terms, t)
		}
	}
	return terms, nil
}

// codes is the term q − zero point of a tensor that is added.
func (p *Plan) codes(t *layers.Tensor, outScale float32) (quant.Term, error) {
	bits, x, err := p.Quantization(t)
	lo, hi := span(bits, x)
	return quant.Term{M: []float32{quant.Multiplier(x.Scale, 1, outScale)}, MaxAbs: []int64{int64(max(-lo, hi))}}, err
}

// average is the term of an average pooling: the sum of q − zero point.
func (p *Plan) average(u *Unit, outScale float32) (quant.Term, error) {
	bits, x, err := p.Quantization(u.Input())
	lo, hi := span(bits, x)
	n := u.Window.Taps()
	return quant.Term{M: []float32{quant.AverageMultiplier(x.Scale, outScale, n)}, MaxAbs: []int64{int64(n) * int64(max(-lo, hi))}}, err
}

// sum adds y to a copy of x; either may be nil.
func sum(x, y []float64) []float64 {
	if x == nil {
		return y
	}
	z := append([]float64(nil), x...)
	for i, v := range y {
		z[i] += v
	}
	return z
}
