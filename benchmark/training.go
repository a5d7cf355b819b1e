// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"context"
	"time"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// Training is how fast a network trains. A step is forward, backward and the
// optimizer, on a batch in memory.
type Training struct {
	Parameters        int       `json:"parameters"`
	MACs              int       `json:"macs"`    // of an image, forward
	Kernels           string    `json:"kernels"` // of training, as GOQAT_TRAIN_KERNELS names them
	Step              StepTimes `json:"step_ms"`
	FloatStep         StepTimes `json:"float_step_ms"` // the same network without quantizers
	FakequantOverhead float64   `json:"fakequant_overhead"`
	ImagesPerSecond   float64   `json:"images_per_second"` // at the median
	AllocsPerStep     uint64    `json:"allocs_per_step"`
	PeakRSSMB         float64   `json:"peak_rss_mb"`       // of the process in quantized steps
	FloatPeakRSSMB    float64   `json:"float_peak_rss_mb"` // and in all steps
	LossFirst         float64   `json:"loss_first"`
	LossLast          float64   `json:"loss_last"`

	LoaderStep      *StepTimes `json:"loader_step_ms,omitempty"` // with batches of a loader
	LoadingOverhead *float64   `json:"loading_overhead,omitempty"`

	Batch   int `json:"-"`
	Threads int `json:"-"`
	Steps   int `json:"-"`
}

// tell tells how many steps are done.
func tell(on func(pipeline.Event), done, total int) {
	if on != nil {
		on(pipeline.Progress{What: "steps", Done: done, Total: total})
	}
}

// StepTimes are the times of steps, in milliseconds.
type StepTimes struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
}

// TrainingOptions say how a training is measured.
type TrainingOptions struct {
	Threads int
	Steps   int                  // with quantizers and, in turn with them, as many without
	Loader  bool                 // measure as many with the batches of a loader, too
	On      func(pipeline.Event) // is told between steps how many are done, if not nil
}

// MeasureTraining measures steps of the recipe's network, trained as the recipe says on
// images that come with the program.
func MeasureTraining(ctx context.Context, r *recipe.Recipe, o TrainingOptions) (*Training, error) {
	steps := o.Steps
	pool := graph.NewPool(o.Threads)
	defer pool.Close()
	t, split, err := newTrainer(r, pool)
	if err != nil {
		return nil, err
	}
	b := &Training{
		Parameters: t.network.Parameters(), MACs: t.network.MACs(), Kernels: kernel.CurrentTier().String(), Batch: r.Batch, Threads: pool.Threads(), Steps: steps,
	}
	const warmUp = 2
	quantized, float := make([]time.Duration, steps), make([]time.Duration, steps)
	memory := &stored{split: split, batch: r.Batch}
	for i := range warmUp { // without a float step, which takes more memory
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tell(o.On, i, 2*warmUp+steps)
		loss, _, err := t.step(true, memory)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			b.LossFirst = float64(loss)
		}
	}
	b.PeakRSSMB = peakRSS()
	for i := -warmUp; i < steps; i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tell(o.On, i+2*warmUp, 2*warmUp+steps)
		_, floatTime, err := t.step(false, memory)
		if err != nil {
			return nil, err
		}
		loss, took, err := t.step(true, memory)
		if err != nil {
			return nil, err
		}
		if b.LossLast = float64(loss); i >= 0 {
			quantized[i], float[i] = took, floatTime
		}
	}
	if b.AllocsPerStep, err = t.allocations(memory); err != nil {
		return nil, err
	}
	q, f := percentiles(quantized), percentiles(float)
	b.Step, b.FloatStep = StepTimes{q.Min, q.P50}, StepTimes{f.Min, f.P50}
	b.FakequantOverhead = q.P50/f.P50 - 1
	b.ImagesPerSecond = float64(r.Batch) / q.P50 * 1e3
	if o.Loader {
		if err := b.measureLoader(ctx, r, t, memory); err != nil {
			return nil, err
		}
	}
	b.FloatPeakRSSMB = peakRSS()
	return b, nil
}
