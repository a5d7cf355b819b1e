// SPDX-License-Identifier: Apache-2.0

package optim

import "github.com/goqat/goqat/graph"

// Adam is the method of Kingma and Ba 2015 ("Adam: a method for stochastic
// optimization", algorithm 1) with L2 decay added to the gradient, in the form
// of torch.optim.Adam:
//
//	g = grad + decay*w
//	m = beta1*m + (1-beta1)*g
//	v = beta2*v + (1-beta2)*g*g
//	w = w - lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) + epsilon)
//
// t counts the steps of each parameter from 1.
type Adam struct {
	Beta1   float64     // decay of the mean, in [0, 1); 0 means 0.9
	Beta2   float64     // decay of the mean square, in [0, 1); 0 means 0.999
	Epsilon float64     // added to the root; 0 means 1e-8
	MaxNorm float64     // common norm gradients are scaled down to; 0 means none
	Groups  Groups      // learning rate and decay by group
	Pool    *graph.Pool // threads to run on, nil for the caller's

	moments moments
	parts   parts[coefficients]
}

var _ Optimizer = (*Adam)(nil)

// Step implements [Optimizer].
func (a *Adam) Step(params []*graph.Param, lr float32) {
	scale := float32(clip(params, a.MaxNorm))
	for _, p := range params {
		if p.Grad == nil {
			continue
		}
		rate, decay := a.Groups.of(p, lr)
		mean, square, t := a.moments.next(p)
		c := correct(a.Beta1, a.Beta2, a.Epsilon, rate, t)
		c.decay = float32(decay)
		c.scale = scale
		a.parts.add(p, c, [2][]float32{mean, square})
	}
	a.parts.run(a.Pool, adapt)
}

// State implements [Optimizer]: "mean/NAME" and "square/NAME" have the size
// of the parameter, "steps/NAME" is one number.
func (a *Adam) State() []Tensor { return a.moments.tensors() }

// Load implements [Optimizer].
func (a *Adam) Load(params []*graph.Param, state []Tensor) error {
	return a.moments.load(params, state)
}
