// SPDX-License-Identifier: Apache-2.0

package kernel

// mostWhole is the greatest magnitude of sums of integers that are exact in float32,
// whatever the order of their terms.
const mostWhole = 1 << 24

// wholeSteps make of a depthwise pass on real numbers one on integers that float32 holds:
// an output has so few products that their sum is exact there. 16 bits would gain nothing:
// their products need to be widened, channel by channel.
type wholeSteps struct {
	inverse        float32   // of the step of the source
	weights        []float32 // as whole numbers
	scale, nothing []float32 // by channel: of the sums, and 0
}

func newWholeSteps(c Conv) *wholeSteps {
	return &wholeSteps{weights: make([]float32, c.Weights()), scale: make([]float32, c.OutC), nothing: make([]float32, c.OutC)}
}

// begin notes the steps of a run and returns the weights as whole numbers.
func (s *wholeSteps) begin(w []float32, steps Integers) []float32 {
	s.inverse = 1 / steps.Input
	each := len(w) / len(s.scale)
	for c := range s.scale {
		step := steps.Weights[c%len(steps.Weights)]
		s.scale[c] = steps.Input * step
		WholeSteps(s.weights[c*each:][:each], w[c*each:], 1/step)
	}
	return s.weights
}

// scaleRows makes channels [from, to) of rows of sums, which lie one after the other, real
// numbers.
func (s *wholeSteps) scaleRows(dst []float32, rows []int32, from, to int) {
	if n := len(s.scale); to-from == n {
		dst = dst[:len(rows)*n]
		ScaleShift(dst, dst, s.scale, s.nothing)
		return
	}
	for _, at := range rows {
		row := dst[int(at)+from:][:to-from]
		ScaleShift(row, row, s.scale[from:to], s.nothing[from:to])
	}
}
