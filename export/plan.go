// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
)

// A Plan is a network in integers: what Derive finds, once, for any writer.
type Plan struct {
	Network *layers.Network
	Image   *Tensor
	Units   []*Unit // those that remain outside training, in their order
	// LogitScale is the real value of one step of the logits.
	LogitScale float32

	tensors map[*layers.Tensor]*Tensor
	units   map[*layers.Unit]*Unit
}

// A Tensor is a tensor with the meaning of its integers.
type Tensor struct {
	*layers.Tensor
	Bits int // of its codes; 32 for sums and logits
	// Quantization is the scale, the zero point and the range of the codes; sums have
	// none, and of logits it is the scale alone.
	qat.Quantization
	// Signs is what each sign of a code stands for; nil for tensors that are no signs.
	Signs []float32
	// Zeros are the zero points of the image's channels where they differ, in the image
	// and in tensors that keep its codes: channel c has the zero point at c modulo their
	// number. Nil for other tensors.
	Zeros []int32
	// Steps is the tensor by whose steps the codes or sums of images differ: an online
	// range makes its codes, and the scale is that of its values. It is the tensor itself
	// or one whose codes it keeps or sums up; nil for one step for all images.
	Steps *Tensor
}

// A Unit is a unit of the network with its integers and the real numbers that they
// come from.
type Unit struct {
	*layers.Unit
	Inputs []*Tensor
	Output *Tensor

	// Weights are the integer weights; nil for a unit without weights.
	Weights *qmodel.Weights
	// Scale is the real value of one step of each set of the weights, with the batch
	// normalization folded in, by channel; Bias is what is added to the sums, by
	// channel, in real numbers. Both are nil for a unit without weights.
	Scale [][]float32
	Bias  []float64

	// Requantizer is nil for units that keep the codes of their input, for sums that
	// an addition reads and for a unit with a Table.
	Requantizer *fixed.Requantizer
	// Terms are the tensors by whose steps the terms of Requantizer differ, nil for one
	// step for all images.
	Terms []*Tensor
	// Thresholds take the place of Requantizer where the result is signs.
	Thresholds *fixed.Thresholds
	// Table has the code for each code of the input, or such a table for each channel, one
	// after the other; nil for other units.
	Table []uint8
	// Tables have the same for each input of a concatenation, nil where the input has
	// the codes of the result.
	Tables [][]uint8
}

// A lowering is how the operators of a kind become integers.
type lowering struct {
	// prepare finds what the unit has of its own before it is rounded; nil for nothing.
	prepare func(p *Plan, u *Unit) error
	// terms are the first summands of what is rounded, for an output of the given
	// scale; nil for a unit that rounds nothing.
	terms func(p *Plan, u *Unit, outScale float32) []quant.Term
	// op is the operator of the model, and operator sets its fields, but for the name,
	// the tensors and what rounds; nil for none.
	op       string
	operator func(u *Unit, o *qmodel.Operator)
}

// lowerings is the table of all operators.
var lowerings = [...]lowering{
	network.Convolution:    {prepare: (*Plan).fold, terms: (*Plan).sums, op: qmodel.Conv2D, operator: convolution},
	network.FullyConnected: {prepare: (*Plan).fold, terms: (*Plan).sums, op: qmodel.Linear, operator: weighted},
	network.Addition:       {terms: (*Plan).ownCodes, op: qmodel.Add},
	network.Maximum:        {op: qmodel.MaxPool, operator: windowed},
	network.Average:        {prepare: averageable, terms: (*Plan).average, op: qmodel.AvgPool, operator: windowed},
	network.Reshape:        {op: qmodel.Flatten},
	network.Lookup:         {prepare: tabulate, op: qmodel.Table, operator: lookup},
	network.Sign:           {terms: (*Plan).ownCodes, op: qmodel.Sign},
	network.Concatenation:  {prepare: join, op: qmodel.Concat, operator: concat},
	network.Nonlinearity:   {prepare: tabulateActivation, op: qmodel.Table, operator: lookup},
	network.Normalization:  {prepare: normalize, terms: (*Plan).normalized, op: qmodel.Add},
	network.Product:        {terms: (*Plan).product, op: qmodel.Multiply},
	network.Selection:      {op: qmodel.Select, operator: selection},
	network.Upsampling:     {op: qmodel.Upsample, operator: upsampling},
}

// OperatorName returns the name that operators of a kind have in a model; depthwise
// convolutions have one of their own.
func OperatorName(k network.Kind) string { return lowerings[k].op }

// Derive computes the integer weights, multipliers and biases of a network from
// its parameters, running statistics and ranges, as they are (docs/numerics.md).
// Plan.Lower writes them; Verify computes them anew. A layer that has no form in integers is an error, and so are numbers
// that are not finite and sums beyond their bounds; it names the layer.
func Derive(n *layers.Network) (*Plan, error) {
	if err := refused(n); err != nil {
		return nil, err
	}
	if err := finite(n); err != nil {
		return nil, err
	}
	p := &Plan{Network: n, tensors: map[*layers.Tensor]*Tensor{}, units: map[*layers.Unit]*Unit{}}
	p.Image = &Tensor{Tensor: n.Image, Bits: qat.ImageBits, Quantization: qat.Quantization{Params: n.Input.Params, Hi: 255}, Zeros: n.Input.Zeros()}
	p.tensors[n.Image] = p.Image
	for _, lu := range n.Units {
		if lu.Kind.TrainingOnly() {
			p.tensors[lu.Output] = p.tensors[lu.Input()]
			continue
		}
		u := &Unit{Unit: lu}
		for _, in := range lu.Inputs {
			u.Inputs = append(u.Inputs, p.tensors[in])
		}
		if err := p.derive(u); err != nil {
			return nil, fmt.Errorf("export: layer %s: %w", lu.Name, err)
		}
		p.tensors[lu.Output], p.units[lu] = u.Output, u
		p.Units = append(p.Units, u)
	}
	return p, nil
}

// derive finds the integers of a unit.
func (p *Plan) derive(u *Unit) error {
	if err := u.readsChannels(); err != nil {
		return err
	}
	var err error
	if u.Output, err = p.output(u); err != nil {
		return err
	}
	l := lowerings[u.Kind]
	if l.prepare != nil {
		if err := l.prepare(p, u); err != nil {
			return err
		}
	}
	switch {
	case l.terms == nil || u.Output.Sums:
		return nil
	case u.Unit.Output == p.Network.Logits:
		return p.deriveLogits(u)
	}
	terms, bias := p.terms(u, u.Output.Scale)
	if signs, ok := u.Unit.Output.Quantizer.(qat.Signs); ok {
		if slices.ContainsFunc(u.Terms, func(t *Tensor) bool { return t != nil }) {
			return fmt.Errorf("it takes signs of sums whose input has an online range, which has no integer form; give the input an offline range (ranges: offline)")
		}
		t, err := quant.DeriveThresholds(u.Output.Channels, terms, bias, signs.Levels())
		u.Thresholds = &t
		return err
	}
	lo, hi := p.active(u)
	params := u.Output.Params
	if u.Ranged() {
		lo, hi = p.values(u)
		params.ZeroPoint = 0
	}
	r, err := quant.Derive(u.Output.Channels, terms, p.bias(u, bias), params, lo, hi)
	u.Requantizer = &r
	return err
}

// readsChannels says why the unit cannot read an image whose channels have zero points
// of their own: only weighted units take these apart, and others that keep codes.
func (u *Unit) readsChannels() error {
	for i, in := range u.Inputs {
		if in.Zeros != nil && (i > 0 || !u.Kind.Weighted() && (!u.Kind.Keeps() || u.Kind == network.Selection)) {
			return fmt.Errorf("it reads the image, whose channels have zero points of their own (%v), without weights; begin with a convolution or a linear layer of 8 bits, or give one mean for all channels", in.Zeros)
		}
	}
	return nil
}

// output returns the meaning of the unit's result.
func (p *Plan) output(u *Unit) (*Tensor, error) {
	t := &Tensor{Tensor: u.Unit.Output}
	q := t.Quantizer
	for shared := t.Shared; shared != nil; shared = shared.Shared {
		q = shared.Quantizer
	}
	switch {
	case t.Sums:
		t.Bits, t.Steps = 32, u.Inputs[0].Steps
	case t.Tensor == p.Network.Logits:
		t.Bits = 32
	case u.Kind.Keeps():
		in := u.Inputs[0]
		t.Bits, t.Quantization, t.Signs, t.Zeros, t.Steps = in.Bits, in.Quantization, in.Signs, in.Zeros, in.Steps
	case q == nil:
		return nil, fmt.Errorf("its result is not quantized")
	default:
		t.Bits, t.Quantization = q.Bits(), q.Quantization()
		if s, ok := q.(qat.Signs); ok {
			t.Signs = s.Scales()
		}
		if byImage(q) {
			t.Steps = t
		}
	}
	return t, nil
}

// deriveLogits finds the requantizer of the network's last unit, and the scale of
// the logits.
func (p *Plan) deriveLogits(u *Unit) error {
	scales := u.accumulatorScales()
	if u.Kind.Averages() {
		scales = [][]float32{{u.step()}}
	}
	terms := func(scale float32) ([]quant.Term, error) {
		t, _ := p.terms(u, scale)
		return t, nil
	}
	for _, s := range scales {
		for c := range s {
			s[c] = u.Inputs[0].typical(s[c])
		}
	}
	r, scale, err := quant.DeriveLogits(u.Output.Channels, terms, p.bias(u, u.Bias), slices.Concat(scales...))
	u.Requantizer, p.LogitScale, u.Output.Scale = &r, scale, scale
	return err
}

// bias returns a real bias of a unit, in the form that the network's policy asks for.
func (p *Plan) bias(u *Unit, real []float64) quant.Bias {
	b := quant.Bias{Real: real, Whole: p.Network.Policy.WholeBiases}
	if u.Kind.Weighted() && u.Inputs[0].Steps == nil {
		b.AccScale = u.accumulatorScales()[0]
	}
	return b
}

// active returns the range of the codes that the unit's activation leaves.
func (p *Plan) active(u *Unit) (lo, hi int32) {
	lo, hi = u.Output.Lo, u.Output.Hi
	if p.Network.Assignment.Replaced[u.Output.Name] {
		return lo, hi
	}
	if u.Activation != network.Identity {
		lo = max(lo, u.Output.ZeroPoint)
	}
	if u.Activation == network.ReLU6 {
		hi = min(hi, quant.Activation(u.Output.Bits).Quantize(6, u.Output.Scale, u.Output.ZeroPoint))
	}
	return lo, hi
}

// terms returns the summands of the unit's result, and the bias of all of them. It sets
// u.Terms.
func (p *Plan) terms(u *Unit, outScale float32) (terms []quant.Term, bias []float64) {
	terms, bias = lowerings[u.Kind].terms(p, u, outScale), u.Bias
	u.Terms = slices.Repeat([]*Tensor{u.Inputs[0].Steps}, len(terms))
	for _, in := range u.Inputs[len(u.Inputs)-len(u.Added()):] {
		if !in.Sums {
			terms, u.Terms = append(terms, codes(in, outScale)), append(u.Terms, in.Steps)
			continue
		}
		source := p.units[in.Source]
		sums := p.sums(source, outScale)
		terms, u.Terms = append(terms, sums...), append(u.Terms, slices.Repeat([]*Tensor{in.Steps}, len(sums))...)
		bias = sum(bias, source.Bias)
	}
	return terms, bias
}

// ownCodes is the first term of a unit that adds codes.
func (p *Plan) ownCodes(u *Unit, outScale float32) []quant.Term {
	return []quant.Term{codes(u.Inputs[0], outScale)}
}

// codes is the term q − zero point of a tensor that is added.
func codes(t *Tensor, outScale float32) quant.Term {
	return quant.Term{M: []float32{quant.Multiplier(t.Scale, 1, outScale)}, MaxAbs: []int64{t.mostAbs()}, Divisor: t.divisor()}
}

// mostAbs returns the greatest |q − zero point| over all codes of the tensor's bits.
func (t *Tensor) mostAbs() int64 {
	return int64(max(t.ZeroPoint, quant.Activation(t.Bits).Max()-t.ZeroPoint))
}

// zero returns the zero point of a channel, or of a value of the tensor by its index.
func (t *Tensor) zero(i int) int32 {
	if t.Zeros == nil {
		return t.ZeroPoint
	}
	return t.Zeros[i%len(t.Zeros)]
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
