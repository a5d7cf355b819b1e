// SPDX-License-Identifier: Apache-2.0

package graph

import "math"

// A Norm is batch normalization over every axis but the channels (Ioffe and
// Szegedy 2015). It is a stage of an epilogue.
type Norm struct {
	Gamma, Beta *Param
	// Mean and Variance are the running statistics, [Channels]; Variance is
	// the unbiased one, as PyTorch keeps it.
	Mean, Variance []float32
	// Momentum is the weight of a new batch in the running statistics.
	Momentum float32
	Epsilon  float32
}

// Norm makes the parameters and the statistics of a batch normalization of
// channels channels: gamma and variance 1, beta and mean 0.
func (g *Graph) Norm(name string, channels int) *Norm {
	n := &Norm{
		Gamma:    g.Param(name+".gamma", Norms, channels),
		Beta:     g.Param(name+".beta", Norms, channels),
		Mean:     make([]float32, channels),
		Variance: make([]float32, channels),
		Momentum: 0.1,
		Epsilon:  1e-5,
	}
	for c := range n.Gamma.Value {
		n.Gamma.Value[c] = 1
		n.Variance[c] = 1
	}
	return n
}

// Sigma returns the standard deviation of channel c by the running statistics,
// √(variance + ε). Training, evaluation and export use this one definition.
func (n *Norm) Sigma(c int) float64 {
	return math.Sqrt(float64(n.Variance[c]) + float64(n.Epsilon))
}

// update moves the running statistics towards those of a batch of count values
// a channel: mean and (biased) variance.
func (n *Norm) update(mean, variance []float64, count int) {
	m := float64(n.Momentum)
	unbiased := 1.0
	if count > 1 {
		unbiased = float64(count) / float64(count-1)
	}
	for c := range n.Mean {
		n.Mean[c] = float32(float64(n.Mean[c])*(1-m) + float64(mean[c]*m))
		n.Variance[c] = float32(float64(n.Variance[c])*(1-m) + float64(variance[c]*unbiased*m))
	}
}
