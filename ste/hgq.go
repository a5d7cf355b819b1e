// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"math"

	"github.com/goqat/goqat/internal/kernel"
)

// HGQ quantizes within a clip α > 0 to a width of b bits that is learned (Sun et al. 2024,
// arXiv:2405.00645, section 4; Uhlich et al. 2020, arXiv:1905.11452, for a learned
// range). The step and the codes are those of the width rounded to b̂ = RNE(b), so that
// every pass is one of whole bits:
//
//	y  = s·clamp(RNE(x/s), −M or 0, M)   s = α/M   M = 2^b̂ − 1, signed 2^(b̂−1) − 1
//	dx = dy where the codes do not clamp, else 0
//	db = Σ dy·(RNE(x/s) − x/s)·ds/db there   ds/db = −ln 2 · s·(M + 1)/M
//	dα = Σ dy where x is clamped at M, less Σ dy where at −M
//
// The rounding error RNE(x/s) − x/s is taken for a constant: what a bit more is worth is
// the loss by the error, (x − y)·ln 2 but for (M + 1)/M, since a bit more halves it. The
// rounding of b passes the gradient straight through. dα is that of PACT.
type HGQ struct {
	Step        float32 // s
	Least, Most float32 // codes less the zero point: 0 or −M, and M
}

// Backward writes the gradient by src to dx, which may be dy, and returns the gradients
// by the clip and by the width.
func (h *HGQ) Backward(dx, src, dy []float32) (dclip, dwidth float64) {
	under, inside, over := kernel.StepBackward(dx, src, dy, h.Step, h.Least, h.Most)
	if h.Least < 0 {
		dclip = -under
	}
	return dclip + over, -math.Ln2 * inside * float64(h.Step) * float64(h.Most+1) / float64(h.Most)
}
