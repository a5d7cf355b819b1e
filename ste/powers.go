// SPDX-License-Identifier: Apache-2.0

package ste

import "math"

// Powers quantizes to 0 and powers of two with b bits (Zhou et al. 2017,
// equations 1 to 4). With s = max|w|,
//
//	n1 = ⌊log2(4s/3)⌋
//	n2 = n1 + 1 − 2^(b−1)/2
//	y  = the nearest of 0, ±2^n2, …, ±2^n1, the greater where two are equally near
//
// A code is 0, or the sign times 1 for 2^n2, 2 for 2^(n2+1), and so on.
type Powers struct {
	Bits int
	Top  int // n1
}

// leastTop keeps all powers normal float32, whatever the weights are.
const leastTop = -100

// Fit finds the greatest power for the weights w.
func (p *Powers) Fit(w []float32) {
	p.Top = leastTop
	if s := float64(maxAbs(w)); s > 0 {
		p.Top = max(leastTop, int(math.Floor(math.Log2(4*s/3))))
	}
}

// Levels returns the number of powers.
func (p *Powers) Levels() int { return 1 << (p.Bits - 2) }

// Unit returns 2^n2, the least power.
func (p *Powers) Unit() float32 { return float32(math.Ldexp(1, p.Top+1-p.Levels())) }

// Code returns the code of w.
func (p *Powers) Code(w float32) int {
	a := float64(w) / float64(p.Unit()) // exact but for the subnormal
	sign := 1
	if a < 0 {
		sign, a = -1, -a
	}
	if a < 0.5 {
		return 0
	}
	fraction, exponent := math.Frexp(a) // a = fraction·2^exponent, fraction in [1/2, 1)
	if fraction >= 0.75 {
		exponent++
	}
	return sign * min(max(exponent, 1), p.Levels())
}

// Integer returns what a code stands for in units of the least power.
func (p *Powers) Integer(code int) int {
	switch {
	case code > 0:
		return 1 << (code - 1)
	case code < 0:
		return -1 << (-code - 1)
	default:
		return 0
	}
}
