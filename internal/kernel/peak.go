// SPDX-License-Identifier: Apache-2.0

package kernel

// Peak keeps the multiply-add units busy with operands in registers for the
// given number of rounds and returns the floating-point operations it did. Its
// speed is what no kernel can exceed, the measure of the others.
func Peak(rounds int) (flops int) {
	if tier > Portable {
		return peakVector(rounds)
	}
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	v := float32(rounds)
	for range rounds {
		s0 += s0 * v
		s1 += s1 * v
		s2 += s2 * v
		s3 += s3 * v
		s4 += s4 * v
		s5 += s5 * v
		s6 += s6 * v
		s7 += s7 * v
	}
	return 16*rounds + int(s0+s1+s2+s3+s4+s5+s6+s7) // the sums are zero
}
