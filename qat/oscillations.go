// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
)

// Oscillations keep the weights of a layer from oscillating: a weight near the middle between
// two codes takes one and the other in turn, since the gradient at each leads to the other, and
// neither it nor the statistics of batch normalization settle (Nagel et al. 2022,
// arXiv:2203.11086). The weights are those of methods that round to multiples of a scale
// (Info.Steady).
type Oscillations struct {
	name  string
	codes []int16 // of the weights as they are

	// Of each weight: its code after the last step, the direction of the last change of it, −1, 0
	// for none yet, or 1, the frequency of turns, −1 for a frozen weight, whose code stays, and the
	// mean of the codes, both moving averages.
	code, direction, frequency, mean []float32
}

// OscillatingBits is the greatest width of weights that are kept from oscillating: those of more bits
// change their codes in most steps, and the error of one code is small.
const OscillatingBits = 4

// NewOscillations follows n weights; name is that of their state.
func NewOscillations(name string, n int) *Oscillations {
	o := &Oscillations{name: name, codes: make([]int16, n)}
	for _, s := range []*[]float32{&o.code, &o.direction, &o.frequency, &o.mean} {
		*s = make([]float32, n)
	}
	return o
}

// State is what a checkpoint keeps.
func (o *Oscillations) State() []graph.State {
	return []graph.State{
		{Name: o.name + ".code", Data: o.code}, {Name: o.name + ".direction", Data: o.direction},
		{Name: o.name + ".frequency", Data: o.frequency}, {Name: o.name + ".mean", Data: o.mean},
	}
}

// Start forgets what was followed and takes the weights w, as q rounds them, for the beginning.
func (o *Oscillations) Start(w []float32, q Weights) {
	q.Integers(o.codes, w)
	for i, code := range o.codes {
		o.code[i], o.direction[i], o.frequency[i], o.mean[i] = float32(code), 0, 0, float32(code)
	}
}

// earlyThreshold is the factor on the threshold at the beginning of the training.
const earlyThreshold = 10

// threshold returns the threshold that is in force when a part of the training is done: from ten times
// the final one down to it by half a cosine, so that only the wildest weights are frozen early (the
// paper goes from 0.1 to 0.01).
func threshold(final, progress float64) float32 {
	return float32(final * (1 + (earlyThreshold-1)*(1+math.Cos(math.Pi*progress))/2))
}

// Freeze follows the weights w after a step of the optimizer, as q rounds them, and freezes those
// that oscillate (section 4.3). A turn is a change of the code against the direction of the change
// before it, and a weight whose frequency of turns a step,
//
//	f ← m·turn + (1 − m)·f,
//
// exceeds the threshold gets the code nearest to the mean of its codes, by the same average, and
// keeps it: with each step it becomes that multiple of the scale in use. The final threshold is given; m is a quarter
// of it, so that one turn never freezes a weight. progress, from 0 to 1, is the part of the training
// that is done.
func (o *Oscillations) Freeze(w []float32, q Weights, final, progress float64) {
	scales := q.Integers(o.codes, w)
	size, limit, m := len(w)/len(scales), threshold(final, progress), float32(final/4)
	for i, code := range o.codes {
		if o.frequency[i] >= 0 {
			o.follow(i, float32(code), m)
			if o.frequency[i] > limit {
				o.code[i], o.frequency[i] = quant.RoundEven32(o.mean[i]), -1
			}
		}
		if o.frequency[i] < 0 {
			w[i] = o.code[i] * scales[i/size]
		}
	}
}

// follow takes in the code of weight i after a step.
func (o *Oscillations) follow(i int, code, m float32) {
	var direction, turn float32
	switch {
	case code > o.code[i]:
		direction = 1
	case code < o.code[i]:
		direction = -1
	}
	if direction*o.direction[i] < 0 {
		turn = 1
	}
	if direction != 0 {
		o.direction[i] = direction
	}
	o.code[i] = code
	o.frequency[i] = float32(m*turn) + float32((1-m)*o.frequency[i])
	o.mean[i] = float32(m*code) + float32((1-m)*o.mean[i])
}

// Frozen returns the number of frozen weights.
func (o *Oscillations) Frozen() int {
	n := 0
	for _, f := range o.frequency {
		if f < 0 {
			n++
		}
	}
	return n
}

// Dampen adds to the gradients of the weights w that of a loss which pulls them to the middle of
// their codes (section 4.2),
//
//	λ·Σ (ŵ − clip(w))²,
//
// ŵ being what q rounds them to, a constant here as its scale is. λ rises from 0 to most by half a cosine
// while progress goes from 0 to 1.
func (o *Oscillations) Dampen(grad, w []float32, q Weights, most, progress float64) {
	scales := q.Integers(o.codes, w)
	size, end := len(w)/len(scales), float32(quant.Weight(q.Bits()).Max())
	slope := float32(2 * most * (1 - math.Cos(math.Pi*progress)) / 2)
	for i, code := range o.codes {
		s := scales[i/size]
		clipped := min(max(w[i], -end*s), end*s)
		grad[i] += float32(slope * (clipped - float32(code)*s))
	}
}
