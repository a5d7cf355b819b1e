// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goqat/goqat/network"
)

// An Assignment says how every tensor and all weights of a network are quantized,
// before there is a training graph. It is a plain value: it can be printed, compared
// and changed before the graph is built of it.
type Assignment struct {
	// Network is the network, with the operators that the policy asks for beside those
	// it had: signs of tensors that others read too, codes of fewer bits made of residual
	// tensors, a lookup that narrows the image.
	Network *network.Network
	Layers  map[string]Assigned // of the weighted operators, by name
	Tensors map[string]Rounding // by name; tensors that are not there are not quantized
	// Shared are tensors that have the codes of another, by name: a tensor that only a
	// concatenation reads is rounded by the concatenation's quantizer.
	Shared map[string]string
	// Replaced are the tensors whose signs are taken, at once or further on. Their
	// activation is computed in the float network only: all values of a rectified tensor
	// would have the same sign.
	Replaced map[string]bool
}

// Assigned is how a weighted operator is quantized.
type Assigned struct {
	Layer          // in the end
	Stages []Layer // in each stage of the policy, and in the end
	Inner  bool    // it is neither the first nor the last
}

// A Rounding is how a tensor is quantized.
type Rounding struct {
	Method Method // nil for the image's own codes in fewer bits
	Bits   []int  // in each stage of the policy, and in the end; FloatBits for not at all
	Signed bool   // it has negative values
	Online bool   // its range is taken from each image
}

// Assign decides how a network is quantized by a policy. It changes neither.
//
// Bits of an activation belong to the tensor: those that the operators reading it ask
// for, the widest. An addition asks for nothing, poolings and reshapes pass on what
// they are asked for, the input of an average has the network's bits. With wide Residuals
// what is added or averaged has 8 (docs/numerics.md, "The bits of an activation"). Bits that a method has not, and a network
// that it cannot quantize, are an error that names the layer.
func Assign(n *network.Network, p *Policy) (*Assignment, error) {
	a := &Assignment{Network: n.Clone(), Layers: map[string]Assigned{}, Tensors: map[string]Rounding{}, Shared: map[string]string{}, Replaced: map[string]bool{}}
	s := &assigning{Assignment: a, policy: p, stages: len(p.Stages) + 1}
	for _, step := range []func() error{s.layers, s.takeSigns, s.widenResiduals, s.narrowImage, s.sums, s.tensors} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// assigning is an assignment under way.
type assigning struct {
	*Assignment
	policy  *Policy
	stages  int                                     // of the policy, and the end
	readers map[*network.Tensor][]*network.Operator // of the network as it is
}

// layers decides for every weighted operator.
func (s *assigning) layers() error {
	first, classifier := true, s.Network.Classifier()
	for _, o := range s.Network.Operators {
		if !o.Kind.Weighted() {
			continue
		}
		at := Position{First: first, Last: o == classifier}
		l, err := s.policy.Layer(o.Name, at)
		if err != nil {
			return err
		}
		d := Assigned{Layer: l, Stages: make([]Layer, s.stages), Inner: at.inner()}
		for k := range d.Stages {
			if d.Stages[k], err = s.policy.At(k, o.Name, l); err != nil {
				return err
			}
		}
		s.Layers[o.Name] = d
		first = false
	}
	return nil
}

// reads says whether a weighted operator weighs the tensor.
func reads(o *network.Operator, t *network.Tensor) bool { return o.Kind.Weighted() && o.Input() == t }

// asked returns what the operators that read t ask for in a stage, the widest, and
// false if there is nothing. An operator whose input stays in floating point asks for
// nothing.
func (s *assigning) asked(t *network.Tensor, stage int) (want Layer, ok bool, err error) {
	for _, o := range s.readers[t] {
		l, asks, err := s.wish(o, t, stage)
		if err != nil {
			return want, ok, err
		}
		if !asks {
			continue
		}
		online := l.Online || ok && want.Online
		if !ok || l.ActivationBits > want.ActivationBits {
			want, ok = l, true
		}
		want.Online = online
	}
	return want, ok, nil
}

// wish returns what an operator asks for of a tensor that it reads.
func (s *assigning) wish(o *network.Operator, t *network.Tensor, stage int) (l Layer, asks bool, err error) {
	switch o.Wish(t) {
	case network.AsOutput:
		return s.asked(o.Output, stage)
	case network.AsNetwork:
		l, err = s.tensor(t, stage)
		return l, !l.FloatInput(), err
	case network.AsCodes:
		return Eight(), true, nil
	case network.Finely:
		return Eight(), !s.float(o.Output, stage), nil
	case network.Own:
		l = s.Layers[o.Name].Stages[stage]
		return l, !l.FloatInput(), nil
	}
	return l, false, nil
}

// tensor returns what t gets in a stage if no weighted operator reads it.
func (s *assigning) tensor(t *network.Tensor, stage int) (Layer, error) {
	l, err := s.policy.Tensor()
	switch {
	case err != nil:
		return l, err
	case s.policy.Residuals == Wide && !l.FloatInput():
		return Eight(), nil
	}
	return s.policy.At(stage, t.Name, l)
}

// float says whether t is read alone by operators whose input stays in floating point
// in a stage.
func (s *assigning) float(t *network.Tensor, stage int) bool {
	for _, o := range s.readers[t] {
		switch wish := o.Wish(t); {
		case (wish == network.AsOutput || wish == network.Finely) && s.float(o.Output, stage):
		case wish == network.Own && s.Layers[o.Name].Stages[stage].FloatInput():
		case wish != network.Nothing && wish != network.AsNetwork:
			return false
		default:
			if l, err := s.tensor(t, stage); err != nil || !l.FloatInput() {
				return false
			}
		}
	}
	return len(s.readers[t]) > 0
}

// wanted returns how t is quantized in a stage, with FloatBits if it is not.
func (s *assigning) wanted(t *network.Tensor, stage int) (Layer, error) {
	if s.float(t, stage) {
		return Layer{ActivationBits: FloatBits}, nil
	}
	want, ok, err := s.asked(t, stage)
	if err == nil && !ok { // read by additions only
		return s.tensor(t, stage)
	}
	return want, err
}

// narrowImage puts a lookup before the operators that read the image, if they ask for
// fewer bits than it has: each of its codes becomes one of fewer bits.
func (s *assigning) narrowImage() error {
	n := s.Network
	s.readers = n.Readers()
	want, ok, err := s.asked(n.Image, s.stages-1)
	if err != nil || !ok || want.ActivationBits >= ImageBits {
		return err
	}
	narrow := n.Insert(network.Operator{Name: inputName, Kind: network.Lookup, Bits: want.ActivationBits}, n.Image, n.Operators[0])
	n.Replace(n.Image, narrow)
	return nil
}

// inputName is the name of the operator that narrows the image, and of its result.
const inputName = "input"

// sums unmarks the results whose sums fall apart into several sums: there is no one
// tensor that an addition could read.
func (s *assigning) sums() error {
	s.readers = s.Network.Readers()
	for _, o := range s.Network.Operators {
		if o.Output.Sums {
			o.Output.Sums = s.Layers[o.Name].oneSum()
		}
	}
	return nil
}

// oneSum says whether an output of the layer is one sum, in integers too.
func (l Layer) oneSum() bool {
	if l.Signs() && l.ActivationBits != 1 {
		return false
	}
	if l.FloatWeights() {
		return true
	}
	info := l.Weights.Info()
	return info.Accumulators(l.WeightBits) == 1
}

// tensors decides for every tensor that is rounded where it is computed.
func (s *assigning) tensors() error {
	for _, o := range s.Network.Operators {
		t := o.Output
		if s.signsTaken(t) {
			s.Replaced[t.Name] = true
		}
	}
	for _, o := range s.Network.Operators {
		t := o.Output
		if o.Kind.Keeps() || t.Sums || t == s.Network.Logits {
			continue
		}
		if joint := s.joined(t); joint != nil && o.Bits == 0 {
			s.Shared[t.Name] = joint.Name
			continue
		}
		if o.Bits != 0 {
			s.Tensors[t.Name] = Rounding{Bits: slices.Repeat([]int{o.Bits}, s.stages), Signed: true}
			continue
		}
		r, err := s.rounding(o)
		if err != nil {
			return err
		}
		if r != nil {
			s.Tensors[t.Name] = *r
		}
	}
	return nil
}

// joined returns the tensor with whose quantizer t can be rounded, nil for none: the
// result of the only operator that reads t, if that operator joins its inputs.
func (s *assigning) joined(t *network.Tensor) *network.Tensor {
	var joint *network.Tensor
	for _, o := range s.readers[t] {
		var by *network.Tensor
		switch {
		case o.Kind.Joins():
			by = o.Output
		case o.Kind.Keeps():
			by = s.joined(o.Output)
		}
		if by == nil || joint != nil && by != joint {
			return nil
		}
		joint = by
	}
	return joint
}

// fixedRange says whether an operator takes the codes of t to others, by one table for
// all images, or multiplies them by others, so that t has one range for all of them.
func (s *assigning) fixedRange(t *network.Tensor) bool {
	return slices.ContainsFunc(s.readers[t], func(o *network.Operator) bool {
		return o.Kind.Joins() || o.Kind.Tabulates() || o.Kind.Multiplies() || o.Kind.Wish() == network.AsCodes || o.Kind.Keeps() && s.fixedRange(o.Output)
	})
}

// rounding returns how an operator's result is quantized, nil for not at all.
func (s *assigning) rounding(o *network.Operator) (*Rounding, error) {
	var want Layer
	r := &Rounding{Bits: make([]int, s.stages)}
	for k := range r.Bits {
		var err error
		if want, err = s.wanted(o.Output, k); err != nil {
			return nil, err
		}
		r.Bits[k] = want.ActivationBits
	}
	if want.FloatInput() {
		return nil, nil
	}
	if l, signs := s.Layers[o.Name]; signs && !o.Kind.Weighted() { // of an operator that takes signs
		want = l.Layer
	}
	r.Method = want.Input
	signs := want.Input.Info().Signs
	if signs && slices.ContainsFunc(r.Bits, func(b int) bool { return b != want.ActivationBits }) {
		return nil, fmt.Errorf("qat: %s: signs cannot be quantized in stages", o.Output.Name)
	}
	r.Signed = s.signed(o, signs)
	r.Online = want.Online && r.Method.Info().Online && !o.Kind.Joins() && !o.Kind.Tabulates() && !s.fixedRange(o.Output)
	return r, nil
}

// signed says whether an operator's result can be negative, in the float network or in
// the quantized one.
func (s *assigning) signed(o *network.Operator, float bool) bool {
	if o.Activation.Positive() && (float || !s.Replaced[o.Output.Name]) {
		return false
	}
	if o.Kind.SignedAsInputs() {
		return slices.ContainsFunc(o.Inputs, func(t *network.Tensor) bool {
			source := t.Origin().Source
			return source == nil || s.signed(source, float)
		})
	}
	return true
}

// String writes a line for everything that is quantized.
func (a *Assignment) String() string {
	var b strings.Builder
	name := func(m Method) string {
		if m == nil {
			return "image"
		}
		return m.Info().Name
	}
	for _, o := range a.Network.Operators {
		if joint, ok := a.Shared[o.Output.Name]; ok {
			fmt.Fprintf(&b, "%s: as %s\n", o.Output.Name, joint)
		}
		if l, ok := a.Layers[o.Name]; ok && o.Kind.Weighted() {
			if l.FloatWeights() {
				fmt.Fprintf(&b, "%s.weight: float\n", o.Name)
			} else {
				fmt.Fprintf(&b, "%s.weight: %s, %d bits\n", o.Name, name(l.Weights), l.WeightBits)
			}
		}
		r, ok := a.Tensors[o.Output.Name]
		switch {
		case ok && r.Signed:
			fmt.Fprintf(&b, "%s: %s, %d bits, signed%s\n", o.Output.Name, name(r.Method), r.Last(), r.online())
		case ok:
			fmt.Fprintf(&b, "%s: %s, %d bits%s\n", o.Output.Name, name(r.Method), r.Last(), r.online())
		}
	}
	return b.String()
}

func (r Rounding) online() string {
	if r.Online {
		return ", online"
	}
	return ""
}

// Last returns the bits in the end.
func (r Rounding) Last() int { return r.Bits[len(r.Bits)-1] }
