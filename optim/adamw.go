// SPDX-License-Identifier: Apache-2.0

package optim

import "github.com/goqat/goqat/graph"

// AdamW is [Adam] with decay taken off the weights themselves (Loshchilov and
// Hutter 2019, "Decoupled weight decay regularization", algorithm 2), in the
// form of torch.optim.AdamW:
//
//	w = w - lr*decay*w
//	m = beta1*m + (1-beta1)*grad
//	v = beta2*v + (1-beta2)*grad*grad
//	w = w - lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) + epsilon)
//
// PyTorch's default decay is 0.01; here it is what Groups says.
type AdamW struct {
	Beta1   float64     // decay of the mean, in [0, 1); 0 means 0.9
	Beta2   float64     // decay of the mean square, in [0, 1); 0 means 0.999
	Epsilon float64     // added to the root; 0 means 1e-8
	MaxNorm float64     // common norm gradients are scaled down to; 0 means none
	Groups  Groups      // learning rate and decay by group
	Pool    *graph.Pool // threads to run on, nil for the caller's

	moments moments
	parts   parts[coefficients]
}

var _ Optimizer = (*AdamW)(nil)

// Step implements [Optimizer].
func (a *AdamW) Step(params []*graph.Param, lr float32) {
	scale := float32(clip(params, a.MaxNorm))
	for _, p := range params {
		if p.Grad == nil {
			continue
		}
		rate, decay := a.Groups.of(p, lr)
		mean, square, t := a.moments.next(p)
		c := correct(a.Beta1, a.Beta2, a.Epsilon, rate, t)
		c.shrink = float32(1 - rate*decay)
		c.scale = scale
		a.parts.add(p, c, [2][]float32{mean, square})
	}
	a.parts.run(a.Pool, adapt)
}

// State implements [Optimizer], as [Adam.State].
func (a *AdamW) State() []Tensor { return a.moments.tensors() }

// Load implements [Optimizer].
func (a *AdamW) Load(params []*graph.Param, state []Tensor) error {
	return a.moments.load(params, state)
}
