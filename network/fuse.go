// SPDX-License-Identifier: Apache-2.0

package network

import "slices"

// FuseAdditions makes additions a part of the weighted operators before them: the
// operator that computes the last of an addition's inputs adds the others to its own
// sums, if nobody else reads that input and nothing lies between, so that all is rounded
// once, together. Another input becomes Sums if it is the bare sums of a weighted
// operator and nobody else reads it.
func (n *Network) FuseAdditions() {
	for _, add := range slices.Clone(n.Operators) {
		if add.Kind != Addition {
			continue
		}
		readers := n.Readers()
		owner := n.lastOf(add.Inputs)
		if owner == nil || !owner.Output.bare() || len(readers[owner.Output]) != 1 {
			continue
		}
		for _, in := range add.Inputs {
			if in == owner.Output {
				continue
			}
			owner.Inputs = append(owner.Inputs, in)
			in.Sums = in.bare() && len(readers[in]) == 1
		}
		owner.Activation = add.Activation
		n.Operators = slices.DeleteFunc(n.Operators, func(o *Operator) bool { return o == add })
		n.Replace(add.Output, owner.Output)
	}
}

// lastOf returns the last operator that computes one of the tensors.
func (n *Network) lastOf(tensors []*Tensor) *Operator {
	for _, o := range slices.Backward(n.Operators) {
		if slices.Contains(tensors, o.Output) {
			return o
		}
	}
	return nil
}
