// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/recipe"
)

// roofline is the outcome of `qat bench train --roofline`: a quantized step, op by
// op, beside what the machine allows.
type roofline struct {
	PeakGFLOPS float64    `json:"peak_gflops"`
	CopyGBs    float64    `json:"copy_gb_per_second"` // read and written
	StepMS     float64    `json:"step_ms"`
	RoofMS     float64    `json:"roof_ms"`
	Share      float64    `json:"share"` // the roof's of the step
	Ops        []roofedOp `json:"ops"`

	batch, threads, steps int
}

type roofedOp struct {
	Name   string  `json:"name"`
	MACs   int     `json:"macs"`
	Bytes  int     `json:"bytes"`
	MS     float64 `json:"ms"`
	RoofMS float64 `json:"roof_ms"`
}

// measureRoofline takes the fastest of so many steps.
func measureRoofline(c *cobra.Command, r *recipe.Recipe, steps int) (*roofline, error) {
	pool := kernel.NewPool(threadsOf(r.Threads))
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
		if err := c.Context().Err(); err != nil {
			return nil, err
		}
		_, took, err := t.step(true, memory)
		if err != nil {
			return nil, err
		}
		if i == 0 || i > 0 && took < least {
			least, fastest = took, t.outer(ops, took)
		}
	}
	l := newRoofline(roof, fastest)
	l.batch, l.threads, l.steps = r.Batch, pool.Threads(), steps
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
func newRoofline(roof kernel.Roof, ops []graph.Op) *roofline {
	l := &roofline{PeakGFLOPS: roof.Flops * 1e-9, CopyGBs: roof.Bandwidth * 1e-9}
	for _, o := range ops {
		row := roofedOp{o.Name, o.MACs, o.Bytes, o.Took.Seconds() * 1e3, roof.Seconds(o.MACs, o.Bytes) * 1e3}
		l.Ops = append(l.Ops, row)
		l.StepMS += row.MS
		l.RoofMS += row.RoofMS
	}
	l.Share = l.RoofMS / l.StepMS
	return l
}

// print writes the roofline for people.
func (l *roofline) print(w io.Writer) error {
	row := func(name string, ms, roof float64) []string {
		return []string{name, fmt.Sprintf("%.3f", ms), fmt.Sprintf("%.3f", roof), fmt.Sprintf("%.0f %%", 100*roof/ms)}
	}
	var rows [][]string
	for _, o := range l.Ops {
		rows = append(rows, row(o.Name, o.MS, o.RoofMS))
	}
	rows = append(rows, row("step", l.StepMS, l.RoofMS))
	if err := printf(w, "batch %d, %s, the fastest of %d steps; at most %.0f GFLOP/s, and %.1f GB/s read and written\n",
		l.batch, threadCount(l.threads), l.steps, l.PeakGFLOPS, l.CopyGBs); err != nil {
		return err
	}
	return term.Table(w, []string{"op", "ms", "roof, ms", "share"}, rows)
}
