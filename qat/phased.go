// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"fmt"
	"path"
	"slices"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// A Stage is an early part of a training in which fewer layers are quantized
// than at its end, or to more bits.
type Stage struct {
	// Match is a pattern of path.Match; layers of other names stay in floating
	// point. Empty means all layers.
	Match string
	// WeightBits and ActivationBits are the least bits that a layer has in the stage; 0
	// means its final bits, FloatBits that it is not quantized.
	WeightBits, ActivationBits int
}

// At returns the settings in a stage of a layer whose final settings are l; beyond
// the last stage they are l.
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

// A Phased quantizer changes its width from stage to stage of a training.
type Phased interface {
	// SetStage chooses the quantizer of a stage; after the last stage, and before the
	// first call, it is the final one. Start and calibrations start the chosen quantizer
	// if the stage before had another one, and do nothing if it had the same.
	SetStage(stage int)
	// Idle are the parameters that the stage does not use.
	Idle() []*graph.Param
}

// quantizer is what Weights and Activations have in common.
type quantizer interface {
	Params() []*graph.Param
	State() []graph.State
}

// phased chooses among quantizers of several widths.
type phased[Q quantizer] struct {
	widths []Q
	stages []int // index of the quantizer of each stage and, last, of the final one; −1 for none
	at     int   // in stages
	fresh  bool

	params, values []int // of the parameters: how many there are before those of each quantizer, and of all
}

// newPhased makes a quantizer for each width among the bits of the stages.
func newPhased[Q quantizer](bits []int, width func(bits int, last bool) Q) phased[Q] {
	s := phased[Q]{at: len(bits) - 1, fresh: true, params: []int{0}, values: []int{0}}
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

func (s *phased[Q]) add(q Q) {
	params, values := s.params[len(s.widths)], s.values[len(s.widths)]
	for _, p := range q.Params() {
		params++
		values += len(p.Value)
	}
	s.widths, s.params, s.values = append(s.widths, q), append(s.params, params), append(s.values, values)
}

func (s *phased[Q]) Params() (all []*graph.Param) {
	for _, q := range s.widths {
		all = append(all, q.Params()...)
	}
	return all
}

func (s *phased[Q]) State() (all []graph.State) {
	for _, q := range s.widths {
		all = append(all, q.State()...)
	}
	return all
}

func (s *phased[Q]) Idle() (all []*graph.Param) {
	for i, q := range s.widths {
		if i != s.now() {
			all = append(all, q.Params()...)
		}
	}
	return all
}

func (s *phased[Q]) SetStage(stage int) {
	s.at = min(stage, len(s.stages)-1)
	s.fresh = s.at == 0 || s.stages[s.at] != s.stages[s.at-1]
}

// now returns the index of the quantizer in use, −1 if there is none.
func (s *phased[Q]) now() int { return s.stages[s.at] }

// last returns the final quantizer.
func (s *phased[Q]) last() Q { return s.widths[s.stages[len(s.stages)-1]] }

// phasedWeights are Weights whose width changes from stage to stage.
type phasedWeights struct{ phased[Weights] }

// NewPhasedWeights returns Weights of the given bits in each stage; the last bits
// are the final ones, which are not FloatBits. It calls width once for each of the widths.
func NewPhasedWeights(bits []int, width func(bits int, last bool) Weights) Weights {
	return &phasedWeights{newPhased(bits, width)}
}

func (s *phasedWeights) Bits() int            { return s.last().Bits() }
func (s *phasedWeights) Coding() quant.Coding { return s.last().Coding() }

// Steps returns the steps of the final quantizer.
func (s *phasedWeights) Steps() int {
	if q, ok := s.last().(Incremental); ok {
		return q.Steps()
	}
	return 0
}

// Advance takes steps once the stages are over.
func (s *phasedWeights) Advance(k int, w []float32) {
	if q, ok := s.last().(Incremental); ok && s.at == len(s.stages)-1 {
		q.Advance(k, w)
	}
}

func (s *phasedWeights) Forward(dst, w []float32) {
	if i := s.now(); i >= 0 {
		s.widths[i].Forward(dst, w)
	} else {
		copy(dst, w)
	}
}

func (s *phasedWeights) Backward(dw, w, dy []float32, grad [][]float32) {
	for _, g := range grad {
		clear(g)
	}
	if i := s.now(); i >= 0 {
		s.widths[i].Backward(dw, w, dy, grad[s.params[i]:s.params[i+1]])
	} else {
		copy(dw, dy)
	}
}

// StepSizes implements [ste.Stepped] for the stage's quantizer.
func (s *phasedWeights) StepSizes(steps []float32) (all []float32, most int) {
	if i := s.now(); i >= 0 {
		if q, ok := s.widths[i].(ste.Stepped); ok {
			return q.StepSizes(steps)
		}
	}
	return steps, 0
}

func (s *phasedWeights) Integers(codes []int16, w []float32) []float32 {
	return s.last().Integers(codes, w)
}

func (s *phasedWeights) Start(w []float32) {
	if i := s.now(); i >= 0 && s.fresh {
		s.widths[i].Start(w)
	}
}

// Fit implements [Fitter] for the stage's quantizer, if it starts in the stage.
func (s *phasedWeights) Fit(w []float32) {
	if i := s.now(); i >= 0 && s.fresh {
		if q, ok := s.widths[i].(Fitter); ok {
			q.Fit(w)
		}
	}
}

func (s *phasedWeights) Constrain(w []float32) {
	if i := s.now(); i >= 0 {
		s.widths[i].Constrain(w)
	}
}

// phasedActivation is an Activation whose width changes from stage to stage.
type phasedActivation struct{ phased[Activation] }

// NewPhasedActivation is NewPhasedWeights for a tensor.
func NewPhasedActivation(bits []int, width func(bits int, last bool) Activation) Activation {
	return &phasedActivation{newPhased(bits, width)}
}

func (s *phasedActivation) Bits() int { return s.last().Bits() }

// Quantization returns the quantization of the stage, if it has one.
func (s *phasedActivation) Quantization() Quantization {
	if i := s.now(); i >= 0 {
		return s.widths[i].Quantization()
	}
	return s.last().Quantization()
}

func (s *phasedActivation) Begin(r *graph.Run) {
	if i := s.now(); i >= 0 {
		s.widths[i].Begin(r)
	}
}

func (s *phasedActivation) Forward(dst, src []float32) {
	if i := s.now(); i >= 0 {
		s.widths[i].Forward(dst, src)
	} else {
		copy(dst, src)
	}
}

// Steps implements [graph.Stepped] for the stage's quantizer.
func (s *phasedActivation) Steps() (steps graph.Steps) {
	if i := s.now(); i >= 0 {
		if q, ok := s.widths[i].(graph.Stepped); ok {
			steps = q.Steps()
		}
	}
	return steps
}

// ByImage implements [graph.ImageQuantizer] for the stage's quantizer.
func (s *phasedActivation) ByImage() bool {
	i := s.now()
	if i < 0 {
		return false
	}
	q, ok := s.widths[i].(graph.ImageQuantizer)
	return ok && q.ByImage()
}

// ForwardImage implements [graph.ImageQuantizer].
func (s *phasedActivation) ForwardImage(dst, src []float32) {
	s.widths[s.now()].(graph.ImageQuantizer).ForwardImage(dst, src)
}

func (s *phasedActivation) Backward(dx, src, dy []float32, grad []float64) {
	if i := s.now(); i >= 0 {
		s.widths[i].Backward(dx, src, dy, grad[s.values[i]:s.values[i+1]])
	} else {
		copy(dx, dy)
	}
}

// Gate implements [graph.Gated] for the stage's quantizer.
func (s *phasedActivation) Gate() (l kernel.Limits, ok bool) {
	if i := s.now(); i >= 0 {
		if q, gated := s.widths[i].(graph.Gated); gated {
			return q.Gate()
		}
	}
	return l, false
}

// Spill implements [graph.Gated].
func (s *phasedActivation) Spill(sums kernel.Spills, grad []float64) {
	i := s.now()
	s.widths[i].(graph.Gated).Spill(sums, grad[s.values[i]:s.values[i+1]])
}

func (s *phasedActivation) Observe(r *graph.Run, t graph.Stats) {
	if i := s.now(); i >= 0 && (s.fresh || !r.Calibrate) {
		s.widths[i].Observe(r, t)
	}
}

// SetRange implements [Ranged] for the stage's quantizer, if it starts in the
// stage and has a range.
func (s *phasedActivation) SetRange(lo, hi float32) {
	if i := s.now(); i >= 0 && s.fresh {
		if q, ok := s.widths[i].(Ranged); ok {
			q.SetRange(lo, hi)
		}
	}
}

// Symmetric implements [Ranged].
func (s *phasedActivation) Symmetric() bool {
	i := s.now()
	if i < 0 {
		return false
	}
	q, ok := s.widths[i].(Ranged)
	return ok && q.Symmetric()
}

// Fit implements [Fitted] for the stage's quantizer, if it starts in the stage.
func (s *phasedActivation) Fit() (grid calibrate.Grid, ok bool) {
	if i := s.now(); i >= 0 && s.fresh {
		if q, fitted := s.widths[i].(Fitted); fitted {
			return q.Fit()
		}
	}
	return grid, false
}

// Restart has the stage's quantizer forget what it followed, if it starts.
func (s *phasedActivation) Restart() {
	if i := s.now(); i >= 0 && s.fresh {
		if q, ok := s.widths[i].(Restarter); ok {
			q.Restart()
		}
	}
}

func (s *phasedActivation) Constrain() {
	if i := s.now(); i >= 0 {
		s.widths[i].Constrain()
	}
}
