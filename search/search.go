// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/quantize"
	"github.com/goqat/goqat/recipe"
)

// Options say what is searched for, and how.
type Options struct {
	Checkpoint string // a float checkpoint
	// Settings say how it is quantized for the measurements; their bits do not count.
	Settings quantize.Settings
	Measure  int    // validation images to measure with, 0 for all
	Record   string // file of measurements to go on with; "" keeps none

	Budget  Budget
	Widths  []int  // to choose from, rising
	Ranking string // of Rankings
	Probes  int    // random vectors for each trace of a Hessian
	Method  string // of the training that follows; "" for that of the checkpoint's recipe
}

// A Layer is how a layer with weights is to be quantized.
type Layer struct {
	Name           string `json:"layer"`
	WeightBits     int    `json:"weight_bits"`
	ActivationBits int    `json:"activation_bits"` // of its input
	Weights        int    `json:"weights"`
	MACs           int64  `json:"macs"`
}

// A Spending is what a network takes of everything there are budgets of.
type Spending struct {
	FileBytes      int64   `json:"file_bytes"` // at most: what training makes of scales and biases decides on some bytes
	BitOps         int64   `json:"bitops"`
	EnergyUJ       float64 `json:"energy_uj"`
	WeightBits     float64 `json:"mean_weight_bits"`
	ActivationBits float64 `json:"mean_activation_bits"`
}

// A Result is the outcome of a search.
type Result struct {
	Budget  Budget   `json:"budget"`
	Ranking string   `json:"ranking"`
	Layers  []Layer  `json:"layers"`
	Spent   Spending `json:"spent"`
	// Loss is the sum of what the ranking takes for the losses.
	Loss float64 `json:"loss"`
	// Recipe trains the checkpoint's network with these bits.
	Recipe *recipe.Recipe `json:"-"`
}

// Run searches for the bits of a checkpoint's layers. What is chosen depends on the
// validation images alone; the budget is kept by the file that the network exports to.
func Run(ctx context.Context, o Options) (*Result, error) {
	if len(o.Widths) == 0 || slices.Min(o.Widths) < 2 || slices.Max(o.Widths) > 8 {
		return nil, fmt.Errorf("search: widths are %v, want some of 2 to 8", o.Widths)
	}
	p, err := newPlan(o)
	if err != nil {
		return nil, err
	}
	defer p.pool.Close()
	if err := p.least(); err != nil {
		return nil, err
	}
	s, err := quantize.OpenSession(ctx, o.Checkpoint, o.Settings, o.Measure, o.Record)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	p.classes = s.Restored.Network.Classes
	losses, err := rank(ctx, s, p.ledger, &o)
	if err != nil {
		return nil, err
	}
	p.losses = losses.of(p.ledger)
	return p.solve()
}

// most is the most a budget may be for sums to be exact integers.
const most = 1 << 53

// solve chooses the bits, builds the network that has them, and sees what it takes. If
// that is too much, the choice is made again for less.
func (p *plan) solve() (*Result, error) {
	limit := p.o.Budget.Most
	for range 8 {
		b, loss, ok := p.within(limit)
		if !ok {
			break
		}
		r, spent, err := p.build(b)
		if err != nil {
			return nil, err
		}
		over := p.spent(spent) - p.o.Budget.Most
		if over <= 0 {
			return &Result{p.o.Budget, p.o.Ranking, p.chosen(b), spent, loss, r}, nil
		}
		limit -= over
	}
	return nil, fmt.Errorf("search: no bits of %v keep %s within %v", p.o.Widths, p.o.Budget.Of, p.o.Budget.Most)
}

// within returns the bits with the least losses that take no more than a limit.
func (p *plan) within(limit float64) (bits, float64, bool) {
	switch p.o.Budget.Of {
	case Bytes:
		p.prices = p.bytePrices()
		return p.choose(int64(min(limit, most)) - p.overhead)
	case BitOps:
		p.prices = p.bitOpPrices()
		return p.choose(int64(min(limit, most)))
	case Energy:
		return p.withinEnergy(limit)
	}
	return p.withinMeans(limit)
}

// withinEnergy chooses for memories of every size. Bits whose weights or activations
// do not fit the memories that they were chosen for may take more: those are not used.
func (p *plan) withinEnergy(limit float64) (best bits, least float64, found bool) {
	for _, h := range memories() {
		p.prices = p.energyPrices(h)
		b, loss, ok := p.choose(int64(min(limit/p.unit, most)) - p.rest())
		if ok && p.energy(b) <= limit && (!found || loss < least) {
			best, least, found = b, loss, true
		}
	}
	return best, least, found
}

// withinMeans chooses the bits of weights, and then those of tensors: neither mean
// depends on the other.
func (p *plan) withinMeans(limit float64) (bits, float64, bool) {
	p.prices = prices{func(i, w, _ int) int64 { return int64(p.layers[i].weights * w) }, freeTensor, 1}
	values := 0
	for _, l := range p.layers {
		values += l.weights
	}
	whole := p.widths
	defer func() { p.widths = whole }()
	p.widths.tensors = only(p.first(whole.tensors))
	b, _, ok := p.choose(int64(limit * float64(values)))
	if !ok {
		return b, 0, false
	}
	p.widths.weights, p.widths.tensors = only(b.weights), whole.tensors
	sum := int64(0)
	p.prices = prices{freeWeights, func(t, a int) int64 {
		if p.tensors[t].fixed {
			return 0
		}
		return p.tensors[t].values * int64(a)
	}, 1}
	for _, t := range p.tensors {
		if !t.fixed {
			sum += t.values
		}
	}
	return p.choose(int64(math.Floor(limit * float64(sum))))
}

// first returns the first of each of some widths.
func (p *plan) first(widths [][]int) []int {
	list := make([]int, len(widths))
	for i, w := range widths {
		list[i] = w[0]
	}
	return list
}

// chosen lists the layers with their bits.
func (p *plan) chosen(b bits) []Layer {
	list := make([]Layer, len(p.layers))
	for i, l := range p.layers {
		list[i] = Layer{l.name, b.weights[i], b.tensors[l.input], l.weights, l.macs}
	}
	return list
}
