// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"context"
	"slices"
	"time"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// A Roofline is a quantized step, op by op, beside what the machine allows: its
// multiply-adds at the speed of a loop on registers, or its inputs and results, each
// passed once, at the speed of a copy in memory, whichever takes longer.
type Roofline struct {
	PeakGFLOPS float64    `json:"peak_gflops"`
	CopyGBs    float64    `json:"copy_gb_per_second"` // read and written
	StepMS     float64    `json:"step_ms"`
	RoofMS     float64    `json:"roof_ms"`
	Share      float64    `json:"share"` // the roof's of the step
	Ops        []RoofedOp `json:"ops"`

	Batch   int `json:"-"`
	Threads int `json:"-"`
	Steps   int `json:"-"`
}

// A RoofedOp is an op of the step.
type RoofedOp struct {
	Name   string  `json:"name"`
	MACs   int     `json:"macs"`
	Bytes  int     `json:"bytes"`
	MS     float64 `json:"ms"`
	RoofMS float64 `json:"roof_ms"`
}

// MeasureRoofline measures what the machine can do, and takes the fastest of so many
// steps.
func MeasureRoofline(ctx context.Context, r *recipe.Recipe, threads, steps int, on func(pipeline.Event)) (*Roofline, error) {
	pool := graph.NewPool(threads)
	defer pool.Close()
	t, split, err := newTrainer(r, pool)
	if err != nil {
		return nil, err
	}
	roof := kernel.MeasureRoof(pool)
	ops := t.network.Graph.Profile()
	memory := &stored{split: split, batch: r.Batch}
	const warmUp = 2
	var fastest []graph.Op
	var least time.Duration
	for i := -warmUp; i < steps; i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tell(on, i+warmUp, warmUp+steps)
		_, took, err := t.step(true, memory)
		if err != nil {
			return nil, err
		}
		if i == 0 || i > 0 && took < least {
			least, fastest = took, t.outer(ops, took)
		}
	}
	l := newRoofline(roof, fastest)
	l.Batch, l.Threads, l.Steps = r.Batch, pool.Threads(), steps
	return l, nil
}

// outer returns the ops of the last step, which took that long, with what the
// graph does not do: to make floats of images, and the optimizer.
func (t *trainer) outer(ops []graph.Op, took time.Duration) []graph.Op {
	in := t.network.Image
	input := graph.Op{Name: "input", Bytes: 5 * t.network.Graph.Batch() * in.Height * in.Width * in.Channels, Took: t.gradients}
	for _, o := range ops {
		input.Took -= o.Took
	}
	optimizer := graph.Op{Name: "optimizer", Took: took - t.gradients}
	for _, p := range t.all {
		optimizer.Bytes += 5 * 4 * len(p.Value) // value and momentum read and written, the gradient read
	}
	return slices.Concat([]graph.Op{input}, ops, []graph.Op{optimizer})
}

// newRoofline compares ops with a roof.
func newRoofline(roof kernel.Roof, ops []graph.Op) *Roofline {
	l := &Roofline{PeakGFLOPS: roof.Flops * 1e-9, CopyGBs: roof.Bandwidth * 1e-9}
	for _, o := range ops {
		row := RoofedOp{o.Name, o.MACs, o.Bytes, o.Took.Seconds() * 1e3, roof.Seconds(o.MACs, o.Bytes) * 1e3}
		l.Ops = append(l.Ops, row)
		l.StepMS += row.MS
		l.RoofMS += row.RoofMS
	}
	l.Share = l.RoofMS / l.StepMS
	return l
}
