// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/train"
)

// usedOfTime is the part of the time that is planned with.
const usedOfTime = 0.95

// planTime sets the epochs of the two phases so that the training ends about so long
// after its start, in the proportion that the recipe has them in. They go into
// config.yaml, so that a run that is resumed or repeated has the same plan.
func (t *run) planTime(ctx context.Context, d time.Duration) error {
	if d < time.Second {
		return fmt.Errorf("pipeline: %v are too short a time to train in", d)
	}
	f, q := &t.r.Float.Epochs, &t.r.QAT.Epochs
	var float, quantized float64 // seconds of a step
	var err error
	if trainsFloat(t.r) {
		if float, err = t.stepTime(ctx, phaseFloat); err != nil {
			return err
		}
	} else {
		f = new(int)
	}
	if *q > 0 {
		if quantized, err = t.stepTime(ctx, phaseQAT); err != nil {
			return err
		}
	}
	steps := t.batches(t.data.train.Len()) + t.stepsOfValidation()
	end := t.stepsOfEnd() * max(float, quantized)
	left := usedOfTime * (d.Seconds() - time.Since(t.started).Seconds() - end)
	planned := steps * (float64(*f)*float + float64(*q)*quantized)
	for _, epochs := range []*int{f, q} {
		if *epochs > 0 {
			*epochs = max(1, int(float64(*epochs)*left/planned+0.5))
		}
	}
	t.r.Float.Warmup = min(t.r.Float.Warmup, float64(t.r.Float.Epochs))
	t.r.QAT.Warmup = min(t.r.QAT.Warmup, float64(t.r.QAT.Epochs))
	needed := time.Duration((steps*(float64(*f)*float+float64(*q)*quantized)+end)*float64(time.Second)) + time.Since(t.started)
	what := "planned"
	if needed > d*5/4 {
		what = "warning: the shortest training is longer than the time asked for"
	}
	t.chosen = append(t.chosen, fmt.Sprintf("%s: %s in float and %d quantized, of steps of %.3g and %.3g ms, are done in about %v", what, plural.Of(*f, "epoch"), *q, 1e3*float, 1e3*quantized, needed.Round(time.Second)))
	return t.r.Validate()
}

// stepTime measures the first steps of a phase and returns the median of their seconds,
// that of loading the images included.
func (t *run) stepTime(ctx context.Context, phase string) (float64, error) {
	const warm, timed = 3, 21
	const longest = 10 * time.Second // of all steps together
	var times []float64
	began := time.Now()
	last, steps := began, 0
	err := t.rehearse(ctx, phase, nil, func(*train.Loop, train.Metrics) error {
		now := time.Now()
		if steps++; steps > warm {
			times = append(times, now.Sub(last).Seconds())
		}
		last = now
		t.on.tell(Progress{"steps", steps, warm + timed})
		if len(times) == timed || len(times) > 0 && now.Sub(began) > longest {
			return errEnough
		}
		return nil
	})
	if diverged := new(train.NotFiniteError); errors.As(err, &diverged) && len(times) > 0 {
		err = nil // the training itself will say so
	}
	if err != nil {
		return 0, err
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}
