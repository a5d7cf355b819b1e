// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// symmetricWeights quantizes shadow weights to signed narrow codes with zero
// point 0 and a scale measured anew from the weights in every run:
//
//	scale = max|w| / (2^(b−1) − 1)
//
// With 4 bits and fewer the largest weights cost the others too much. There the
// scale is fitted: from the scale above, and from the one that is best for a
// normal distribution, rounding and the least-squares scale ⟨w, q⟩/⟨q, q⟩
// alternate, each of which can only lower Σ (w − scale·q)². The lower of the two
// errors counts, so that the fitted scale is never worse than the one above.
//
// A power of two is the next above max|w|/(2^(b−1) − 1), so that nothing is
// clipped, or the nearest to the fitted scale.
//
// A channel of zeros has the scale 1.
type symmetricWeights struct {
	measured
	affine     ste.Affine
	powerOfTwo bool
	ewgs       ste.EWGS
}

// fittedBits is the greatest width whose scale is fitted to the weights.
const fittedBits = 4

// fitRounds is the number of alternations from each start; the scale moves
// little after the first.
const fitRounds = 2

// normalStep is, by bits, the scale with the least mean square error for weights
// of a normal distribution with deviation 1 (Max 1960, table II, at 3, 7 and 15
// levels).
var normalStep = [fittedBits + 1]float64{2: 1.224, 3: 0.6508, 4: 0.3534}

func newSymmetricWeights(_ *graph.Graph, _ string, o Options, shape []int) Weights {
	return &symmetricWeights{
		affine:     ste.Affine{Format: quant.Weight(o.Bits), Params: make([]quant.Params, o.scales(shape))},
		powerOfTwo: o.PowerOfTwo, ewgs: o.ewgs(),
	}
}

func (s *symmetricWeights) Bits() int { return s.affine.Format.Bits }

func (s *symmetricWeights) Forward(dst, w []float32) {
	s.measure(w)
	s.affine.Forward(dst, w)
}

func (s *symmetricWeights) Backward(dw, w, dy []float32, _ [][]float32) {
	s.affine.Backward(dw, w, dy)
	s.ewgs.ScaleAffine(dw, w, &s.affine)
}

func (s *symmetricWeights) Integers(codes []int16, w []float32) []float32 {
	s.measure(w)
	s.affine.Codes(codes, w)
	scale := make([]float32, len(s.affine.Params))
	for c, p := range s.affine.Params {
		scale[c] = p.Scale
	}
	return scale
}

// StepSizes implements [ste.Stepped].
func (s *symmetricWeights) StepSizes(steps []float32) (all []float32, most int) {
	return s.affine.StepSizes(steps)
}

func (s *symmetricWeights) Channels() int { return len(s.affine.Params) }

func (s *symmetricWeights) ForwardChannel(c int, dst, w []float32) {
	s.affine.Params[c].Scale = s.scale(w)
	a := s.affine.Channel(c)
	a.Forward(dst, w)
}

func (s *symmetricWeights) BackwardChannel(c int, dw, w, dy []float32, _ [][]float32) {
	a := s.affine.Channel(c)
	a.Backward(dw, w, dy)
	s.ewgs.ScaleAffine(dw, w, &a)
}

// measure sets the scale of each channel.
func (s *symmetricWeights) measure(w []float32) {
	size := len(w) / len(s.affine.Params)
	for c := range s.affine.Params {
		s.affine.Params[c].Scale = s.scale(w[c*size : (c+1)*size])
	}
}

// covering returns the scale that clips nothing, 1 for zeros.
func (s *symmetricWeights) covering(w []float32) float32 {
	lo, hi := kernel.MinMax(w)
	scale := float32(float64(max(-lo, hi)) / float64(s.affine.Format.Max()))
	if !(scale >= leastScale) {
		return 1
	}
	return scale
}

func (s *symmetricWeights) scale(w []float32) float32 {
	lo, hi := kernel.MinMax(w)
	scale := float32(float64(max(-lo, hi)) / float64(s.affine.Format.Max()))
	if s.Bits() <= fittedBits {
		normal := float32(normalStep[s.Bits()] * math.Sqrt(kernel.SumSquares(w)/float64(len(w))))
		scale = s.fit(w, [2]float32{scale, normal})
	}
	switch {
	case s.powerOfTwo && s.Bits() <= fittedBits:
		scale = float32(quant.PowerOfTwo(float64(scale)))
	case s.powerOfTwo:
		scale = float32(quant.PowerOfTwoAbove(float64(scale)))
	}
	if !(scale >= leastScale) {
		return 1
	}
	return scale
}

// fit alternates from two scales, and returns what becomes of that one from which the last ⟨w, q⟩²/⟨q, q⟩ is
// greater, by which it lowers the error from Σ w²; 0 where all codes are.
func (s *symmetricWeights) fit(w []float32, scales [2]float32) float32 {
	most := float32(s.affine.Format.Max())
	var gain [2]float64
	for range fitRounds {
		wq, qq := kernel.QuantizedDots(w, scales, most)
		for i, scale := range scales {
			if !(scale >= leastScale) || qq[i] == 0 {
				scales[i], gain[i] = 0, 0
				continue
			}
			scales[i], gain[i] = float32(wq[i]/qq[i]), wq[i]*wq[i]/qq[i]
		}
	}
	if gain[1] > gain[0] {
		return scales[1]
	}
	return scales[0]
}
