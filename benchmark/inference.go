// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"context"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/interrupt"
)

// Inference is how fast a model runs.
type Inference struct {
	Kernel         string  `json:"kernel"`
	Refused        string  `json:"refused,omitempty"` // a faster one, by the operating system, and why
	Threads        int     `json:"threads"`
	Batch          int     `json:"batch"`
	Runs           int     `json:"runs"`
	Latency        Latency `json:"latency_ms"` // of a run of the whole batch
	ImagesPerSec   float64 `json:"images_per_second"`
	MACs           int64   `json:"macs"` // of an image
	GMACsPerSecond float64 `json:"gmacs_per_second"`
	AllocsPerRun   uint64  `json:"allocs_per_run"`
	LoadMS         float64 `json:"load_ms"` // to read, check and plan the model
}

// MeasureInference reads a model, by a function whose time counts as loading, and
// measures so many runs of it on random images, 0 for about two seconds of them. It ends
// with the context, whatever the model does.
func MeasureInference(ctx context.Context, read func() (*infer.Model, error), o infer.Options, runs int) (*Inference, error) {
	return interrupt.Wait(ctx, func() (*Inference, error) { return measureInference(ctx, read, o, runs) })
}

func measureInference(ctx context.Context, read func() (*infer.Model, error), o infer.Options, runs int) (*Inference, error) {
	start := time.Now()
	m, err := read()
	if err != nil {
		return nil, err
	}
	r, err := m.NewRunner(o)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	batch := max(1, o.Batch)
	b := &Inference{Kernel: r.Kernel(), Threads: max(1, o.Threads), Batch: batch, LoadMS: milliseconds(time.Since(start))}
	if o.Kernel == "" { // or else nothing is asked for
		if err := infer.Refused(); err != nil {
			b.Refused = err.Error()
		}
	}
	for _, l := range r.Layers() {
		b.MACs += l.MACs
	}
	images := randomImages(m, batch)
	logits := make([]int32, batch*len(m.Classes()))
	return b, b.measure(ctx, runs, func() error { return r.Run(logits, images) })
}

// randomImages returns so many images of random bytes, the same each time.
func randomImages(m *infer.Model, count int) []uint8 {
	in := m.Input()
	images := make([]uint8, count*in.Height*in.Width*in.Channels)
	random := rand.New(rand.NewPCG(1, 0))
	for i := range images {
		images[i] = uint8(random.Uint32())
	}
	return images
}

// measuring is how long is measured where the number of runs is left open.
const measuring = 2 * time.Second

// measure times runs after some to warm up.
func (b *Inference) measure(ctx context.Context, runs int, run func() error) error {
	const warmUp = 3
	start := time.Now()
	for range warmUp {
		if err := run(); err != nil {
			return err
		}
	}
	if runs == 0 {
		runs = int(min(max(warmUp*measuring/max(1, time.Since(start)), 10), 1e6))
	}
	times := make([]time.Duration, runs)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range times {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		if err := run(); err != nil {
			return err
		}
		times[i] = time.Since(start)
	}
	runtime.ReadMemStats(&after)
	var total time.Duration
	for _, t := range times {
		total += t
	}
	b.Runs, b.Latency = runs, percentiles(times)
	b.AllocsPerRun = (after.Mallocs - before.Mallocs) / uint64(runs) // what others allocate meanwhile is less than one a run
	b.ImagesPerSec = float64(runs*b.Batch) / total.Seconds()
	b.GMACsPerSecond = float64(b.MACs) * b.ImagesPerSec * 1e-9
	return nil
}
