// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"
	"math/big"

	"github.com/goqat/goqat/fixed"
)

// A Term is one accumulator of a requantization: M is its multiplier to the output's codes (see Multiplier) and
// MaxAbs the greatest |accumulator| that can occur, in each channel. A slice of length 1 holds for all channels.
type Term struct {
	M      []float32
	MaxAbs []int64
}

// Derive returns the requantizer of a layer with the given output channels and terms, real bias per channel (nil for
// none) and output parameters and range; lo and hi bound the output's codes.
//
// In each channel all multipliers get one shift s: the least that makes every multiplier exact or, if smaller, the
// greatest, at most 62, at which the worst case of |Σ acc·m| + |b| stays below 2^62; then m = RNE(M·2^s). The bias is
// added to the accumulator, as RNE(bias/accScale), where there is one term, |accScale| <= out.Scale/256 and both the
// bias and the accumulator with it fit int32 in the worst case; else it is the constant b = RNE(bias·2^s/out.Scale).
// accScale[c] is the real value of an accumulator's unit, fl32(sx·sw[c]); nil, or 0 in a channel, chooses the
// constant, as does a multiplier of 0.
//
// A channel with a number that is not finite, an accumulator beyond int32 or no possible shift is an error that names
// the channel.
func Derive(channels int, terms []Term, bias []float64, accScale []float32, out Params, lo, hi int32) (fixed.Requantizer, error) {
	if err := checkShapes(channels, terms, bias, accScale, out); err != nil {
		return fixed.Requantizer{}, err
	}
	r := fixed.Requantizer{
		M: make([][]int64, len(terms)), Bias: make([]int64, channels), AccBias: make([]int32, channels),
		Shift: make([]uint8, channels), Zero: out.ZeroPoint, Lo: lo, Hi: hi,
	}
	most := bounds(terms, channels)
	for i := range terms {
		r.M[i] = make([]int64, channels)
	}
	for c := range channels {
		if err := deriveChannel(&r, c, terms, most, at(bias, c), at(accScale, c), out.Scale); err != nil {
			return fixed.Requantizer{}, fmt.Errorf("quant: channel %d: %w", c, err)
		}
	}
	if err := r.Check(most); err != nil {
		return fixed.Requantizer{}, fmt.Errorf("quant: derived requantizer: %w", err)
	}
	return r, nil
}

// at returns the value of channel c, 0 where there are none.
func at[T any](values []T, c int) T {
	switch len(values) {
	case 0:
		var zero T
		return zero
	case 1:
		return values[0]
	default:
		return values[c]
	}
}

func checkShapes(channels int, terms []Term, bias []float64, accScale []float32, out Params) error {
	if len(terms) == 0 {
		return fmt.Errorf("quant: requantization without terms")
	}
	for i, t := range terms {
		if len(t.M) != 1 && len(t.M) != channels || len(t.MaxAbs) != 1 && len(t.MaxAbs) != channels {
			return fmt.Errorf("quant: term %d has %d multipliers and %d bounds, want 1 or %d", i, len(t.M), len(t.MaxAbs), channels)
		}
	}
	if bias != nil && len(bias) != channels || accScale != nil && len(accScale) != channels {
		return fmt.Errorf("quant: %d biases and %d accumulator scales for %d channels", len(bias), len(accScale), channels)
	}
	if !(out.Scale > 0) || math.IsInf(float64(out.Scale), 0) {
		return fmt.Errorf("quant: output scale %v is not positive and finite", out.Scale)
	}
	return nil
}

// deriveChannel fills channel c of r.
func deriveChannel(r *fixed.Requantizer, c int, terms []Term, bounds [][]int64, bias float64, accScale, outScale float32) error {
	multipliers := make([]fixed.Multiplier, len(terms))
	maxAbs := make([]int64, len(terms))
	for i, t := range terms {
		m, err := fixed.MultiplierFromBits(math.Float32bits(at(t.M, c)))
		if err != nil {
			return fmt.Errorf("multiplier %v of term %d is not finite", at(t.M, c), i)
		}
		multipliers[i], maxAbs[i] = m, bounds[i][c]
	}
	constant := new(big.Rat)
	if constant.SetFloat64(bias) == nil {
		return fmt.Errorf("bias %v is not finite", bias)
	}
	if s := float64(accScale); math.IsNaN(s) || math.IsInf(s, 0) {
		return fmt.Errorf("accumulator scale %v is not finite", accScale)
	}
	if len(terms) == 1 && multipliers[0].Mantissa != 0 {
		if code, ok := accumulatorBias(constant, maxAbs[0], accScale, outScale); ok {
			r.AccBias[c] = code
			maxAbs[0] += max(int64(code), -int64(code))
			constant.SetInt64(0)
		}
	}
	constant.Quo(constant, new(big.Rat).SetFloat64(float64(outScale)))
	m := make([]int64, len(terms))
	for s := min(fixed.ExactShift(multipliers...), fixed.MaxShift); s >= 0; s-- {
		b := roundRat(constant, uint(s))
		ok := b.IsInt64()
		for i := range m {
			var fits bool
			m[i], fits = multipliers[i].At(s)
			ok = ok && fits
		}
		if !ok {
			continue
		}
		if _, ok := fixed.SumBound(m, maxAbs, b.Int64()); !ok {
			continue
		}
		for i := range m {
			r.M[i][c] = m[i]
		}
		r.Bias[c], r.Shift[c] = b.Int64(), uint8(s)
		return nil
	}
	return fmt.Errorf("no shift keeps the sum below 2^62: accumulators up to %d with multipliers %v, bias %v at output scale %v",
		maxAbs, at(terms[0].M, c), bias, outScale)
}

// accumulatorBias returns RNE(bias/accScale) where the contract's first form of a bias applies: accumulator steps of
// at most 1/256 of the output's, the bias and the accumulator with it within int32.
func accumulatorBias(bias *big.Rat, maxAbs int64, accScale, outScale float32) (int32, bool) {
	if accScale == 0 || 256*math.Abs(float64(accScale)) > float64(outScale) {
		return 0, false
	}
	code := roundRat(new(big.Rat).Quo(bias, new(big.Rat).SetFloat64(float64(accScale))), 0)
	if !code.IsInt64() {
		return 0, false
	}
	limit := math.MaxInt32 - maxAbs
	if v := code.Int64(); v >= -limit && v <= limit {
		return int32(v), true
	}
	return 0, false
}

// roundRat returns x·2^s rounded to the nearest integer, ties to even.
func roundRat(x *big.Rat, s uint) *big.Int {
	n := new(big.Int).Lsh(x.Num(), s)
	q, rest := n.DivMod(n, x.Denom(), new(big.Int))
	switch rest.Lsh(rest, 1).Cmp(x.Denom()) {
	case 1:
		q.Add(q, big.NewInt(1))
	case 0:
		q.Add(q, big.NewInt(int64(q.Bit(0))))
	}
	return q
}
