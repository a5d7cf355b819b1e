// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"cmp"
	"math"

	"github.com/goqat/goqat/graph"
)

// moments is the memory of Adam and AdamW. The steps are counted per
// parameter, so that one that joins late starts with its own bias correction;
// as float32, as PyTorch keeps them: where counting ends, at 2^24, the
// corrections have long become 1.
type moments struct {
	mean, square, steps memory
}

// next counts a step of p and returns its moments.
func (m *moments) next(p *graph.Param) (mean, square []float32, t float64) {
	steps := m.steps.of(p.Name, 1)
	steps[0]++
	return m.mean.of(p.Name, len(p.Value)), m.square.of(p.Name, len(p.Value)), float64(steps[0])
}

func (m *moments) tensors() []Tensor {
	return m.steps.tensors(m.square.tensors(m.mean.tensors(nil, "mean"), "square"), "steps")
}

func (m *moments) load(params []*graph.Param, state []Tensor) error {
	found, err := read(params, state, []string{"mean", "square", "steps"}, func(kind string, p *graph.Param) int {
		if kind == "steps" {
			return 1
		}
		return len(p.Value)
	})
	if err != nil {
		return err
	}
	m.mean, m.square, m.steps = found[0], found[1], found[2]
	return nil
}

// coefficients are the numbers of one parameter's step, bias corrections
// included.
type coefficients struct {
	scale  float32 // of the gradient
	decay  float32 // added to the gradient, times w
	shrink float32 // factor on w before the step

	keepMean, takeMean     float32 // beta1, 1-beta1
	keepSquare, takeSquare float32 // beta2, 1-beta2
	rate, root, epsilon    float32 // lr/(1-beta1^t), sqrt(1-beta2^t)
}

// correct returns the coefficients of step t, without decay or clipping. Zero
// settings stand for their defaults.
func correct(beta1, beta2, epsilon, lr, t float64) coefficients {
	beta1, beta2, epsilon = cmp.Or(beta1, 0.9), cmp.Or(beta2, 0.999), cmp.Or(epsilon, 1e-8)
	return coefficients{
		scale:      1,
		shrink:     1,
		keepMean:   float32(beta1),
		takeMean:   float32(1 - beta1),
		keepSquare: float32(beta2),
		takeSquare: float32(1 - beta2),
		rate:       float32(lr / (1 - math.Pow(beta1, t))),
		root:       float32(math.Sqrt(1 - math.Pow(beta2, t))),
		epsilon:    float32(epsilon),
	}
}

// adapt updates the numbers of a part and their moments in one pass.
func adapt(p *part[coefficients]) {
	k, w := p.with, p.w
	grad, mean, square := p.grad[:len(w)], p.memory[0][:len(w)], p.memory[1][:len(w)]
	for i, x := range w {
		g := float32(k.scale*grad[i]) + float32(k.decay*x)
		m := float32(k.keepMean*mean[i]) + float32(k.takeMean*g)
		v := float32(k.keepSquare*square[i]) + float32(k.takeSquare*float32(g*g))
		mean[i], square[i] = m, v
		denominator := float32(math.Sqrt(float64(v)))/k.root + k.epsilon
		w[i] = float32(k.shrink*x) - float32(k.rate*m)/denominator
	}
}
