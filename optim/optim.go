// SPDX-License-Identifier: Apache-2.0

package optim

import (
	"fmt"
	"maps"
	"slices"

	"github.com/goqat/goqat/graph"
)

// An Optimizer moves parameters against their gradients.
type Optimizer interface {
	// Step updates the Value of every parameter from its Grad, which it leaves
	// alone. Parameters without a gradient are skipped. State is kept under
	// the parameter's name; after a name's first step nothing is allocated.
	Step(params []*graph.Param, lr float32)

	// State returns the optimizer's memory, ordered by name, for a checkpoint.
	// The slices are the optimizer's own and change with the next Step.
	State() []Tensor

	// Load replaces the memory by a copy of what State returned, from an
	// optimizer of the same kind and settings for these parameters. After an
	// error the optimizer is unchanged.
	Load(params []*graph.Param, state []Tensor) error
}

// A Tensor is one named part of an optimizer's state: the kind of memory, a
// slash, and the parameter's name, as in "momentum/conv1.weight".
type Tensor struct {
	Name string
	Data []float32
}

// A Setting holds what one group of parameters has of its own.
type Setting struct {
	Rate  float64 // factor on the learning rate; 0 means 1
	Decay float64 // weight decay, >= 0
}

// Groups gives each group of parameters its setting: the zero value trains
// all of them at the full learning rate without decay.
type Groups [graph.Clips + 1]Setting

// of returns the learning rate and the decay of p.
func (g *Groups) of(p *graph.Param, lr float32) (rate, decay float64) {
	s := g[p.Group]
	if s.Rate == 0 {
		s.Rate = 1
	}
	if p.Rate != 0 {
		s.Rate *= p.Rate
	}
	return float64(lr) * s.Rate, s.Decay
}

// memory is one kind of per-parameter state, by parameter name.
type memory map[string][]float32

// of returns the n numbers kept for a parameter, zeros at first.
func (m *memory) of(name string, n int) []float32 {
	s, ok := (*m)[name]
	if !ok {
		if *m == nil {
			*m = memory{}
		}
		s = make([]float32, n)
		(*m)[name] = s
	}
	return s
}

// tensors appends the memory to state under the kind's name, in order of the
// parameters' names.
func (m memory) tensors(state []Tensor, kind string) []Tensor {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		state = append(state, Tensor{Name: kind + "/" + name, Data: m[name]})
	}
	return state
}

// read sorts state into the memories of the given kinds. size tells how many
// numbers a kind holds for a parameter.
func read(params []*graph.Param, state []Tensor, kinds []string, size func(kind string, p *graph.Param) int) ([]memory, error) {
	type slot struct {
		kind, size int
		name       string
	}
	slots := map[string]slot{}
	for k, kind := range kinds {
		for _, p := range params {
			slots[kind+"/"+p.Name] = slot{k, size(kind, p), p.Name}
		}
	}
	found := make([]memory, len(kinds))
	for k := range found {
		found[k] = memory{}
	}
	for _, t := range state {
		s, ok := slots[t.Name]
		if !ok {
			return nil, fmt.Errorf("optim: state %q belongs to no parameter of this model and optimizer", t.Name)
		}
		if len(t.Data) != s.size {
			return nil, fmt.Errorf("optim: state %q has %d values, want %d", t.Name, len(t.Data), s.size)
		}
		if _, ok := found[s.kind][s.name]; ok {
			return nil, fmt.Errorf("optim: state %q appears twice", t.Name)
		}
		found[s.kind][s.name] = slices.Clone(t.Data)
	}
	for _, p := range params {
		for k, kind := range kinds {
			if (found[k][p.Name] == nil) != (found[0][p.Name] == nil) {
				return nil, fmt.Errorf("optim: state of parameter %q is incomplete: has only one of %q and %q", p.Name, kinds[0], kind)
			}
		}
	}
	return found, nil
}
