// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/goqat/goqat/quant"
)

// A Norm is batch normalization over every axis but the channels (Ioffe and
// Szegedy 2015). It is a part of an epilogue.
type Norm struct {
	Gamma, Beta *Param
	// Mean and Variance are the running statistics, [Channels]; Variance is
	// the unbiased one, as PyTorch keeps it.
	Mean, Variance []float32
	// Momentum is the weight of a new batch in the running statistics.
	Momentum float32
	Epsilon  float32
	// PowerOfTwo restricts the gain γ/σ, while quantizers are on, to powers of
	// two: it is multiplied by what takes γ/σ with the running σ to the nearest
	// one, a factor within √2 that the gradient takes for a constant. Its
	// integer form is a shift, as in the shift-based batch normalization of
	// Courbariaux et al. 2016, algorithm 3.
	PowerOfTwo bool
	// Frozen makes this normalization use its running statistics in training too, and
	// leave them as they are, as Pass.FreezeNorm does to all.
	Frozen bool
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

// Gain returns the factor of channel c by the running statistics, γ/σ, as it
// is in use while quantizers are on.
func (n *Norm) Gain(c int) float64 {
	gain := float64(n.Gamma.Value[c]) / n.Sigma(c)
	if n.PowerOfTwo {
		return math.Copysign(quant.PowerOfTwo(math.Abs(gain)), gain)
	}
	return gain
}

// ratio returns the factor on γ/σ that PowerOfTwo asks for, 1 without.
func (n *Norm) ratio(r *Run, c int) float64 {
	gain := float64(n.Gamma.Value[c]) / n.Sigma(c)
	if !n.PowerOfTwo || !r.Quantize || gain == 0 {
		return 1
	}
	return n.Gain(c) / gain
}

// Absorb moves the factor by which γ/σ of each channel misses a power of two into
// the weights w of the convolution before, [channels, …], and into the running
// statistics, so that PowerOfTwo changes nothing at first: γ/σ becomes a power of
// two and the result stays what it was.
func (n *Norm) Absorb(w []float32) {
	size := len(w) / len(n.Mean)
	for c := range n.Mean {
		gain := float64(n.Gamma.Value[c]) / n.Sigma(c)
		if gain == 0 {
			continue
		}
		k := gain / n.Gain(c)
		for i := range w[c*size : (c+1)*size] {
			w[c*size+i] = float32(float64(w[c*size+i]) * k)
		}
		n.Mean[c] = float32(float64(n.Mean[c]) * k)
		sigma := n.Sigma(c) * k
		n.Variance[c] = float32(max(0, float64(sigma*sigma)-float64(n.Epsilon)))
	}
}

// update moves the running statistics towards the mean and the unbiased variance of a
// step.
func (n *Norm) update(mean, variance []float64) {
	m := float64(n.Momentum)
	for c := range n.Mean {
		n.Mean[c] = float32(float64(n.Mean[c])*(1-m) + float64(mean[c]*m))
		n.Variance[c] = float32(float64(n.Variance[c])*(1-m) + float64(variance[c]*m))
	}
}
