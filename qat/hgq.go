// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"cmp"
	"math"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// HGQ is the method "hgq": how many bits the weights of each layer and each tensor have
// is learned along with the network, against a price (Sun et al. 2024,
// arXiv:2405.00645; the formulas are those of ste.HGQ). The loss has the term
//
//	Price · (Σ bits of all weights + Σ bits of an image's activations) / 10⁶,
//
// that is, the memory that the network takes, where the paper counts bit-operations: the
// term of a layer then depends on no other. Weights have scales as by "int", activations
// a learned clip as by "pact".
//
// Widths begin at the bits of the options and end at 2 at least. As they stand, rounded,
// every pass uses them, so that what is exported is what was trained; when observers
// freeze (Schedule.FreezeObserver), so do widths. Their gradients are divided by their
// price, of which a layer of ten times the size has ten times as much: a bit that is
// worth nothing goes at one pace in all layers, and one that is worth its price stays.
type HGQ settings.HGQ

// Info implements [Method].
func (HGQ) Info() Info {
	return Info{
		Name:           "hgq",
		For:            "learns the bits of every layer, against a price of memory; begins at the bits given",
		Paper:          "Sun et al. 2024, arXiv:2405.00645",
		WeightBits:     []int{2, 3, 4, 5, 6, 7, 8},
		ActivationBits: []int{2, 3, 4, 5, 6, 7, 8},
		Usual:          Widths{8, 8},
		Integers:       true,
	}
}

// Weights implements [Method].
func (h HGQ) Weights(g *graph.Graph, name string, o Options, shape []int) Weights {
	return &hgqWeights{learnedWidth: h.width(g, name, o, count(shape)), share: 1, scales: newSymmetricWeights(g, name, o, shape).(*symmetricWeights)}
}

// Activation implements [Method].
func (h HGQ) Activation(g *graph.Graph, name string, o Options) Activation {
	return &hgqActivation{
		pactActivation: *PACT{}.Activation(g, name, o).(*pactActivation),
		learnedWidth:   h.width(g, name, o, o.Size), size: o.Size,
	}
}

// width returns the width of so many values.
func (h HGQ) width(g *graph.Graph, name string, o Options, values int) learnedWidth {
	l := learnedWidth{most: float32(o.Bits), param: g.Param(name+".width", graph.Clips, 1), gain: 1e6 / (cmp.Or(h.Price, settings.DefaultHGQ().Price) * float64(max(1, values)))}
	l.param.Value[0] = l.most
	return l
}

const (
	// leastWidth is the least that a width may become.
	leastWidth = 2
	// mostMove is the most that a step changes a width by, whatever the optimizer does:
	// gradients of few values are noise for the most part.
	mostMove = 1.0 / 32
)

// learnedWidth is a number of bits that is learned.
type learnedWidth struct {
	param  *graph.Param
	most   float32
	gain   float64 // on the gradient by the loss: one over the price of a bit
	before float32 // in the run under way
	frozen bool
}

// bits returns the width in use.
func (l *learnedWidth) bits() int { return int(math.RoundToEven(float64(l.param.Value[0]))) }

// begin notes the width of a run; one that freezes ranges freezes it.
func (l *learnedWidth) begin(r *graph.Run) {
	if r.Mode != graph.Train || !r.Quantize {
		return
	}
	if l.frozen = !r.Observe; l.frozen {
		l.param.Value[0] = float32(l.bits())
	}
	l.before = l.param.Value[0]
}

// constrain bounds what the optimizer made of the width.
func (l *learnedWidth) constrain() {
	if l.frozen {
		l.param.Value[0] = l.before
	}
	if l.before != 0 {
		confine(l.param.Value, l.before-mostMove, l.before+mostMove, l.before)
	}
	confine(l.param.Value, leastWidth, l.most, l.most)
}

// hgqWeights are symmetric weights whose width is learned.
type hgqWeights struct {
	measured
	learnedWidth
	scales *symmetricWeights
	share  float64 // of the run in the step
}

func (h *hgqWeights) Bits() int                { return h.bits() }
func (h *hgqWeights) Params() []*graph.Param   { return []*graph.Param{h.param} }
func (h *hgqWeights) Constrain([]float32)      { h.constrain() }
func (h *hgqWeights) Start([]float32)          { h.param.Value[0] = h.most }
func (h *hgqWeights) format() *quant.Format    { return &h.scales.affine.Format }
func (h *hgqWeights) use()                     { *h.format() = quant.Weight(h.bits()) }
func (h *hgqWeights) Forward(dst, w []float32) { h.use(); h.scales.Forward(dst, w) }

// Begin implements [ste.Begun].
func (h *hgqWeights) Begin(r *graph.Run) {
	h.begin(r)
	h.share = float64(r.Batch) / float64(r.Images())
}

// Integers implements [Weights].
func (h *hgqWeights) Integers(codes []int16, w []float32) []float32 {
	h.use()
	return h.scales.Integers(codes, w)
}

// StepSizes implements [ste.Stepped].
func (h *hgqWeights) StepSizes(steps []float32) (all []float32, most int) {
	return h.scales.StepSizes(steps)
}

// Backward implements [Weights]: the gradient by the width is that of the loss, in units
// of the price, and 1 for all runs of a step together.
func (h *hgqWeights) Backward(dw, w, dy []float32, grad [][]float32) {
	most := float32(h.format().Max())
	size, sum := len(w)/h.scales.Channels(), 0.0
	for c, p := range h.scales.affine.Params {
		lo, hi := c*size, (c+1)*size
		f := ste.HGQ{Step: p.Scale, Least: -most, Most: most}
		_, width := f.Backward(dw[lo:hi], w[lo:hi], dy[lo:hi])
		sum += width
	}
	grad[0][0] = float32(h.gain*sum + h.share)
}

// hgqActivation clips a tensor at a learned α, and learns its width.
type hgqActivation struct {
	pactActivation
	learnedWidth
	size  int     // values of an image
	share float64 // of one value in the step
}

// Params implements [Activation]: the clip first.
func (h *hgqActivation) Params() []*graph.Param { return append(h.pactActivation.Params(), h.param) }

func (h *hgqActivation) Bits() int { return h.bits() }

// Constrain implements [Activation].
func (h *hgqActivation) Constrain() {
	h.pactActivation.Constrain()
	h.constrain()
}

// Begin implements [graph.Quantizer].
func (h *hgqActivation) Begin(r *graph.Run) {
	h.begin(r)
	h.share = 1 / float64(max(1, h.size*r.Images()))
	h.formula.Bits = h.bits()
	h.pactActivation.Begin(r)
}

// Backward implements [graph.Quantizer]: the parts of a step add up to the gradient by
// the loss, in units of the price, and 1.
func (h *hgqActivation) Backward(dx, src, dy []float32, grad []float64) {
	p, lo, hi := h.formula.Quantization()
	f := ste.HGQ{Step: p.Scale, Least: float32(lo - p.ZeroPoint), Most: float32(hi - p.ZeroPoint)}
	clip, width := f.Backward(dx, src, dy)
	grad[0] += clip
	grad[1] += h.gain*width + h.share*float64(len(src))
}

// Gate implements [graph.Gated]: the width takes sums of what passes, too.
func (h *hgqActivation) Gate() (l kernel.Limits, ok bool) { return l, false }

// Quantization implements [Activation].
func (h *hgqActivation) Quantization() Quantization {
	h.formula.Bits = h.bits()
	return h.pactActivation.Quantization()
}

// Observe starts the clip in a calibration, and the width with it.
func (h *hgqActivation) Observe(r *graph.Run, s graph.Stats) {
	if r.Calibrate {
		h.param.Value[0] = h.most
		h.formula.Bits = h.bits()
	}
	h.pactActivation.Observe(r, s)
}
