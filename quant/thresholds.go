// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"
	"math/big"

	"github.com/goqat/goqat/fixed"
)

// DeriveThresholds returns the step from a layer's accumulators to signs: bit n of the code is 1 where
//
//	Σᵢ acc_i·M_i + bias >= levels[n]
//
// M being the real value of an accumulator's unit; levels rise, and bias is per channel, nil for none. With one term
// the comparison is exactly the comparison of the real numbers: the multiplier becomes the sign of M and the threshold
// the accumulator from which on the comparison holds. With several, the multipliers get one shift as in Derive, and the rest is exact.
//
// A number that is not finite, falling levels or an accumulator beyond int32 is an error that names the channel.
func DeriveThresholds(channels int, terms []Term, bias []float64, levels []float64) (fixed.Thresholds, error) {
	if err := checkShapes(channels, terms, Bias{Real: bias}, Params{Scale: 1}); err != nil {
		return fixed.Thresholds{}, err
	}
	t := fixed.Thresholds{M: make([][]int64, len(terms)), T: make([][]int64, len(levels))}
	bounds := make([][]int64, len(terms))
	for i, term := range terms {
		t.M[i], bounds[i] = make([]int64, channels), make([]int64, channels)
		for c := range channels {
			bounds[i][c] = at(term.MaxAbs, c)
		}
	}
	for n := range levels {
		if n > 0 && !(levels[n] >= levels[n-1]) {
			return fixed.Thresholds{}, fmt.Errorf("quant: levels %v of signs do not rise", levels)
		}
		t.T[n] = make([]int64, channels)
	}
	for c := range channels {
		if err := thresholdChannel(&t, c, terms, at(bias, c), levels); err != nil {
			return fixed.Thresholds{}, fmt.Errorf("quant: channel %d: %w", c, err)
		}
	}
	if err := t.Check(bounds); err != nil {
		return fixed.Thresholds{}, fmt.Errorf("quant: derived thresholds: %w", err)
	}
	return t, nil
}

// thresholdChannel fills channel c of t.
func thresholdChannel(t *fixed.Thresholds, c int, terms []Term, bias float64, levels []float64) error {
	rest := make([]*big.Rat, len(levels)) // levels - bias
	for n, level := range levels {
		b, l := new(big.Rat), new(big.Rat)
		if b.SetFloat64(bias) == nil || l.SetFloat64(level) == nil {
			return fmt.Errorf("bias %v or level %v is not finite", bias, level)
		}
		rest[n] = l.Sub(l, b)
	}
	multipliers, maxAbs := make([]fixed.Multiplier, len(terms)), make([]int64, len(terms))
	for i, term := range terms {
		m, err := fixed.MultiplierFromBits(math.Float32bits(at(term.M, c)))
		if err != nil {
			return fmt.Errorf("multiplier %v of term %d is not finite", at(term.M, c), i)
		}
		multipliers[i], maxAbs[i] = m, at(term.MaxAbs, c)
	}
	if len(terms) == 1 && multipliers[0].Mantissa != 0 {
		unit := new(big.Rat).SetFloat64(math.Abs(float64(at(terms[0].M, c))))
		for n := range rest {
			rest[n].Quo(rest[n], unit)
		}
		multipliers[0] = fixed.Multiplier{Mantissa: 1 - 2*int32(math.Float32bits(at(terms[0].M, c))>>31)}
	}
	m := make([]int64, len(terms))
	for s := min(fixed.ExactShift(multipliers...), fixed.MaxShift); s >= 0; s-- {
		ok := true
		for i := range m {
			var fits bool
			m[i], fits = multipliers[i].At(s)
			ok = ok && fits
		}
		if !ok {
			continue
		}
		most, ok := fixed.SumBound(m, maxAbs, 0)
		if _, fits := fixed.SumBound(m, maxAbs, most+1); !ok || !fits {
			continue
		}
		for i := range m {
			t.M[i][c] = m[i]
		}
		for n := range rest {
			t.T[n][c] = threshold(rest[n], uint(s), most)
		}
		return nil
	}
	return fmt.Errorf("no shift keeps the sum below 2^62: accumulators up to %d", maxAbs)
}

// threshold returns the least integer >= x·2^s, moved to the nearest of those that differ in effect for sums within
// [-most, most]: -most always holds, most + 1 never.
func threshold(x *big.Rat, s uint, most int64) int64 {
	n := new(big.Int).Lsh(x.Num(), s)
	n.Neg(n).Div(n, x.Denom()).Neg(n) // ceiling: Div rounds down for a positive divisor
	switch {
	case n.Cmp(big.NewInt(-most)) < 0:
		return -most
	case n.Cmp(big.NewInt(most+1)) > 0:
		return most + 1
	default:
		return n.Int64()
	}
}
