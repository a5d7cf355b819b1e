// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"math"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/quant"
	"github.com/goqat/goqat/ste"
)

// symmetricWeights quantizes shadow weights to signed narrow codes with zero
// point 0 and a scale measured anew from the weights in every run:
//
//	scale = max|w| / (2^(b−1) − 1)
//
// With 4 bits and fewer the largest weights cost the others too much. There the
// scale is fitted: starting from 2·mean|w|/√(2^(b−1) − 1) (Esser et al. 2020,
// section 2.1), rounding and the least-squares scale ⟨w, q⟩/⟨q, q⟩ alternate,
// each of which can only lower Σ (w − scale·q)².
//
// A channel of zeros has the scale 1.
type symmetricWeights struct {
	measured
	affine ste.Affine
}

// fittedBits is the greatest width whose scale is fitted to the weights.
const fittedBits = 4

// fitRounds is the number of alternations; the scale moves little after three.
const fitRounds = 4

func newSymmetricWeights(_ *graph.Graph, _ string, o Options, shape []int) Weights {
	return &symmetricWeights{affine: ste.Affine{Format: quant.Weight(o.Bits), Params: make([]quant.Params, o.scales(shape))}}
}

func (s *symmetricWeights) Bits() int { return s.affine.Format.Bits }

func (s *symmetricWeights) Forward(dst, w []float32) {
	s.measure(w)
	s.affine.Forward(dst, w)
}

func (s *symmetricWeights) Backward(dw, w, dy []float32, _ [][]float32) {
	s.affine.Backward(dw, w, dy)
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

// measure sets the scale of each channel.
func (s *symmetricWeights) measure(w []float32) {
	size := len(w) / len(s.affine.Params)
	for c := range s.affine.Params {
		s.affine.Params[c].Scale = s.scale(w[c*size : (c+1)*size])
	}
}

func (s *symmetricWeights) scale(w []float32) float32 {
	var most, sum float64
	for _, v := range w {
		a := math.Abs(float64(v))
		most = max(most, a)
		sum += a
	}
	top := float64(s.affine.Format.Max())
	scale := float32(most / top)
	if s.Bits() <= fittedBits {
		scale = float32(2 * sum / float64(len(w)) / math.Sqrt(top))
		for range fitRounds {
			scale = s.fit(w, scale)
		}
	}
	if !(scale >= leastScale) {
		return 1
	}
	return scale
}

// fit returns the least-squares scale for the codes that scale gives, or scale
// itself where all codes are 0.
func (s *symmetricWeights) fit(w []float32, scale float32) float32 {
	if scale == 0 {
		return 0
	}
	most := float32(s.affine.Format.Max())
	var wq, qq float64
	for _, v := range w {
		q := float64(min(max(quant.RoundEven32(v/scale), -most), most))
		wq += float64(v) * q
		qq += q * q
	}
	if qq == 0 {
		return scale
	}
	return float32(wq / qq)
}
