// SPDX-License-Identifier: Apache-2.0

package kernel

// mostWhole is the greatest magnitude of sums of integers that are exact in float32,
// whatever the order of their terms.
const mostWhole = 1 << 24

// wholeSteps make of a depthwise pass on real numbers one on integers that float32 holds:
// an output has so few products that their sum is exact there. 16 bits would gain nothing:
// their products need to be widened, channel by channel.
type wholeSteps struct {
	taps    int       // weights of a channel
	inverse float32   // of the step of the source
	weights []float32 // as whole numbers
	scale   []float32 // of the sums, by channel; zeros to the end of a panel
}

func newWholeSteps(c Conv) *wholeSteps {
	return &wholeSteps{taps: c.Taps(), weights: make([]float32, c.Weights()), scale: make([]float32, c.OutC+tileCols-1)}
}

// begin notes the steps of a run and returns the weights as whole numbers.
func (s *wholeSteps) begin(w []float32, steps Integers) []float32 {
	s.inverse = 1 / steps.Input
	for c := range len(w) / s.taps {
		step := steps.Weights[c%len(steps.Weights)]
		s.scale[c] = steps.Input * step
		WholeSteps(s.weights[c*s.taps:][:s.taps], w[c*s.taps:], 1/step)
	}
	return s.weights
}
