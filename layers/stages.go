// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
)

// SetStage has the network quantized as in a stage of its policy; beyond the last
// stage, and before the first call, with the final quantizers. Start and a
// calibration then initialize the quantizers that differ from the stage before.
func (n *Network) SetStage(stage int) {
	n.stage = min(stage, len(n.Policy.Stages))
	n.phased(func(q qat.Phased) { q.SetStage(stage) })
}

// InStage says whether the network is in a stage of its policy, so that its final
// quantizers are not in use.
func (n *Network) InStage() bool { return n.stage < len(n.Policy.Stages) }

// Active returns the parameters that the stage uses.
func (n *Network) Active() []*graph.Param {
	idle := map[*graph.Param]bool{}
	n.phased(func(q qat.Phased) {
		for _, p := range q.Idle() {
			idle[p] = true
		}
	})
	return slices.DeleteFunc(slices.Clone(n.Graph.Params()), func(p *graph.Param) bool { return idle[p] })
}

// phased calls f for the quantizers that change from stage to stage.
func (n *Network) phased(f func(qat.Phased)) {
	for _, u := range n.Units {
		if q, ok := u.Quantizer.(qat.Phased); ok {
			f(q)
		}
		if q, ok := u.Output.Quantizer.(qat.Phased); ok {
			f(q)
		}
	}
}
