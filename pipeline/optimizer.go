// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/recipe"
)

// NewOptimizer returns the optimizer of a phase. Normalization and biases are not
// decayed; learned clips have a decay of their own. It runs on pool. It is an error if there is no optimizer of its name.
func NewOptimizer(p recipe.Phase, clipDecay float64, pool *graph.Pool) (optim.Optimizer, error) {
	groups := optim.Groups{graph.Weights: {Decay: p.Decay}, graph.Clips: {Decay: clipDecay}}
	switch p.Optimizer {
	case "sgd":
		return &optim.SGD{Momentum: p.Momentum, Nesterov: p.Nesterov, MaxNorm: p.ClipNorm, Groups: groups, Pool: pool}, nil
	case "adam":
		return &optim.Adam{MaxNorm: p.ClipNorm, Groups: groups, Pool: pool}, nil
	case "adamw":
		return &optim.AdamW{MaxNorm: p.ClipNorm, Groups: groups, Pool: pool}, nil
	}
	return nil, fmt.Errorf("pipeline: there is no optimizer %q; choose sgd, adam or adamw", p.Optimizer)
}

// schedule returns the learning rates of a phase with so many steps an epoch.
func schedule(p recipe.Phase, steps int) (optim.Schedule, error) {
	var s optim.Schedule
	switch p.Schedule {
	case "constant":
		s = optim.Constant{Rate: float32(p.LR)}
	case "step":
		s = optim.StepDecay{Rate: float32(p.LR), Factor: 0.1, Milestones: p.Milestones}
	case "cosine":
		s = optim.Cosine{Rate: float32(p.LR)}
	default:
		return nil, fmt.Errorf("pipeline: there is no schedule %q; choose constant, step or cosine", p.Schedule)
	}
	if p.Warmup > 0 {
		s = optim.Warmup{Steps: int(p.Warmup * float64(steps)), Next: s}
	}
	return s, nil
}
