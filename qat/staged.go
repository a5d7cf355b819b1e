// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"fmt"
	"path"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
)

// A Stage is an early part of a training in which fewer layers are quantized
// than at its end, or to more bits.
type Stage struct {
	// Match is a pattern of path.Match; layers of other names stay in floating
	// point. Empty means all layers.
	Match string
	// WeightBits and ActivationBits are the least that a layer has; 0 means its
	// own, FloatBits that it is not quantized.
	WeightBits, ActivationBits int
}

// At returns what a layer, l for good, is in a stage; beyond the last it is l.
// Signs are signs from the start.
func (p *Policy) At(stage int, name string, l Layer) (Layer, error) {
	if stage >= len(p.Stages) {
		return l, nil
	}
	s := p.Stages[stage]
	in, err := path.Match(s.Match, name)
	if err != nil {
		return l, fmt.Errorf("qat: the layer pattern %q is malformed", s.Match)
	}
	if s.Match != "" && !in {
		s.WeightBits, s.ActivationBits = FloatBits, FloatBits
	}
	l.WeightBits = max(l.WeightBits, s.WeightBits)
	if !l.Signs() {
		l.ActivationBits = max(l.ActivationBits, s.ActivationBits)
	}
	if err := l.check(); err != nil {
		return l, fmt.Errorf("%w (layer %s, stage %d)", err, name, stage+1)
	}
	return l, nil
}

// A Widened quantizer changes its width from stage to stage of a training.
type Widened interface {
	// SetStage has the quantizer be that of a stage; beyond the last, where it
	// begins, that for good. If it is another one than that of the stage before,
	// Start and calibrations start it; else they do nothing.
	SetStage(stage int)
	// Idle are the parameters that the stage does not use.
	Idle() []*graph.Param
}

// quantizer is what Weights and Activations have in common.
type quantizer interface {
	Params() []*graph.Param
	State() []graph.State
}

// staged chooses among quantizers of several widths.
type staged[Q quantizer] struct {
	widths []Q
	stages []int // index of the quantizer of each stage and, last, for good; −1 for none
	at     int   // in stages
	fresh  bool

	params, values []int // of the parameters: how many there are before those of each quantizer, and of all
}

// newStaged makes a quantizer for each width among the bits of the stages.
func newStaged[Q quantizer](bits []int, width func(bits int, last bool) Q) staged[Q] {
	s := staged[Q]{at: len(bits) - 1, fresh: true, params: []int{0}, values: []int{0}}
	var made []int
	for _, b := range bits {
		i := slices.Index(made, b)
		if i < 0 && b != FloatBits {
			i = len(made)
			made = append(made, b)
			s.add(width(b, b == bits[len(bits)-1]))
		}
		s.stages = append(s.stages, i)
	}
	return s
}

func (s *staged[Q]) add(q Q) {
	params, values := s.params[len(s.widths)], s.values[len(s.widths)]
	for _, p := range q.Params() {
		params++
		values += len(p.Value)
	}
	s.widths, s.params, s.values = append(s.widths, q), append(s.params, params), append(s.values, values)
}

func (s *staged[Q]) Params() (all []*graph.Param) {
	for _, q := range s.widths {
		all = append(all, q.Params()...)
	}
	return all
}

func (s *staged[Q]) State() (all []graph.State) {
	for _, q := range s.widths {
		all = append(all, q.State()...)
	}
	return all
}

func (s *staged[Q]) Idle() (all []*graph.Param) {
	for i, q := range s.widths {
		if i != s.now() {
			all = append(all, q.Params()...)
		}
	}
	return all
}

func (s *staged[Q]) SetStage(stage int) {
	s.at = min(stage, len(s.stages)-1)
	s.fresh = s.at == 0 || s.stages[s.at] != s.stages[s.at-1]
}

// now returns the index of the quantizer in use, −1 if there is none.
func (s *staged[Q]) now() int { return s.stages[s.at] }

// last returns the quantizer for good.
func (s *staged[Q]) last() Q { return s.widths[s.stages[len(s.stages)-1]] }

// stagedWeights are Weights whose width changes from stage to stage.
type stagedWeights struct{ staged[Weights] }

// NewStagedWeights returns Weights of the given bits in each stage and, last, for
// good, which are not FloatBits. It calls width once for each of the widths.
func NewStagedWeights(bits []int, width func(bits int, last bool) Weights) Weights {
	return &stagedWeights{newStaged(bits, width)}
}

func (s *stagedWeights) Bits() int            { return s.last().Bits() }
func (s *stagedWeights) Coding() quant.Coding { return s.last().Coding() }

// Steps are those of the quantizer for good.
func (s *stagedWeights) Steps() int {
	if q, ok := s.last().(Staged); ok {
		return q.Steps()
	}
	return 0
}

// Advance takes steps once the stages are over.
func (s *stagedWeights) Advance(k int, w []float32) {
	if q, ok := s.last().(Staged); ok && s.at == len(s.stages)-1 {
		q.Advance(k, w)
	}
}

func (s *stagedWeights) Forward(dst, w []float32) {
	if i := s.now(); i >= 0 {
		s.widths[i].Forward(dst, w)
	} else {
		copy(dst, w)
	}
}

func (s *stagedWeights) Backward(dw, w, dy []float32, grad [][]float32) {
	for _, g := range grad {
		clear(g)
	}
	if i := s.now(); i >= 0 {
		s.widths[i].Backward(dw, w, dy, grad[s.params[i]:s.params[i+1]])
	} else {
		copy(dw, dy)
	}
}

func (s *stagedWeights) Integers(codes []int16, w []float32) []float32 {
	return s.last().Integers(codes, w)
}

func (s *stagedWeights) Start(w []float32) {
	if i := s.now(); i >= 0 && s.fresh {
		s.widths[i].Start(w)
	}
}

func (s *stagedWeights) Constrain(w []float32) {
	if i := s.now(); i >= 0 {
		s.widths[i].Constrain(w)
	}
}

// stagedActivation is an Activation whose width changes from stage to stage.
type stagedActivation struct{ staged[Activation] }

// NewStagedActivation is NewStagedWeights for a tensor.
func NewStagedActivation(bits []int, width func(bits int, last bool) Activation) Activation {
	return &stagedActivation{newStaged(bits, width)}
}

func (s *stagedActivation) Bits() int { return s.last().Bits() }

// Quantization is that of the stage, if it has one.
func (s *stagedActivation) Quantization() Quantization {
	if i := s.now(); i >= 0 {
		return s.widths[i].Quantization()
	}
	return s.last().Quantization()
}

func (s *stagedActivation) Begin(r *graph.Run) {
	if i := s.now(); i >= 0 {
		s.widths[i].Begin(r)
	}
}

func (s *stagedActivation) Forward(dst, src []float32) {
	if i := s.now(); i >= 0 {
		s.widths[i].Forward(dst, src)
	} else {
		copy(dst, src)
	}
}

func (s *stagedActivation) Backward(dx, src, dy []float32, grad []float64) {
	if i := s.now(); i >= 0 {
		s.widths[i].Backward(dx, src, dy, grad[s.values[i]:s.values[i+1]])
	} else {
		copy(dx, dy)
	}
}

func (s *stagedActivation) Observe(r *graph.Run, t graph.Stats) {
	if i := s.now(); i >= 0 && (s.fresh || !r.Calibrate) {
		s.widths[i].Observe(r, t)
	}
}

// SetRange implements [Ranged] for the stage's quantizer, if it starts in the
// stage and has a range.
func (s *stagedActivation) SetRange(lo, hi float32) {
	if i := s.now(); i >= 0 && s.fresh {
		if q, ok := s.widths[i].(Ranged); ok {
			q.SetRange(lo, hi)
		}
	}
}

// Symmetric implements [Ranged].
func (s *stagedActivation) Symmetric() bool {
	i := s.now()
	if i < 0 {
		return false
	}
	q, ok := s.widths[i].(Ranged)
	return ok && q.Symmetric()
}

// Restart has the stage's quantizer forget what it followed, if it starts.
func (s *stagedActivation) Restart() {
	if i := s.now(); i >= 0 && s.fresh {
		if q, ok := s.widths[i].(Restarter); ok {
			q.Restart()
		}
	}
}

func (s *stagedActivation) Constrain() {
	if i := s.now(); i >= 0 {
		s.widths[i].Constrain()
	}
}
