// SPDX-License-Identifier: Apache-2.0

// Package optim updates parameters from their gradients.
//
// [SGD], [Adam] and [AdamW] follow PyTorch's definitions of the same names,
// so that published settings carry over. Learning rates come from a
// [Schedule], a pure function of the step.
//
//	sgd := optim.SGD{Momentum: 0.9, Nesterov: true,
//		Groups: optim.Groups{graph.Weights: {Decay: 5e-4}, graph.Clips: {Decay: 2e-4}}}
//	rate := optim.Warmup{Steps: 100, Next: optim.Cosine{Rate: 0.1}}
//	for step := range total {
//		// forward and backward
//		sgd.Step(params, rate.At(step, total))
//	}
//
// Settings are float64 and turned into float32 once a step; the arithmetic on
// parameters is float32 without fused multiply-add, so that it rounds alike on
// every machine.
package optim
