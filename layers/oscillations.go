// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// Dampen adds to the gradients of a step, before the optimizer takes it, those by which the policy
// dampens oscillations. progress, from 0 to 1, is the part of the training that is done.
func (n *Network) Dampen(p graph.Pass, progress float64) {
	if n.Policy.Dampen > 0 {
		n.steadied(p, func(u *Unit) {
			u.Oscillations.Dampen(u.Weight.Grad, u.Weight.Value, u.Quantizer, n.Policy.Dampen, progress)
		})
	}
}

// FreezeOscillating freezes the weights that oscillate, if the policy says so; call it after each
// step of the optimizer and Constrain.
func (n *Network) FreezeOscillating(p graph.Pass, progress float64) {
	if n.Policy.FreezeOscillating > 0 {
		n.steadied(p, func(u *Unit) {
			u.Oscillations.Freeze(u.Weight.Value, u.Quantizer, n.Policy.FreezeOscillating, progress)
		})
	}
}

// Frozen returns which part of the weights that could be frozen is, 0 where there are none.
func (n *Network) Frozen() float64 {
	frozen, all := 0, 0
	for _, u := range n.Units {
		if u.Oscillations != nil {
			frozen += u.Oscillations.Frozen()
			all += len(u.Weight.Value)
		}
	}
	return float64(frozen) / float64(max(1, all))
}

// steadied calls f for the units whose weights are kept from oscillating by a pass. In a stage of the
// policy there are none: the final quantizers are not in use.
func (n *Network) steadied(p graph.Pass, f func(*Unit)) {
	if n.InStage() {
		return
	}
	for _, u := range n.Units {
		if u.Oscillations != nil && p.Quantizes(u.Weight.Name) {
			f(u)
		}
	}
}

// checkSteady says that there is nothing to keep from oscillating where the policy asks for it.
func (n *Network) checkSteady() error {
	if n.Policy.Dampen == 0 && n.Policy.FreezeOscillating == 0 {
		return nil
	}
	for _, u := range n.Units {
		if u.Oscillations != nil {
			return nil
		}
	}
	return fmt.Errorf("layers: weights of at most %d bits are kept from oscillating (dampen, freeze_oscillating), and no layer has such", qat.OscillatingBits)
}
