// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"cmp"
	"math"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// INQ is the method "inq": weights become 0 or powers of two in steps (Zhou et al.
// 2017, section 2; the formulas are those of ste.Powers). With each step the
// largest of a layer's weights, a growing part of them, are quantized and stay as
// they are, while the rest trains on in floating point. The greatest power, one
// for each filter, or as in the paper for each layer, is found from the weights at the
// start. The paper quantizes 50, 75, 87.5 and 100 % (section 3.1). Activations
// are quantized as by "int".
//
// Until the first step, and so in a training without any, all weights are
// quantized and train by the gradient of the quantized ones.
type INQ settings.INQ

// Info implements [Method].
func (INQ) Info() Info {
	return Info{
		Name:           "inq",
		For:            "weights that are powers of two, so that products are shifts; quantized step by step",
		Paper:          "Zhou et al. 2017, arXiv:1702.03044",
		WeightBits:     []int{2, 3, 4, 5},
		ActivationBits: Int{}.Info().ActivationBits,
		Usual:          Widths{5, 8},
		Integers:       true,
		Coding:         quant.Powers,
	}
}

// Weights implements [Method].
func (m INQ) Weights(_ *graph.Graph, name string, o Options, shape []int) Weights {
	return &inqWeights{
		name: name, formula: ste.Powers{Bits: o.Bits}, parts: m.steps(),
		top: make([]float32, o.scales(shape)), frozen: make([]float32, count(shape)), step: make([]float32, 1),
	}
}

// Activation implements [Method], as [Int] does.
func (INQ) Activation(g *graph.Graph, name string, o Options) Activation {
	return Int{}.Activation(g, name, o)
}

// steps returns the given parts, or the parts of the paper if none are given.
func (m INQ) steps() []float64 {
	if m.Steps == nil {
		return settings.DefaultINQ().Steps
	}
	return m.Steps
}

// Incremental is implemented by Weights that are quantized in steps.
type Incremental interface {
	// Steps is the number of steps.
	Steps() int
	// Advance takes all steps up to the k-th, from 1; it does nothing if they
	// are taken.
	Advance(k int, w []float32)
}

// inqWeights are powers of two.
type inqWeights struct {
	name    string
	formula ste.Powers
	parts   []float64

	// What a checkpoint keeps.
	top    []float32 // greatest exponent, by filter
	frozen []float32 // codes; free where a weight is not quantized yet
	step   []float32 // steps taken
}

// free marks weights that are not frozen.
const free = 1 << 7

func (q *inqWeights) Params() []*graph.Param { return nil }
func (q *inqWeights) Bits() int              { return q.formula.Bits }
func (q *inqWeights) Coding() quant.Coding   { return quant.Powers }
func (q *inqWeights) Steps() int             { return len(q.parts) }

func (q *inqWeights) State() []graph.State {
	return []graph.State{{Name: q.name + ".top", Data: q.top}, {Name: q.name + ".frozen", Data: q.frozen}, {Name: q.name + ".step", Data: q.step}}
}

// each calls f for every filter, with its powers.
func (q *inqWeights) each(f func(c, lo, hi int, p *ste.Powers)) {
	size := len(q.frozen) / len(q.top)
	for c, top := range q.top {
		q.formula.Top = int(top)
		f(c, c*size, (c+1)*size, &q.formula)
	}
}

// Start finds the powers for the weights as they are, none of which is frozen.
func (q *inqWeights) Start(w []float32) {
	q.each(func(c, lo, hi int, p *ste.Powers) {
		p.Fit(w[lo:hi])
		q.top[c] = float32(p.Top)
	})
	for i := range q.frozen {
		q.frozen[i] = free
	}
	q.step[0] = 0
}

// Advance freezes the largest of the layer's weights.
func (q *inqWeights) Advance(k int, w []float32) {
	if k = min(k, len(q.parts)); k <= int(q.step[0]) {
		return
	}
	q.step[0] = float32(k)
	order := make([]int, len(w))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if fa, fb := q.frozen[a] != free, q.frozen[b] != free; fa != fb { // frozen ones first
			if fa {
				return -1
			}
			return 1
		}
		return cmp.Compare(math.Abs(float64(w[b])), math.Abs(float64(w[a])))
	})
	freeze := make([]bool, len(w))
	for _, i := range order[:int(math.Ceil(q.parts[k-1]*float64(len(w))))] {
		freeze[i] = q.frozen[i] == free
	}
	q.each(func(_, lo, hi int, p *ste.Powers) {
		for i := lo; i < hi; i++ {
			if freeze[i] {
				q.frozen[i] = float32(p.Code(w[i]))
			}
		}
	})
	q.Constrain(w)
}

// value returns what weight i counts as.
func (q *inqWeights) value(i int, w float32, p *ste.Powers) float32 {
	switch {
	case q.frozen[i] != free:
		return p.Unit() * float32(p.Integer(int(q.frozen[i])))
	case q.step[0] == 0:
		return p.Unit() * float32(p.Integer(p.Code(w)))
	default:
		return w
	}
}

func (q *inqWeights) Forward(dst, w []float32) {
	q.each(func(_, lo, hi int, p *ste.Powers) {
		for i := lo; i < hi; i++ {
			dst[i] = q.value(i, w[i], p)
		}
	})
}

// StepSizes implements [ste.Stepped]: before the first step all weights are powers, then those
// that are frozen, in the end all again.
func (q *inqWeights) StepSizes(steps []float32) (all []float32, most int) {
	if q.step[0] != 0 && slices.Contains(q.frozen, free) {
		return steps, 0
	}
	q.each(func(_, _, _ int, p *ste.Powers) { steps = append(steps, p.Unit()) })
	return steps, q.formula.Integer(q.formula.Levels())
}

// Backward passes the gradient; Constrain undoes what it does to frozen weights
// (Zhou et al. 2017, equation 8).
func (q *inqWeights) Backward(dw, _, dy []float32, _ [][]float32) { copy(dw, dy) }

// Integers quantizes all weights, as if those that are not frozen yet were frozen now.
func (q *inqWeights) Integers(codes []int16, w []float32) []float32 {
	scale := make([]float32, len(q.top))
	q.each(func(c, lo, hi int, p *ste.Powers) {
		scale[c] = p.Unit()
		for i := lo; i < hi; i++ {
			code := int(q.frozen[i])
			if code == free {
				code = p.Code(w[i])
			}
			codes[i] = int16(p.Integer(code))
		}
	})
	return scale
}

// Constrain puts frozen weights back.
func (q *inqWeights) Constrain(w []float32) {
	q.each(func(_, lo, hi int, p *ste.Powers) {
		for i := lo; i < hi; i++ {
			if q.frozen[i] != free {
				w[i] = q.value(i, w[i], p)
			}
		}
	})
}
