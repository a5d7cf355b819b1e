// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/optim"
)

// A Loop trains a network for a number of epochs. By itself it only takes
// steps; progress, logs and checkpoints are hooks.
type Loop struct {
	Network   *layers.Network
	Loader    *datasets.Loader
	Optimizer optim.Optimizer
	Params    []*graph.Param // that are trained
	Schedule  optim.Schedule
	Epochs    int
	// Pass is what a step computes; hooks change it from epoch to epoch. The loop
	// numbers the steps.
	Pass graph.Pass
	// Shards, if not nil, cut every batch; the network is then built for batches of
	// Shards.Most images and for steps in parts (layers.Config.Parts).
	Shards *Shards
	// Teacher, if not nil, gives the soft targets of distillation.
	Teacher *Teacher
	// Average, if not nil, follows the weights.
	Average *Average
	Hooks   []Hook
	// Done, if not nil, says whether the training ends before the epoch of Position.
	Done func() bool

	// Position is where the loop stands, and where Run starts.
	Position Position
}

// Position is a place in a training with what was measured of the epoch so far.
// A checkpoint holds it; Run goes on from it.
type Position struct {
	Epoch, Batch int
	// LossSum, Correct and Seen are of the batches of this epoch; Seen counts
	// images.
	LossSum       float64
	Correct, Seen int
}

// A Hook is called by the Loop; nil functions are skipped. An error stops the
// loop.
type Hook struct {
	Name string
	// EpochStart is called before an epoch, and when a run resumes within one.
	EpochStart func(*Loop) error
	Step       func(*Loop, Metrics) error
	EpochEnd   func(*Loop, Metrics) error
}

// Metrics are the means over the epoch so far.
type Metrics struct {
	Loss, Accuracy  float64
	ImagesPerSecond float64 // of this process, without the time of hooks
	LearningRate    float64
}

// NotFiniteError stops a training whose loss is no finite number.
type NotFiniteError struct {
	Epoch, Batch int
	Loss         float32
}

func (e *NotFiniteError) Error() string {
	return fmt.Sprintf("train: the loss is %v in epoch %d, batch %d; lower the learning rate or clip the gradients", e.Loss, e.Epoch+1, e.Batch+1)
}

// Run trains from Position to the end of the last epoch. When ctx is cancelled
// it finishes the step and returns ctx's error; Position then is where to go on. An error of a hook or of
// the data ends it, too, and so does a loss that is not finite, which is a NotFiniteError. The ranks of
// a group all stop after the same step, soon after the ctx of one of them is cancelled.
func (l *Loop) Run(ctx context.Context) error {
	for l.Position.Epoch < l.Epochs && (l.Done == nil || l.Position.Batch > 0 || !l.Done()) {
		if err := l.call(func(h Hook) error { return invoke(h.EpochStart, l) }); err != nil {
			return err
		}
		m, err := l.epoch(ctx)
		if err != nil {
			return err
		}
		l.Position = Position{Epoch: l.Position.Epoch + 1}
		if err := l.call(func(h Hook) error { return invokeWith(h.EpochEnd, l, m) }); err != nil {
			return err
		}
	}
	return nil
}

// epoch takes the remaining steps of the epoch.
func (l *Loop) epoch(ctx context.Context) (m Metrics, err error) {
	p := &l.Position
	l.Loader.Start(p.Epoch, p.Batch)
	var busy time.Duration
	var images int
	if l.Shards != nil {
		l.Shards.restart()
	}
	for {
		if err := l.Shards.stop(ctx); err != nil {
			return m, err
		}
		start := time.Now()
		x, labels, ok := l.Loader.Next()
		if !ok {
			return l.metrics(images, busy), l.Loader.Err()
		}
		if err := l.step(ctx, x, labels); err != nil {
			return m, err
		}
		busy += time.Since(start)
		images += len(labels)
		p.Batch++
		m = l.metrics(images, busy)
		if err := l.call(func(h Hook) error { return invokeWith(h.Step, l, m) }); err != nil {
			return m, err
		}
	}
}

// step trains on one batch.
func (l *Loop) step(ctx context.Context, images []uint8, labels []int32) error {
	p := &l.Position
	at := p.Epoch*l.Loader.Batches() + p.Batch
	l.Pass.Step = uint64(at)
	pass := l.Pass
	pass.Partners, pass.Share = l.Loader.Mix()
	var loss float32
	var right int
	var err error
	if l.Shards != nil {
		loss, right, err = l.Shards.step(ctx, l, pass, images, labels)
	} else {
		loss, right, err = l.run(pass, images, labels)
	}
	if err != nil {
		return err
	}
	if math.IsNaN(float64(loss)) || math.IsInf(float64(loss), 0) {
		return &NotFiniteError{p.Epoch, p.Batch, loss}
	}
	p.LossSum += float64(loss) * float64(len(labels))
	p.Correct += right
	p.Seen += len(labels)
	return l.update(pass, at)
}

// run computes the gradients of some images, the loss, and how many are classified
// correctly.
func (l *Loop) run(pass graph.Pass, images []uint8, labels []int32) (loss float32, right int, err error) {
	if l.Teacher != nil {
		if err := l.Teacher.advise(l.Network, &pass, images, labels); err != nil {
			return 0, 0, err
		}
	}
	if loss, err = l.Network.Step(pass, images, labels); err != nil {
		return 0, 0, err
	}
	return loss, correct(l.Network.Graph.Logits(), labels, nil), nil
}

// update has the optimizer take a step. A panic of one of its threads is an error,
// as those of the network's passes are.
func (l *Loop) update(pass graph.Pass, at int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("train: the optimizer: %v", p)
		}
	}()
	progress := float64(at+1) / float64(l.Epochs*l.Loader.Batches())
	l.Network.Dampen(pass, progress)
	l.Optimizer.Step(l.Params, l.rate(at))
	l.Network.Constrain(pass)
	l.Network.FreezeOscillating(pass, progress)
	if l.Average != nil {
		l.Average.Step()
	}
	return nil
}

func (l *Loop) rate(step int) float32 {
	return l.Schedule.At(step, l.Epochs*l.Loader.Batches())
}

func (l *Loop) metrics(images int, busy time.Duration) Metrics {
	p := l.Position
	m := Metrics{LearningRate: float64(l.rate(p.Epoch*l.Loader.Batches() + max(0, p.Batch-1)))}
	if p.Seen > 0 {
		m.Loss, m.Accuracy = p.LossSum/float64(p.Seen), float64(p.Correct)/float64(p.Seen)
	}
	if busy > 0 {
		m.ImagesPerSecond = float64(images) / busy.Seconds()
	}
	return m
}

// call calls one function of every hook.
func (l *Loop) call(f func(Hook) error) error {
	for _, h := range l.Hooks {
		if err := f(h); err != nil {
			return fmt.Errorf("train: %s: %w", h.Name, err)
		}
	}
	return nil
}

func invoke(f func(*Loop) error, l *Loop) error {
	if f == nil {
		return nil
	}
	return f(l)
}

func invokeWith(f func(*Loop, Metrics) error, l *Loop, m Metrics) error {
	if f == nil {
		return nil
	}
	return f(l, m)
}
