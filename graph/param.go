// SPDX-License-Identifier: Apache-2.0

package graph

// A Group says what a parameter is, so that optimizers can treat the groups
// differently: normalization and biases are usually not decayed, and learned
// clips have a decay of their own (Choi et al. 2018, PACT, section 3.2).
type Group uint8

// The groups of parameters.
const (
	Weights Group = iota // shadow weights of convolutions and linear layers
	Norms                // gamma and beta of batch normalization
	Biases               // biases of layers without batch normalization
	Clips                // learned ranges of quantizers: clips, steps, offsets
)

// String returns the group's name as recipes and logs spell it.
func (g Group) String() string {
	return [...]string{"weight", "norm", "bias", "clip"}[g]
}

// A Param is a trainable tensor of a graph: the full-precision shadow weights
// of a layer, for example.
type Param struct {
	Name  string
	Shape []int
	Group Group

	// Value holds the numbers, row-major; optimizers update it in place.
	Value []float32

	// Rate is a factor on the learning rate of optimizers; 0 means 1.
	Rate float64

	// Grad is the gradient of the loss by Value after a training run, and nil
	// before the first. It is memory of the graph: read it, do not write it.
	Grad []float32

	node *Node
}

// Node returns the graph node that holds the parameter.
func (p *Param) Node() *Node { return p.node }

// State is a named slice of numbers beside the parameters that a network must
// keep to run again as it did: running statistics, observed ranges. A checkpoint
// reads from Data and writes into it.
type State struct {
	Name string
	Data []float32
}
