// SPDX-License-Identifier: Apache-2.0

package optim_test

import (
	"fmt"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/optim"
)

// Minimizes (w-3)² by Nesterov momentum, with a learning rate that rises for two steps
// and then falls to 0.
func ExampleSGD() {
	w := &graph.Param{Name: "w", Value: []float32{0}, Grad: make([]float32, 1)}
	sgd := optim.SGD{Momentum: 0.25, Nesterov: true}
	rate := optim.Warmup{Steps: 2, Next: optim.Cosine{Rate: 0.3}}
	const total = 12
	for step := range total {
		w.Grad[0] = 2 * (w.Value[0] - 3)
		sgd.Step([]*graph.Param{w}, rate.At(step, total))
		if step%3 == 2 {
			fmt.Printf("step %2d: w = %.3f\n", step, w.Value[0])
		}
	}
	// Output:
	// step  2: w = 2.850
	// step  5: w = 3.015
	// step  8: w = 3.003
	// step 11: w = 3.002
}
