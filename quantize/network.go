// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"context"
	"fmt"

	"github.com/goqat/goqat/evaluate"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// A Network is a float network ready to be quantized, with its images.
type Network struct {
	Restored *pipeline.Restored
	Images   *pipeline.Images

	pool *graph.Pool
	plan ptq.Plan
	on   func(pipeline.Event)
}

// Open opens a checkpoint and its images. Close the network when it is no longer used. It is an error if the settings are
// wrong, and where pipeline.OpenFloat and pipeline.Restored.Images fail.
func Open(ctx context.Context, path string, s *Settings) (*Network, error) {
	plan, err := s.plan()
	if err != nil {
		return nil, err
	}
	n := &Network{pool: graph.NewPool(s.Threads), plan: plan, on: s.Reading.On}
	if n.Restored, err = pipeline.OpenFloat(path, s.recipe(), evaluate.Batch, n.pool); err != nil {
		n.Close()
		return nil, err
	}
	seed := n.Restored.Recipe.Seed
	if s.Seed != nil {
		seed = *s.Seed
	}
	n.Images, err = n.Restored.Images(ctx, recipe.Data{Name: s.Data, Dir: s.Dir}, seed, s.Images, s.Reading)
	if err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// Close ends the threads of the network.
func (n *Network) Close() { n.pool.Close() }

// tell tells how much of some work is done.
func (n *Network) tell(what string, done, total int) {
	if n.on != nil {
		n.on(pipeline.Progress{What: what, Done: done, Total: total})
	}
}

// A Tensor is a tensor with its range.
type Tensor struct {
	Name       string  `json:"name"`
	Calibrator string  `json:"calibrator"`
	Bits       int     `json:"bits"`
	Lo         float64 `json:"lo"`
	Hi         float64 `json:"hi"`
	Warning    string  `json:"warning,omitempty"`
}

// Quantize calibrates the network and repairs it by the named repairs. It is an error where ptq.Quantize fails.
func (n *Network) Quantize(ctx context.Context, repairs ...string) ([]ptq.Step, []Tensor, error) {
	n.plan.Repair, n.plan.On = repairs, n.tell
	o, err := ptq.Quantize(ctx, n.Restored.Network, n.Images.Calibration, n.plan)
	if err != nil {
		return nil, nil, err
	}
	var tensors []Tensor
	for _, t := range o.Tensors {
		tensors = append(tensors, Tensor{t.Name, t.Rule, t.Bits, t.Lo, t.Hi, t.Warning})
	}
	return o.Steps, tensors, nil
}

// accuracy evaluates the test images.
func (n *Network) accuracy(ctx context.Context, p graph.Pass) (*float64, error) {
	what := "float"
	if p.Quantize {
		what = "fake-quantized"
	}
	test := n.Images.Test
	r, err := train.Evaluate(ctx, n.Restored.Network, p, test, func(done int) { n.tell(what, done, test.Len()) })
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &r.Accuracy, nil
}
