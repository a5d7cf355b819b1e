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
//
// A Divisor above 0 says that images have steps of their own, N/D units of the term's scale with D at least the divisor
// (fixed.Step); then M is for a step of one unit.
type Term struct {
	M       []float32
	MaxAbs  []int64
	Divisor int32
}

// A Bias is what is added to the terms of each channel. AccScale[c] is the real value of a unit of the first term's
// accumulator, fl32(sx·sw[c]); nil, or 0 in a channel, is one that is not known.
type Bias struct {
	Real     []float64 // nil for none
	AccScale []float32
	// Whole biases are a whole number of units of the first term's accumulator, RNE(bias/accScale), wherever that scale is
	// known: other runtimes store no others. In a channel whose multiplier is 0 they are whole steps of the output.
	Whole bool
}

// Derive returns the requantizer of a layer with the given output channels and terms, bias and output parameters and
// range; lo and hi bound the output's codes.
//
// In each channel all multipliers get one shift s: the least that makes every multiplier exact or, if smaller, the
// greatest, at most 62, at which the worst case of |Σ acc·m| + |b| stays below 2^62; then m = RNE(M·2^s). The bias is
// added to the accumulator, as RNE(bias/accScale), where there is one term, |accScale| <= out.Scale/256 and both the
// bias and the accumulator with it fit int32 in the worst case; else it is the constant b = RNE(bias·2^s/out.Scale),
// as where the scale is not known or the multiplier is 0. Of a whole bias that does not fit int32 there is no requantizer;
// beside other terms it is the constant RNE(bias/accScale)·m of the first.
//
// The multiplier of a term with a divisor is that of a step of 2^31 units, m = RNE(M·2^(s+31)). Its worst case is the greatest
// step, and s the greatest at which that keeps the bound. A bias beside it is the constant b.
//
// A channel with a number that is not finite, an accumulator beyond int32 or no possible shift is an error that names
// the channel.
func Derive(channels int, terms []Term, bias Bias, out Params, lo, hi int32) (fixed.Requantizer, error) {
	if err := checkShapes(channels, terms, bias, out); err != nil {
		return fixed.Requantizer{}, err
	}
	r := fixed.Requantizer{
		M: make([][]int64, len(terms)), Bias: make([]int64, channels), AccBias: make([]int32, channels),
		Shift: make([]uint8, channels), Zero: out.ZeroPoint, Lo: lo, Hi: hi,
	}
	most := bounds(terms, channels)
	for i, t := range terms {
		r.M[i] = make([]int64, channels)
		if t.Divisor != 0 && r.Divisors == nil {
			r.Divisors = make([]int32, len(terms))
		}
		if t.Divisor != 0 {
			r.Divisors[i] = t.Divisor
		}
	}
	for c := range channels {
		if err := deriveChannel(&r, c, terms, most, bias, out.Scale); err != nil {
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

func checkShapes(channels int, terms []Term, bias Bias, out Params) error {
	if len(terms) == 0 {
		return fmt.Errorf("quant: requantization without terms")
	}
	for i, t := range terms {
		if len(t.M) != 1 && len(t.M) != channels || len(t.MaxAbs) != 1 && len(t.MaxAbs) != channels {
			return fmt.Errorf("quant: term %d has %d multipliers and %d bounds, want 1 or %d", i, len(t.M), len(t.MaxAbs), channels)
		}
	}
	if bias.Real != nil && len(bias.Real) != channels || bias.AccScale != nil && len(bias.AccScale) != channels {
		return fmt.Errorf("quant: %d biases and %d accumulator scales for %d channels", len(bias.Real), len(bias.AccScale), channels)
	}
	if !(out.Scale > 0) || math.IsInf(float64(out.Scale), 0) {
		return fmt.Errorf("quant: output scale %v is not positive and finite", out.Scale)
	}
	return nil
}

// A channel is what one channel of a requantizer is derived from.
type channel struct {
	terms       []Term
	multipliers []fixed.Multiplier // of the terms
	most        []int64            // of the accumulators, with the bias that is added to the first
	constant    *big.Rat           // bias beside the terms: real, then in steps of the output
	units       *big.Int           // bias in units of the first accumulator, beside the terms, too
	added       int32              // bias in units of the first accumulator, added to it
}

// deriveChannel fills channel c of r.
func deriveChannel(r *fixed.Requantizer, c int, terms []Term, bounds [][]int64, bias Bias, outScale float32) error {
	k, err := newChannel(c, terms, bounds, at(bias.Real, c))
	if err != nil {
		return err
	}
	accScale := at(bias.AccScale, c)
	if s := float64(accScale); math.IsNaN(s) || math.IsInf(s, 0) {
		return fmt.Errorf("accumulator scale %v is not finite", accScale)
	}
	known := accScale != 0 && k.multipliers[0].Mantissa != 0
	if known && (bias.Whole || len(terms) == 1 && 256*math.Abs(float64(accScale)) <= float64(outScale)) {
		if err := k.toUnits(accScale, bias.Whole); err != nil {
			return err
		}
	}
	k.constant.Quo(k.constant, new(big.Rat).SetFloat64(float64(outScale)))
	if bias.Whole && k.multipliers[0].Mantissa == 0 {
		k.constant.SetInt(roundRat(k.constant, 0))
	}
	greatest := min(fixed.ExactShift(k.multipliers...), fixed.MaxShift)
	if r.Divisors != nil { // nothing is exact of a step that is not known
		greatest = fixed.MaxShift
	}
	for s := greatest; s >= 0; s-- {
		m, b, ok := k.at(s)
		if !ok {
			continue
		}
		for i := range m {
			r.M[i][c] = m[i]
		}
		r.AccBias[c], r.Bias[c], r.Shift[c] = k.added, b, uint8(s)
		return nil
	}
	return fmt.Errorf("no shift keeps the sum below 2^62: accumulators up to %d with multipliers %v, bias %v at output scale %v",
		k.most, at(terms[0].M, c), at(bias.Real, c), outScale)
}

// newChannel returns channel c of some terms, whose bias is beside them.
func newChannel(c int, terms []Term, bounds [][]int64, bias float64) (*channel, error) {
	k := &channel{terms: terms, constant: new(big.Rat), units: new(big.Int)}
	for i, t := range terms {
		m, err := fixed.MultiplierFromBits(math.Float32bits(at(t.M, c)))
		if err != nil {
			return nil, fmt.Errorf("multiplier %v of term %d is not finite", at(t.M, c), i)
		}
		k.multipliers, k.most = append(k.multipliers, m), append(k.most, bounds[i][c])
	}
	if k.constant.SetFloat64(bias) == nil {
		return nil, fmt.Errorf("bias %v is not finite", bias)
	}
	return k, nil
}

// toUnits makes the bias units of the first accumulator, of a known scale, where int32 holds them: added to it where there
// are no other terms, else beside them.
func (k *channel) toUnits(accScale float32, whole bool) error {
	units := roundRat(new(big.Rat).Quo(k.constant, new(big.Rat).SetFloat64(float64(accScale))), 0)
	switch fits := fitsInt32(units, k.most[0]); {
	case fits && len(k.terms) == 1:
		k.added = int32(units.Int64())
		k.most[0] += abs(units.Int64())
		k.constant.SetInt64(0)
	case fits: // whole
		k.units = units
		k.constant.SetInt64(0)
	case whole:
		return fmt.Errorf("a bias of %v units of the accumulator, which int32 does not hold beside the accumulator; leave biases free", units)
	}
	return nil
}

// at returns the multipliers and the constant of a shift, and false if the sum could reach 2^62 with it.
func (k *channel) at(s int) (m []int64, b int64, ok bool) {
	m, worst := make([]int64, len(k.terms)), make([]int64, len(k.terms))
	for i, t := range k.terms {
		var fits bool
		if t.Divisor == 0 {
			m[i], fits = k.multipliers[i].At(s)
			worst[i] = m[i]
		} else if m[i], fits = k.multipliers[i].At(s + 31); fits {
			worst[i] = fixed.Step{N: fixed.MostValue, D: t.Divisor}.Scale(m[i])
		}
		if !fits {
			return nil, 0, false
		}
	}
	sum := roundRat(k.constant, uint(s))
	sum.Add(sum, new(big.Int).Mul(k.units, big.NewInt(m[0])))
	if !sum.IsInt64() {
		return nil, 0, false
	}
	_, ok = fixed.SumBound(worst, k.most, sum.Int64())
	return m, sum.Int64(), ok
}

// fitsInt32 says whether int32 holds a bias and an accumulator with it.
func fitsInt32(bias *big.Int, maxAbs int64) bool {
	limit := math.MaxInt32 - maxAbs
	return bias.IsInt64() && abs(bias.Int64()) <= limit && bias.Int64() != math.MinInt64
}

func abs(x int64) int64 { return max(x, -x) }

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
