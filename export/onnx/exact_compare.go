// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"math/big"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// compare lowers the comparison of a sum of terms with thresholds, in float64.
func (e *exact) compare(o *qmodel.Operator, terms []total, flat bool) error {
	t := o.Thresholds
	channels := t.Channels()
	s := scale(terms, t.M, make([]int64, channels), make([]uint8, channels))
	bits, err := s.bits()
	if err != nil {
		return err
	}
	e.sums.float64 = bits
	limits := make([][]float64, t.Planes())
	for n := range limits {
		limits[n] = make([]float64, channels)
		for c, level := range t.T[n] { // a threshold beyond every sum may move: it stays beyond
			limits[n][c] = float64(min(max(level, -maxFloat64), maxFloat64))
		}
	}
	sum := e.emit(&s, flat)
	dims := broadcast(channels, flat)
	e.signs(o, flat, func(n int) string {
		return e.node("GreaterOrEqual", []string{sum, e.float64s("threshold", dims, limits[n]...)})
	})
	return nil
}

// onePart says whether an operator compares one accumulator, of which float32 holds every sum.
func (e *exact) onePart(o *qmodel.Operator) bool {
	x := &e.model.Tensors[o.Inputs[0]]
	if !o.Weighted() || len(o.Inputs) > 1 || o.Weights.Sets() > 1 || x.Signs && x.Bits > 1 {
		return false
	}
	digits, err := split(o.Weights.Values(0), o.Weights.Shape[0], x)
	return err == nil && len(digits) == 1
}

// compareOne lowers the comparison of one accumulator with thresholds, in float32: acc·m >= T is ±acc >= T / |m|, with the
// sign given to the weights.
func (e *exact) compareOne(o *qmodel.Operator, flat bool) error {
	x, m := &e.model.Tensors[o.Inputs[0]], o.Thresholds.M[0]
	weights := append([]int16(nil), e.weights(o, 0)...)
	each := len(weights) / len(m)
	for i := range weights {
		if m[i/each] < 0 {
			weights[i] = -weights[i]
		}
	}
	digits, err := split(weights, len(m), x)
	if err != nil {
		return err
	}
	d := digits[0]
	acc := e.convolve(o, e.weight(o, d.values), 0)
	e.sums.float32 = widest(d.bound)
	dims := broadcast(len(m), flat)
	e.signs(o, flat, func(n int) string {
		limits := make([]float32, len(m))
		for c, level := range o.Thresholds.T[n] {
			limits[c] = float32(limit(level, m[c], d.bound[c], d.sums[c], x.Signs))
		}
		return e.node("GreaterOrEqual", []string{acc, e.float32s("threshold", dims, limits...)})
	})
	return nil
}

// limit returns the least v in [-bound, bound+1] for which acc·|m| >= level holds, bound+1 if it does for none in reach. The
// accumulator is v, or 2·v - sum of the weights where the input are signs.
func limit(level, m, bound, sum int64, signs bool) int64 {
	if m == 0 {
		if level <= 0 {
			return -bound
		}
		return bound + 1
	}
	least := ceil(big.NewInt(level), max(m, -m))
	if signs {
		least = ceil(least.Add(least, big.NewInt(sum)), 2)
	}
	switch {
	case least.Cmp(big.NewInt(-bound)) < 0:
		return -bound
	case least.Cmp(big.NewInt(bound)) > 0:
		return bound + 1
	}
	return least.Int64()
}

// ceil returns the least integer that is at least x / by, for by above 0.
func ceil(x *big.Int, by int64) *big.Int {
	q, r := new(big.Int).DivMod(x, big.NewInt(by), new(big.Int)) // 0 <= r < by
	if r.Sign() > 0 {
		q.Add(q, big.NewInt(1))
	}
	return q
}

// signs lowers the codes of an operator's signs, of which plane n is true where the tensor is that the function returns.
// Thresholds rise, so that a code with sign n has all below.
func (e *exact) signs(o *qmodel.Operator, flat bool, plane func(n int) string) {
	planes := o.Thresholds.Planes()
	if planes == 1 {
		e.cast(plane(0), onnxproto.TypeUint8)
	} else {
		code := e.byte8("code", 0)
		for n := range planes {
			code = e.node("Where", []string{plane(n), e.byte8("code", 1<<(n+1)-1), code})
		}
	}
	e.output(o.Output, flat)
}
