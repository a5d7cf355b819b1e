// SPDX-License-Identifier: Apache-2.0

package optim

import "github.com/goqat/goqat/graph"

// SGD is stochastic gradient descent with momentum and L2 decay, in the form
// of torch.optim.SGD with dampening 0 (Sutskever et al. 2013, "On the
// importance of initialization and momentum in deep learning", with the
// learning rate applied to the whole velocity):
//
//	g = grad + decay*w
//	v = momentum*v + g
//	w = w - lr*(g + momentum*v)   with Nesterov
//	w = w - lr*v                  without
//
// The zero value is plain gradient descent.
type SGD struct {
	Momentum float64 // in [0, 1)
	Nesterov bool    // look ahead by one step; needs momentum
	MaxNorm  float64 // common norm gradients are scaled down to; 0 means none
	Groups   Groups  // learning rate and decay by group

	velocity memory
}

var _ Optimizer = (*SGD)(nil)

// Step implements [Optimizer].
func (s *SGD) Step(params []*graph.Param, lr float32) {
	scale := float32(clip(params, s.MaxNorm))
	for _, p := range params {
		if p.Grad == nil {
			continue
		}
		rate, decay := s.Groups.of(p, lr)
		switch {
		case s.Momentum == 0:
			descend(p.Value, p.Grad, scale, float32(rate), float32(decay))
		case s.Nesterov:
			nesterov(p.Value, p.Grad, s.velocity.of(p.Name, len(p.Value)), scale, float32(rate), float32(decay), float32(s.Momentum))
		default:
			momentum(p.Value, p.Grad, s.velocity.of(p.Name, len(p.Value)), scale, float32(rate), float32(decay), float32(s.Momentum))
		}
	}
}

func descend(w, grad []float32, scale, lr, decay float32) {
	grad = grad[:len(w)]
	for i, x := range w {
		g := float32(scale*grad[i]) + float32(decay*x)
		w[i] = x - float32(lr*g)
	}
}

func momentum(w, grad, velocity []float32, scale, lr, decay, mu float32) {
	grad, velocity = grad[:len(w)], velocity[:len(w)]
	for i, x := range w {
		g := float32(scale*grad[i]) + float32(decay*x)
		v := float32(mu*velocity[i]) + g
		velocity[i] = v
		w[i] = x - float32(lr*v)
	}
}

func nesterov(w, grad, velocity []float32, scale, lr, decay, mu float32) {
	grad, velocity = grad[:len(w)], velocity[:len(w)]
	for i, x := range w {
		g := float32(scale*grad[i]) + float32(decay*x)
		v := float32(mu*velocity[i]) + g
		velocity[i] = v
		w[i] = x - float32(lr*(g+float32(mu*v)))
	}
}

// State implements [Optimizer]: "momentum/NAME" has the size of the parameter.
func (s *SGD) State() []Tensor { return s.velocity.tensors(nil, "momentum") }

// Load implements [Optimizer].
func (s *SGD) Load(params []*graph.Param, state []Tensor) error {
	found, err := read(params, state, []string{"momentum"}, func(_ string, p *graph.Param) int { return len(p.Value) })
	if err != nil {
		return err
	}
	s.velocity = found[0]
	return nil
}
