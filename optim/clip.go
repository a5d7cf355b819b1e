// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"math"

	"github.com/goqat/goqat/graph"
)

// Norm returns the Euclidean norm of all gradients together. The squares are
// summed in float64, in the order of params.
func Norm(params []*graph.Param) float64 {
	var sum float64
	for _, p := range params {
		for _, g := range p.Grad {
			sum += float64(float64(g) * float64(g))
		}
	}
	return math.Sqrt(sum)
}

// clip returns the factor that brings the common norm of all gradients down to
// limit, 1 where there is none, as torch.nn.utils.clip_grad_norm_ computes it:
// min(1, limit/(norm+1e-6)).
func clip(params []*graph.Param, limit float64) float64 {
	if limit == 0 {
		return 1
	}
	return min(1, limit/(Norm(params)+1e-6))
}
