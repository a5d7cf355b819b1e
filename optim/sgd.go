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
	Momentum float64     // in [0, 1)
	Nesterov bool        // look ahead by one step; needs momentum
	MaxNorm  float64     // common norm gradients are scaled down to; 0 means none
	Groups   Groups      // learning rate and decay by group
	Pool     *graph.Pool // threads to run on, nil for the caller's

	velocity memory
	parts    parts[descent]
}

var _ Optimizer = (*SGD)(nil)

// descent are the numbers of one parameter's step.
type descent struct{ scale, rate, decay, momentum float32 }

// Step implements [Optimizer].
func (s *SGD) Step(params []*graph.Param, lr float32) {
	scale := float32(clip(params, s.MaxNorm))
	for _, p := range params {
		if p.Grad == nil {
			continue
		}
		rate, decay := s.Groups.of(p, lr)
		var velocity []float32
		if s.Momentum != 0 {
			velocity = s.velocity.of(p.Name, len(p.Value))
		}
		s.parts.add(p, descent{scale, float32(rate), float32(decay), float32(s.Momentum)}, [2][]float32{velocity})
	}
	update := momentum
	switch {
	case s.Momentum == 0:
		update = descend
	case s.Nesterov:
		update = nesterov
	}
	s.parts.run(s.Pool, update)
}

func descend(p *part[descent]) {
	k, w := p.with, p.w
	grad := p.grad[:len(w)]
	for i, x := range w {
		g := float32(k.scale*grad[i]) + float32(k.decay*x)
		w[i] = x - float32(k.rate*g)
	}
}

func momentum(p *part[descent]) {
	k, w := p.with, p.w
	grad, velocity := p.grad[:len(w)], p.memory[0][:len(w)]
	for i, x := range w {
		g := float32(k.scale*grad[i]) + float32(k.decay*x)
		v := float32(k.momentum*velocity[i]) + g
		velocity[i] = v
		w[i] = x - float32(k.rate*v)
	}
}

func nesterov(p *part[descent]) {
	k, w := p.with, p.w
	grad, velocity := p.grad[:len(w)], p.memory[0][:len(w)]
	for i, x := range w {
		g := float32(k.scale*grad[i]) + float32(k.decay*x)
		v := float32(k.momentum*velocity[i]) + g
		velocity[i] = v
		w[i] = x - float32(k.rate*(g+float32(k.momentum*v)))
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
