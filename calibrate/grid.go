// SPDX-License-Identifier: Apache-2.0

package calibrate

import "math"

// A Grid is what numbers are rounded to: the multiples of a scale, as many as
// there are codes.
type Grid struct {
	// Bits is the width of the codes, 1 to 16.
	Bits int
	// Symmetric says that the codes are −(2^(Bits−1) − 1) to 2^(Bits−1) − 1, as
	// those of weights are. Otherwise they are 0 to 2^Bits − 1, and one of them,
	// the zero point, stands for 0.
	Symmetric bool
}

// codes returns the least and the greatest code.
func (g Grid) codes() (lo, hi float64) {
	if g.Symmetric {
		most := max(1, math.Exp2(float64(g.Bits-1))-1)
		return -most, most
	}
	return 0, math.Exp2(float64(g.Bits)) - 1
}
