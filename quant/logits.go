// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"math"

	"github.com/goqat/goqat/fixed"
)

// finestLogits is the greatest k for which a step of the logits is 2^-k of an accumulator's.
const finestLogits = 8

// DeriveLogits returns the requantizer of a network's logits, and their common scale: the greatest |accScale[c]|, or 1
// where all are 0, times 2^-k. k is the greatest of 0 to 8 for which no logit can reach 2^31, whatever the image. In
// steps as coarse as accumulators have, biases would be rounded to whole steps, and the logits of a weak network be ties.
//
// Of images with steps of their own, the typical ones cannot reach it (see fixed.Requantizer.Bound); accScale is for these, too.
//
// terms returns the terms for a scale, the same accumulators each time. accScale has the scale of every accumulator of
// every channel. See Derive for what else is given and refused.
func DeriveLogits(channels int, terms func(scale float32) ([]Term, error), bias Bias, accScale []float32) (fixed.Requantizer, float32, error) {
	var whole float32
	for _, s := range accScale {
		whole = max(whole, s, -s)
	}
	if whole == 0 {
		whole = 1
	}
	for k := finestLogits; ; k-- {
		scale := float32(math.Ldexp(float64(whole), -k))
		t, err := terms(scale)
		if err != nil {
			return fixed.Requantizer{}, 0, err
		}
		r, err := Derive(channels, t, bias, Params{Scale: scale}, math.MinInt32, math.MaxInt32)
		if k == 0 || err == nil && scale >= leastNormal && r.Bound(bounds(t, channels)) <= math.MaxInt32 {
			return r, scale, err
		}
	}
}

// leastNormal is the least normal float32.
const leastNormal = 0x1p-126

// bounds returns the greatest |accumulator| of each term in each channel.
func bounds(terms []Term, channels int) [][]int64 {
	list := make([][]int64, len(terms))
	for i, t := range terms {
		list[i] = make([]int64, channels)
		for c := range channels {
			list[i][c] = at(t.MaxAbs, c)
		}
	}
	return list
}
