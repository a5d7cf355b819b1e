// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// The names of the phases, in checkpoints and metrics.
const (
	phaseFloat = "float"
	phaseQAT   = "qat"
)

// saveEvery is how often a long epoch writes checkpoint-last.
const saveEvery = 20 * time.Second

// phase is one of the two trainings of a run.
type phase struct {
	*run
	name     string
	recipe   recipe.Phase
	best     string // file of the best checkpoint
	schedule qat.Schedule
	params   []*graph.Param
	teacher  *train.Teacher

	optimizer optim.Optimizer
	loop      *train.Loop
	watch     *qat.Watch
	bestSoFar float64
	bestLoss  float64 // at the same epoch
	bestAt    int     // epochs after which the best was made, 0 before the first
	started   time.Time
	before    float64 // seconds of the phase in earlier processes
	saved     time.Time
}

// train runs the phase from its start, or from a checkpoint of it.
func (p *phase) train(ctx context.Context, from *train.Checkpoint) error {
	loader, err := datasets.NewLoader(p.data.train, p.data.Shape, datasets.LoaderOptions{
		Batch: p.r.Batch, Seed: p.seed(), Shuffle: true,
		Crop: p.r.Data.Augment.Crop, Flip: p.r.Data.Augment.Flip, Fill: uint8(p.network.Input.ZeroPoint),
	})
	if err != nil {
		return err
	}
	defer loader.Close()
	if p.optimizer, err = NewOptimizer(p.recipe, p.r.QAT.ClipDecay, p.pool); err != nil {
		return err
	}
	steps, err := schedule(p.recipe, loader.Batches())
	if err != nil {
		return err
	}
	p.loop = &train.Loop{
		Network: p.network, Loader: loader, Optimizer: p.optimizer, Params: p.params, Schedule: steps,
		Epochs: p.recipe.Epochs, Teacher: p.teacher,
		Hooks: []train.Hook{{Name: p.name, EpochStart: p.epochStart, Step: p.step, EpochEnd: p.epochEnd}},
	}
	p.watch = qat.NewWatch(p.params)
	if from != nil {
		if err := from.Restore(p.network, p.optimizer); err != nil {
			return err
		}
		p.loop.Position, p.before = from.Info.Position, from.Info.Seconds[p.name]
		p.bestSoFar, p.bestLoss, p.bestAt = from.Info.Best, from.Info.BestLoss, from.Info.BestEpochs
	}
	p.started, p.saved = time.Now(), time.Now()
	err = p.loop.Run(ctx)
	p.seconds[p.name] = p.elapsed()
	if err != nil && ctx.Err() != nil {
		if err := p.save(); err != nil {
			return err
		}
		return &Interrupted{Folder: p.folder.path, Cause: ctx.Err()}
	}
	return err
}

// seed differs between the phases, so that they see the images in other orders.
func (p *phase) seed() uint64 {
	s := uint64(p.r.Seed) << 1
	if p.name == phaseQAT {
		s++
	}
	return s
}

func (p *phase) elapsed() float64 { return p.before + time.Since(p.started).Seconds() }

func (p *phase) epochStart(l *train.Loop) error {
	if p.name == phaseQAT {
		stage, first := p.schedule.Stage(l.Position.Epoch)
		p.network.SetStage(stage)
		if first && stage > 0 && l.Position.Batch == 0 {
			if err := Calibrate(p.network, p.data.train.Head(calibrationImages)); err != nil {
				return err
			}
		}
		p.watch = qat.NewWatch(p.network.Active())
	}
	l.Pass = p.schedule.Pass(l.Position.Epoch)
	l.Pass.Seed = p.seed()
	p.network.Advance(p.schedule.Step(l.Position.Epoch))
	p.on.tell(EpochBegun{p.name, l.Position.Epoch + 1, l.Epochs, l.Loader.Batches()})
	return nil
}

func (p *phase) step(l *train.Loop, m train.Metrics) error {
	p.watch.Step()
	p.on.tell(Step{l.Position.Batch, m.Loss, m.Accuracy, m.ImagesPerSecond})
	if time.Since(p.saved) < saveEvery {
		return nil
	}
	return p.save()
}

// epochEnd validates, keeps the best and the last checkpoint and the metrics.
func (p *phase) epochEnd(l *train.Loop, m train.Metrics) error {
	v, err := train.Evaluate(context.Background(), p.network, l.Pass, p.data.validation, nil)
	if err != nil {
		return err
	}
	p.validation = v.Accuracy
	if p.schedule.Settled(l.Position.Epoch-1) && p.better(v) {
		p.bestSoFar, p.bestLoss, p.bestAt = v.Accuracy, v.Loss, l.Position.Epoch
		if err := p.folder.replace(p.best, p.capture(nil).Encode); err != nil {
			return err
		}
	}
	e := epochRecord{
		Phase: p.name, Epoch: l.Position.Epoch, Loss: m.Loss, Accuracy: m.Accuracy, Validation: v.Accuracy,
		LearningRate: m.LearningRate, ImagesPerSecond: m.ImagesPerSecond,
	}
	if p.name == phaseQAT {
		e.Clips, e.Scales = qat.Values(p.network.Active()), p.network.Scales()
	}
	if err := p.folder.appendRecord(e); err != nil {
		return err
	}
	p.on.tell(EpochEnded{m.Loss, m.Accuracy, v.Accuracy, m.ImagesPerSecond})
	for _, name := range p.watch.Silent() {
		p.on.note(fmt.Sprintf("warning: %s got no gradient in this epoch: nothing is clipped there", name))
	}
	return p.save()
}

// better says whether a network is the best so far: the first is, then one of higher
// accuracy, or of the same accuracy with less loss.
func (p *phase) better(v train.Result) bool {
	first := p.bestAt == 0 && p.bestSoFar == 0
	return first || v.Accuracy > p.bestSoFar || v.Accuracy == p.bestSoFar && v.Loss < p.bestLoss
}

// save writes checkpoint-last, unless a step has just left numbers that are
// not finite: then the one before stays.
func (p *phase) save() error {
	for _, q := range p.params {
		if slices.ContainsFunc(q.Value, func(v float32) bool { return v-v != 0 }) {
			return fmt.Errorf("pipeline: %s is no longer finite in epoch %d; lower the learning rate of the %s phase or clip its gradients", q.Name, p.loop.Position.Epoch+1, p.name)
		}
	}
	p.saved = time.Now()
	return p.folder.replace(lastFile, p.capture(p.optimizer).Encode)
}

func (p *phase) capture(o optim.Optimizer) *train.Checkpoint {
	p.seconds[p.name] = p.elapsed()
	return train.Capture(train.Info{
		Recipe: string(p.r.YAML()), Data: p.data.Digest, Computes: computes(), Phase: p.name, Position: p.loop.Position,
		Validation: p.validation, Best: p.bestSoFar, BestLoss: p.bestLoss, BestEpochs: p.bestAt, Seconds: p.seconds,
	}, p.network, o)
}
