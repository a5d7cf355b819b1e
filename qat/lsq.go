// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// LSQ is the method "lsq": the steps of weights and activations are learned
// (Esser et al. 2020, section 2; the formulas are those of ste.LSQ). Weights
// have a step a channel, where the paper has one a layer, and narrow range.
//
// A step starts at 2·mean|v|/√Qp (section 2.1), or where Start says so at the step with the least
// mean squared error (as Bhalgat et al. 2020, section 3.2.2, and Nagel et al. 2022 start);
// the step of a tensor starts from the values of the calibration. Its gradient is multiplied by 1/√(N·Qp) (section
// 2.2), N being the number of weights that share it, or of values of the tensor
// for one image.
type LSQ settings.LSQ

// Info implements [Method].
func (LSQ) Info() Info {
	return Info{
		Name:           "lsq",
		For:            "2 to 4 bits: learns the step of every quantizer, often the most accurate",
		Paper:          "Esser et al. 2020, arXiv:1902.08153",
		WeightBits:     []int{2, 3, 4, 5, 6, 7, 8},
		ActivationBits: []int{2, 3, 4, 5, 6, 7, 8},
		Usual:          Widths{4, 4},
		Integers:       true,
		EWGS:           true,
		Steady:         true,
		PowersOfTwo:    true,
	}
}

// Weights implements [Method].
func (l LSQ) Weights(g *graph.Graph, name string, o Options, shape []int) Weights {
	q := newLSQWeights(g, name, o, shape, meanStep)
	q.fitted = l.Start == settings.StartMSE
	return q
}

// meanStep is the step 2·mean|w|/√most.
func meanStep(w []float32, most float64) float64 {
	var sum float64
	for _, v := range w {
		sum += math.Abs(float64(v))
	}
	return 2 * sum / float64(len(w)) / math.Sqrt(most)
}

// bestStep is the step with the least squared error, 0 where there is none.
func bestStep(w []float32, most float64, bits int) float64 {
	rule, err := calibrate.Lookup(settings.StartMSE)
	if err != nil {
		panic(err) // it is one of calibrate's own
	}
	c := rule.New(calibrate.Options{})
	c.Image(w)
	r, err := c.Range(calibrate.Grid{Bits: bits, Symmetric: true})
	if err != nil { // weights that are not finite, which the first run names
		return 0
	}
	return r.Hi / most
}

// Activation implements [Method].
func (l LSQ) Activation(g *graph.Graph, name string, o Options) Activation {
	a := newLSQActivation(g, name, o)
	a.fitted = l.Start == settings.StartMSE
	if o.Signed {
		a.formula.Least = -float32(int(1) << (o.Bits - 1))
		a.formula.Most += a.formula.Least
	}
	most := a.formula.Most
	a.gain = gradientScale(o.Size, most)
	a.start = func(s graph.Stats) (step, offset float64) {
		return 2 * s.SumAbs / float64(s.Count) / math.Sqrt(float64(most)), 0
	}
	return a
}

const (
	// leastStep and mostStep bound learned steps whatever the optimizer does.
	leastStep = 1e-6
	mostStep  = 1e6
)

// newStep makes the parameter of n learned steps, 1 until they are started.
func newStep(g *graph.Graph, name string, n int) *graph.Param {
	p := g.Param(name+".step", graph.Clips, n)
	for i := range p.Value {
		p.Value[i] = 1
	}
	return p
}

// stepRounding returns what makes of a learned step the one in use: itself, or
// the nearest power of two, a rounding that the gradient passes straight through.
func stepRounding(o Options) func(float32) float32 {
	if o.PowerOfTwo {
		return func(step float32) float32 { return float32(quant.PowerOfTwo(float64(step))) }
	}
	return func(step float32) float32 { return step }
}

// gradientScale returns 1/√(n·most).
func gradientScale(n int, most float32) float64 {
	return 1 / math.Sqrt(float64(n)*float64(most))
}

// lsqWeights quantizes weights with learned steps.
type lsqWeights struct {
	measured
	bits    int
	step    *graph.Param
	round   func(step float32) float32
	formula ste.LSQ
	gain    float64
	ewgs    ste.EWGS
	start   func(w []float32, most float64) float64 // first step of weights with codes up to most
	fitted  bool                                    // the step starts where the error is least
}

func newLSQWeights(g *graph.Graph, name string, o Options, shape []int, start func([]float32, float64) float64) *lsqWeights {
	n := o.scales(shape)
	size := count(shape)
	most := float32(quant.Weight(o.Bits).Max())
	return &lsqWeights{
		bits: o.Bits, step: newStep(g, name, n), formula: ste.LSQ{Least: -most, Most: most},
		gain: gradientScale(size/n, most), start: start, round: stepRounding(o), ewgs: o.ewgs(),
	}
}

func (l *lsqWeights) Params() []*graph.Param { return []*graph.Param{l.step} }
func (l *lsqWeights) Bits() int              { return l.bits }
func (l *lsqWeights) Constrain([]float32)    { confine(l.step.Value, leastStep, mostStep, 1) }

// Start sets the steps; a channel of zeros has the step 1.
func (l *lsqWeights) Start(w []float32) { l.begin(w, l.start) }

// Fit implements [Fitter].
func (l *lsqWeights) Fit(w []float32) {
	if l.fitted {
		l.begin(w, func(w []float32, most float64) float64 { return bestStep(w, most, l.bits) })
	}
}

// begin sets the steps by a rule.
func (l *lsqWeights) begin(w []float32, start func(w []float32, most float64) float64) {
	l.each(len(w), func(c, lo, hi int) {
		l.step.Value[c] = float32(start(w[lo:hi], float64(l.formula.Most)))
		if l.step.Value[c] == 0 {
			l.step.Value[c] = 1
		}
	})
	l.Constrain(w)
}

func (l *lsqWeights) Channels() int { return len(l.step.Value) }

func (l *lsqWeights) Forward(dst, w []float32) {
	l.each(len(w), func(c, lo, hi int) { l.ForwardChannel(c, dst[lo:hi], w[lo:hi]) })
}

func (l *lsqWeights) ForwardChannel(c int, dst, w []float32) {
	f := l.channel(c)
	f.Forward(dst, w)
}

func (l *lsqWeights) Backward(dw, w, dy []float32, grad [][]float32) {
	l.each(len(w), func(c, lo, hi int) { l.BackwardChannel(c, dw[lo:hi], w[lo:hi], dy[lo:hi], grad) })
}

func (l *lsqWeights) BackwardChannel(c int, dw, w, dy []float32, grad [][]float32) {
	f := l.channel(c)
	ds, _ := f.Backward(dw, w, dy)
	l.ewgs.Scale(dw, w, f.Step)
	grad[0][c] = float32(l.gain * ds)
}

func (l *lsqWeights) Integers(codes []int16, w []float32) []float32 {
	scale := make([]float32, len(l.step.Value))
	l.each(len(w), func(c, lo, hi int) {
		f := l.channel(c)
		f.Codes(codes[lo:hi], w[lo:hi])
		scale[c] = f.Step
	})
	return scale
}

// StepSizes implements [ste.Stepped].
func (l *lsqWeights) StepSizes(steps []float32) (all []float32, most int) {
	for c := range l.step.Value {
		steps = append(steps, l.channel(c).Step)
	}
	return steps, int(l.formula.Most)
}

// channel returns the formula with the step c.
func (l *lsqWeights) channel(c int) ste.LSQ {
	f := l.formula
	f.Step = l.round(l.step.Value[c])
	return f
}

// each calls f for the part lo to hi of n weights that shares step c.
func (l *lsqWeights) each(n int, f func(c, lo, hi int)) {
	size := n / len(l.step.Value)
	for c := range l.step.Value {
		f(c, c*size, (c+1)*size)
	}
}

// lsqActivation quantizes a tensor with a learned step and, in lsq+, offset.
type lsqActivation struct {
	bits    int
	step    *graph.Param
	offset  *graph.Param // at most 0; nil where the zero point is fixed
	round   func(step float32) float32
	formula ste.LSQ
	gain    float64
	ewgs    ste.EWGS
	start   func(graph.Stats) (step, offset float64)
	fitted  bool // the step starts where a calibration finds the least error
}

// newLSQActivation returns the quantizer of a rectified tensor, without offset.
// The caller sets its gain and its start.
func newLSQActivation(g *graph.Graph, name string, o Options) *lsqActivation {
	a := &lsqActivation{bits: o.Bits, step: newStep(g, name, 1), round: stepRounding(o), ewgs: o.ewgs()}
	a.formula.Most = float32(quant.Activation(o.Bits).Max())
	return a
}

func (a *lsqActivation) Bits() int                  { return a.bits }
func (a *lsqActivation) Begin(*graph.Run)           { a.Quantization() }
func (a *lsqActivation) Forward(dst, src []float32) { a.formula.Forward(dst, src) }
func (a *lsqActivation) State() []graph.State       { return nil }

func (a *lsqActivation) Params() []*graph.Param {
	if a.offset == nil {
		return []*graph.Param{a.step}
	}
	return []*graph.Param{a.step, a.offset}
}

func (a *lsqActivation) Backward(dx, src, dy []float32, grad []float64) {
	step, offset := a.formula.Backward(dx, src, dy)
	a.ewgs.Scale(dx, src, a.formula.Step)
	a.add(grad, step, offset)
}

// Gate implements [graph.Gated].
func (a *lsqActivation) Gate() (kernel.Limits, bool) { return a.formula.Gate(), a.ewgs.Delta == 0 }

// Spill implements [graph.Gated].
func (a *lsqActivation) Spill(s kernel.Spills, grad []float64) {
	step, offset := a.formula.Spill(s)
	a.add(grad, step, offset)
}

// add adds gradients by the step and the offset to grad.
func (a *lsqActivation) add(grad []float64, step, offset float64) {
	grad[0] += a.gain * step
	if a.offset != nil {
		grad[1] += a.gain * offset
	}
}

// Steps implements [graph.Stepped].
func (a *lsqActivation) Steps() graph.Steps {
	return graph.Steps{Step: a.formula.Step, Least: int32(a.formula.Least), Most: int32(a.formula.Most), Nearest: true}
}

// Rectifies implements [graph.Rectifier].
func (a *lsqActivation) Rectifies() bool { return a.offset == nil && a.formula.Least == 0 }

// Quantization returns what step and offset give, and has the formula use it.
func (a *lsqActivation) Quantization() Quantization {
	f, top := &a.formula, quant.Activation(a.bits)
	f.Step = a.round(a.step.Value[0])
	if a.offset != nil {
		z := top.Quantize(-a.offset.Value[0], f.Step, 0)
		f.Least, f.Most = float32(-z), float32(top.Max()-z)
	}
	return Quantization{quant.Params{Scale: f.Step, ZeroPoint: int32(-f.Least)}, 0, top.Max()}
}

// Observe starts step and offset in a calibration.
func (a *lsqActivation) Observe(r *graph.Run, s graph.Stats) {
	if !r.Calibrate || !(s.SumAbs > 0) {
		return
	}
	step, offset := a.start(s)
	a.step.Value[0] = float32(step)
	if a.offset != nil {
		a.offset.Value[0] = float32(offset)
	}
	a.Constrain()
}

// SetRange implements [Ranged]: the step is the least with which the codes reach
// both ends, given the zero point where the method fixes it. An empty range says nothing of it.
func (a *lsqActivation) SetRange(lo, hi float32) {
	f := &a.formula
	switch {
	case lo == hi:
		return
	case a.offset != nil:
		a.step.Value[0], a.offset.Value[0] = (hi-lo)/float32(quant.Activation(a.bits).Max()), lo
	case f.Least < 0:
		a.step.Value[0] = max(lo/f.Least, hi/f.Most)
	default:
		a.step.Value[0] = hi / f.Most
	}
	a.Constrain()
}

// Fit implements [Fitted].
func (a *lsqActivation) Fit() (calibrate.Grid, bool) {
	return calibrate.Grid{Bits: a.bits, Symmetric: a.Symmetric()}, a.fitted
}

// Symmetric implements [Ranged].
func (a *lsqActivation) Symmetric() bool { return a.offset == nil && a.formula.Least < 0 }

// Constrain keeps the step positive and 0 within the codes.
func (a *lsqActivation) Constrain() {
	confine(a.step.Value, leastStep, mostStep, 1)
	if a.offset != nil {
		confine(a.offset.Value, -a.step.Value[0]*float32(quant.Activation(a.bits).Max()), 0, 0)
	}
}
