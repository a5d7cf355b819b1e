// SPDX-License-Identifier: Apache-2.0

package ste

import "github.com/goqat/goqat/internal/kernel"

// LSQ quantizes with a learned step s > 0 (Esser et al. 2020, section 2):
//
//	y  = s·clamp(RNE(x/s), −Qn, Qp)
//	dx = dy where −Qn < x/s < Qp, else 0
//	ds = Σ dy·(RNE(x/s) − x/s) there, −Qn·dy where x/s ≤ −Qn, Qp·dy where x/s ≥ Qp
//
// LSQ+ learns an offset β ≤ 0 too, which moves the codes 0 to Q over the values
// (Bhalgat et al. 2020, section 3.1). It is rounded to −s·z, z = RNE(−β/s) being
// the zero point, so that 0 stays exact and the codes less z are −z to Q − z:
//
//	y  = s·clamp(RNE(x/s), −z, Q − z)
//	ds = 0 instead of −Qn·dy, and Q·dy instead of Qp·dy: β is there, not s
//	dβ = Σ dy where x/s ≤ −z or x/s ≥ Q − z
//
// The factor 1/√(N·Qp) on the gradients of s and β is the caller's.
type LSQ struct {
	Step        float32 // s, or the power of two that is used for it
	Least, Most float32 // codes less the zero point, integers: −Qn and Qp, or −z and Q − z
	// Shifted says that an offset is learned too.
	Shifted bool
}

// Forward writes the quantized values of src to dst, which may be src.
func (l *LSQ) Forward(dst, src []float32) {
	kernel.FakeQuantize(dst, src, l.Step, l.Least, l.Most)
}

// Backward writes the gradient by src to dx, which may be dy, and returns the
// gradients by the step and, if Shifted, by the offset.
func (l *LSQ) Backward(dx, src, dy []float32) (dstep, doffset float64) {
	var s kernel.Spills
	s.Below, s.Inside, s.Above = kernel.StepBackward(dx, src, dy, l.Step, l.Least, l.Most)
	return l.Spill(s)
}

// Gate returns the limits of the values whose gradients Backward lets pass.
func (l *LSQ) Gate() kernel.Limits {
	least, most := kernel.Between(l.Step, l.Least, l.Most)
	return kernel.Limits{Least: least, Most: most, Step: l.Step}
}

// Spill returns the gradients by the step and, if Shifted, by the offset, of the sums at these limits.
func (l *LSQ) Spill(s kernel.Spills) (dstep, doffset float64) {
	below, above := float64(l.Least), float64(l.Most)
	if l.Shifted {
		below, above = 0, above-below
	}
	return s.Inside + s.Below*below + s.Above*above, s.Below + s.Above
}

// Codes writes the codes of src, less the zero point, to dst.
func (l *LSQ) Codes(dst []int16, src []float32) {
	encode(dst, src, l.Step, l.Least, l.Most)
}
