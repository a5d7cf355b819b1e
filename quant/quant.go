// SPDX-License-Identifier: Apache-2.0

// Package quant is the border between real numbers and integer codes.
//
// A code q of a tensor with a scale and a zero point stands for the real number
//
//	real = scale · (q - zero point)
//
// Format.Quantize goes from real numbers to codes, the way fake quantization does it; Derive turns the scales and
// biases of a layer into the integers of a fixed.Requantizer, for the exporter, the exact integer mode of the
// training graph and the check of one against the other. The rounding of Derive is exact: it is done on big
// integers, once.
package quant

import "math/big"

// A Format is a range of integer codes of 1 to 16 bits: unsigned [0, 2^Bits-1]; signed [-2^(Bits-1), 2^(Bits-1)-1];
// signed and narrow [-(2^(Bits-1)-1), 2^(Bits-1)-1], symmetric about 0. Signed narrow codes of one bit are -1 and +1.
type Format struct {
	Bits   int
	Signed bool
	Narrow bool
}

// Activation returns the format of activations: unsigned codes of the given bits.
func Activation(bits int) Format { return Format{Bits: bits} }

// Weight returns the format of weights: signed narrow codes of the given bits.
func Weight(bits int) Format { return Format{Bits: bits, Signed: true, Narrow: true} }

// Min returns the least code.
func (f Format) Min() int32 {
	switch {
	case !f.Signed:
		return 0
	case f.Narrow:
		return -f.Max()
	default:
		return -1 << (f.Bits - 1)
	}
}

// Max returns the greatest code.
func (f Format) Max() int32 {
	switch {
	case !f.Signed:
		return 1<<f.Bits - 1
	case f.sign():
		return 1
	default:
		return 1<<(f.Bits-1) - 1
	}
}

func (f Format) sign() bool { return f.Signed && f.Narrow && f.Bits == 1 }

// Quantize returns the code of x: clamp(RNE(x/scale) + zero, Min, Max), x/scale rounded to float32. NaN becomes the
// zero point. Signed narrow codes of one bit are the sign of x; the sign of 0 and of NaN is +1.
func (f Format) Quantize(x, scale float32, zero int32) int32 {
	if f.sign() {
		if x/scale < 0 {
			return -1
		}
		return 1
	}
	switch r := RoundEven32(x / scale); {
	case r <= float32(f.Min()-zero):
		return f.Min()
	case r >= float32(f.Max()-zero):
		return f.Max()
	case r == r:
		return int32(r) + zero
	default:
		return zero
	}
}

// Params are the scale of a tensor, positive and finite, and the code of 0.
type Params struct {
	Scale     float32
	ZeroPoint int32
}

// Real returns the real number that a code stands for, rounded to float32.
func (p Params) Real(code int32) float32 { return p.Scale * float32(code-p.ZeroPoint) }

// RoundEven32 returns x rounded to the nearest integer, ties to even, exactly, for every x: numbers of magnitude
// 2^23 and above, infinities and NaN are returned as they are. A result of zero is +0.
func RoundEven32(x float32) float32 {
	// Next to 2^23 the spacing of float32 is 1, so that the addition rounds, in the processor's mode: ties to even.
	const spacing1 = 1 << 23
	switch {
	case x >= 0 && x < spacing1:
		return float32(x+spacing1) - spacing1
	case x < 0 && x > -spacing1:
		return float32(x-spacing1) + spacing1
	default:
		return x
	}
}

// Multiplier returns the real multiplier from an accumulator with input scale sx and weight scale sw to codes of
// scale sy, fl32(fl32(sx·sw)/sy). It agrees with ONNX Runtime and XNNPACK.
func Multiplier(sx, sw, sy float32) float32 {
	return float32(sx*sw) / sy
}

// AverageMultiplier returns the multiplier from the sum of n codes of scale sx to their average in codes of scale
// sy: sx/(sy·n) rounded once to float32. n is positive.
func AverageMultiplier(sx, sy float32, n int) float32 {
	r, d := new(big.Rat), new(big.Rat)
	if r.SetFloat64(float64(sx)) == nil || d.SetFloat64(float64(sy)) == nil || d.Sign() == 0 || n <= 0 {
		return sx / (sy * float32(n)) // NaN, an infinity or 0: Derive refuses the first two
	}
	d.Mul(d, new(big.Rat).SetInt64(int64(n)))
	m, _ := r.Quo(r, d).Float32()
	return m
}
