// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// State returns everything a checkpoint keeps beside the parameters.
func (n *Network) State() []graph.State {
	var states []graph.State
	for _, u := range n.Units {
		if u.Norm != nil {
			states = append(states,
				graph.State{Name: u.Name + ".mean", Data: u.Norm.Mean},
				graph.State{Name: u.Name + ".variance", Data: u.Norm.Variance})
		}
		if u.Quantizer != nil {
			states = append(states, u.Quantizer.State()...)
		}
		if u.Oscillations != nil && n.Policy.FreezeOscillating > 0 {
			states = append(states, u.Oscillations.State()...)
		}
		if q := u.Output.Quantizer; q != nil {
			states = append(states, q.State()...)
		}
	}
	return states
}

// Start sets what the quantizers of weights learn or keep from the weights as
// they are; call it when quantization starts. Quantizers of tensors forget what they
// followed, and start from the values they see in a calibration.
func (n *Network) Start() {
	for _, u := range n.Units {
		if u.Weight != nil && u.Norm != nil && u.Norm.PowerOfTwo {
			u.Norm.Absorb(u.Weight.Value)
		}
		if u.Quantizer != nil {
			u.Quantizer.Start(u.Weight.Value)
		}
		if q, ok := u.Quantizer.(qat.Fitter); ok {
			q.Fit(u.Weight.Value)
		}
		if u.Oscillations != nil {
			u.Oscillations.Start(u.Weight.Value, u.Quantizer)
		}
		if q, ok := u.Output.Quantizer.(qat.Restarter); ok {
			q.Restart()
		}
	}
}

// Steps returns the number of steps in which the weights are quantized, 0 if they
// are at once.
func (n *Network) Steps() int {
	steps := 0
	for _, u := range n.Units {
		if q, ok := u.Quantizer.(qat.Incremental); ok {
			steps = max(steps, q.Steps())
		}
	}
	return steps
}

// Advance takes the steps of quantizing the weights up to the k-th. Steps that were
// taken stay taken.
func (n *Network) Advance(k int) {
	for _, u := range n.Units {
		if q, ok := u.Quantizer.(qat.Incremental); ok {
			q.Advance(k, u.Weight.Value)
		}
	}
}

// Constrain brings what quantizers learn, and the weights they limit, back to
// their domain; call it after each step of the optimizer. Weights are limited where
// the pass of the step quantizes them.
func (n *Network) Constrain(p graph.Pass) {
	for _, u := range n.Units {
		if u.Quantizer != nil && p.Quantizes(u.Weight.Name) {
			u.Quantizer.Constrain(u.Weight.Value)
		}
		if q := u.Output.Quantizer; q != nil {
			q.Constrain()
		}
	}
}
