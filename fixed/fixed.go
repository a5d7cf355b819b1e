// SPDX-License-Identifier: Apache-2.0

// Package fixed is the integer arithmetic of quantized networks, exact and free of floating point.
//
// A layer ends in a requantization: its accumulators, each times a fixed-point multiplier, are summed with a
// constant, rounded once and clamped to the codes of the output tensor,
//
//	q = clamp(zero + RNE((Σᵢ accᵢ·mᵢ + b) · 2^-s), lo, hi)
//
// where RNE rounds to the nearest integer, ties to even. Every other package that rounds, clamps or requantizes
// integers calls this one or is tested against it.
package fixed

import (
	"fmt"
	"math/bits"
)

const (
	// MaxShift is the largest shift of a requantization.
	MaxShift = 62
	// MaxSum bounds the sum before the shift: |Σ acc·m| + |b| < MaxSum.
	MaxSum = int64(1) << 62
)

// RoundShift returns x·2^-s rounded to the nearest integer, ties to even, for s in [0, 62] and every x.
func RoundShift(x int64, s uint8) int64 {
	if s == 0 {
		return x
	}
	half := int64(1) << (s - 1)
	floor := x >> s
	rest := x - floor<<s
	// The floor is one too small where rest > half, or rest = half and the floor is odd: half - rest - odd < 0.
	return floor + int64(uint64(half-rest-floor&1)>>63)
}

// Clamp returns x limited to [lo, hi].
func Clamp(x int64, lo, hi int32) int32 {
	return int32(min(max(x, int64(lo)), int64(hi)))
}

// Requantize returns clamp(zero + RNE(sum·2^-shift), lo, hi) for |sum| <= 2^62 and shift in [0, 62].
func Requantize(sum int64, shift uint8, zero, lo, hi int32) int32 {
	return Clamp(int64(zero)+RoundShift(sum, shift), lo, hi)
}

// A Multiplier is the number Mantissa·2^-Shift. The mantissa is odd, or 0 with Shift 0, and |Mantissa| < 2^24:
// every finite float32 is a Multiplier.
type Multiplier struct {
	Mantissa int32
	Shift    int
}

// MultiplierFromBits takes apart an IEEE 754 binary32 given by its bits. NaN and infinities are refused.
func MultiplierFromBits(float32bits uint32) (Multiplier, error) {
	exponent := int(float32bits >> 23 & 0xff)
	mantissa := int32(float32bits & (1<<23 - 1))
	switch exponent {
	case 0xff:
		return Multiplier{}, fmt.Errorf("fixed: multiplier with bits %#08x is not finite", float32bits)
	case 0:
		exponent = 1
	default:
		mantissa |= 1 << 23
	}
	if mantissa == 0 {
		return Multiplier{}, nil
	}
	zeros := bits.TrailingZeros32(uint32(mantissa))
	m := Multiplier{Mantissa: mantissa >> zeros, Shift: 150 - exponent - zeros}
	if float32bits>>31 != 0 {
		m.Mantissa = -m.Mantissa
	}
	return m, nil
}

// At returns RNE(m·2^shift), the multiplier as an integer at the given shift, and whether it stays below 2^62 in
// magnitude. It is exact for shift >= m.Shift.
func (m Multiplier) At(shift int) (int64, bool) {
	if m.Mantissa == 0 {
		return 0, true
	}
	up := shift - m.Shift
	switch {
	case up > 62-bits.Len32(magnitude(m.Mantissa)):
		return 0, false
	case up >= 0:
		return int64(m.Mantissa) << up, true
	case up >= -MaxShift:
		return RoundShift(int64(m.Mantissa), uint8(-up)), true
	default:
		return 0, true
	}
}

func magnitude(x int32) uint32 {
	if x < 0 {
		return -uint32(x)
	}
	return uint32(x)
}

// ExactShift returns the least shift >= 0 at which every multiplier is an integer. It can exceed MaxShift.
func ExactShift(terms ...Multiplier) int {
	shift := 0
	for _, m := range terms {
		shift = max(shift, m.Shift)
	}
	return shift
}
