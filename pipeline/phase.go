// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
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
	if err := p.newLoop(); err != nil {
		return err
	}
	defer p.loop.Loader.Close()
	p.loop.Done = p.done
	p.loop.Hooks = []train.Hook{{Name: p.name, EpochStart: p.epochStart, Step: p.step, EpochEnd: p.epochEnd}}
	p.watch = qat.NewWatch(p.params)
	if from != nil {
		if err := from.Restore(p.network, p.optimizer); err != nil {
			return err
		}
	}
	if p.recipe.Average > 0 {
		p.loop.Average = train.NewAverage(p.network, p.recipe.Average)
	}
	if from != nil {
		if p.loop.Average != nil {
			if err := from.RestoreAverage(p.loop.Average); err != nil {
				return err
			}
		}
		p.loop.Position, p.before = from.Info.Position, from.Info.Seconds[p.name]
		p.bestSoFar, p.bestLoss, p.bestAt = from.Info.Best, from.Info.BestLoss, from.Info.BestEpochs
	}
	if err := p.agreeOnNumbers(); err != nil {
		return err
	}
	p.started, p.saved = time.Now(), time.Now()
	err := p.loop.Run(ctx)
	p.seconds[p.name] = p.elapsed()
	if err != nil && (ctx.Err() != nil || errors.Is(err, context.Canceled)) { // of this rank, or of another one
		if err := p.save(); err != nil {
			return err
		}
		return &Interrupted{Folder: p.folder.path, Cause: err}
	}
	return err
}

// newLoop sets the loop of the phase, whose loader is to be closed, and its optimizer.
func (p *phase) newLoop() error {
	loader, err := datasets.NewLoader(p.data.train, p.data.Shape, datasets.LoaderOptions{
		Batch: p.r.Batch, Seed: p.seed(), Shuffle: true, Balance: p.r.Data.Balance, Augmentation: Augmentation(p.r.Data.Augment, p.network.Input),
	})
	if err != nil {
		return err
	}
	steps, err := schedule(p.recipe, loader.Batches())
	if err == nil {
		p.optimizer, err = NewOptimizer(p.recipe, p.r.QAT.ClipDecay, p.pool)
	}
	if err != nil {
		loader.Close()
		return err
	}
	p.loop = &train.Loop{
		Network: p.network, Loader: loader, Optimizer: p.optimizer, Params: p.params, Schedule: steps,
		Epochs: p.recipe.Epochs, Teacher: p.teacher,
	}
	if p.r.Shards > 1 {
		p.loop.Shards = p.shards()
	}
	return nil
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
			if err := p.calibrate(); err != nil {
				return err
			}
		}
		p.watch = qat.NewWatch(p.network.Active())
	}
	l.Pass = p.pass(l.Position.Epoch)
	p.network.Advance(p.schedule.Step(l.Position.Epoch))
	if l.Position.Batch == 0 && l.Position.Epoch == p.schedule.FreezeNorm {
		if _, err := p.reestimate(); err != nil { // what is frozen
			return err
		}
	}
	if l.Average != nil && l.Position.Batch == 0 && p.schedule.Changes(l.Position.Epoch) {
		l.Average.Restart() // what was averaged is of another network
	}
	p.pace.begin(l.Position.Batch)
	p.on.tell(EpochBegun{p.name, l.Position.Epoch + 1, l.Epochs, l.Loader.Batches()})
	return nil
}

// pass is what the steps of an epoch compute.
func (p *phase) pass(epoch int) graph.Pass {
	pass := p.schedule.Pass(epoch)
	pass.Seed, pass.ClassWeights, pass.Smoothing = p.seed(), p.weights, float32(p.r.Smoothing)
	return pass
}

func (p *phase) step(l *train.Loop, m train.Metrics) error {
	p.watch.Step()
	p.pace.measure(l.Position.Batch, false)
	left := p.left(l.Position.Epoch, l.Position.Batch, l.Loader.Batches())
	p.on.tell(Step{l.Position.Batch, m.Loss, m.Accuracy, m.ImagesPerSecond, l.Shards.Rates(), left})
	p.sayLeft(left, l.Position.Epoch)
	if time.Since(p.saved) < saveEvery {
		return nil
	}
	return p.save()
}

// epochEnd validates, keeps the best and the last checkpoint and the metrics.
func (p *phase) epochEnd(l *train.Loop, m train.Metrics) error {
	p.pace.measure(l.Loader.Batches(), true)
	if err := p.validate(l); err != nil {
		return err
	}
	e := Epoch{
		Phase: p.name, Epoch: l.Position.Epoch, Loss: m.Loss, Accuracy: m.Accuracy, Validation: p.validation, Balanced: p.balanced,
		LearningRate: m.LearningRate, ImagesPerSecond: m.ImagesPerSecond,
	}
	if p.name == phaseQAT {
		e.Clips, e.Scales = qat.Values(p.network.Active()), p.network.Scales()
		e.Frozen = p.network.Frozen()
	}
	if err := p.folder.appendRecord(e); err != nil {
		return err
	}
	p.on.tell(EpochEnded{m.Loss, m.Accuracy, p.validation, m.ImagesPerSecond, l.Shards.Rates(), p.left(l.Position.Epoch, 0, l.Loader.Batches())})
	if err := p.agreeOnNumbers(); err != nil {
		return err
	}
	if silent := p.watch.Silent(); len(silent) > 0 {
		p.on.note(fmt.Sprintf("warning: no gradient in this epoch, since nothing is clipped there: %s", strings.Join(silent, ", ")))
	}
	return p.save()
}

// validate measures the network as it would be exported, or the average of its weights where there
// is one, and keeps it if it is the best so far.
func (p *phase) validate(l *train.Loop) error {
	settled := p.schedule.Settled(l.Position.Epoch - 1)
	if l.Average != nil {
		l.Average.Swap()
		defer l.Average.Swap()
	}
	if settled {
		followed, err := p.reestimate()
		if err != nil {
			return err
		}
		defer followed.restore()
	}
	v, err := train.EvaluateShared(context.Background(), p.group, p.network, l.Pass, p.data.validation, p.on.counter("validation", p.data.validation.Len()))
	if err != nil {
		return err
	}
	p.validation, p.balanced = v.Accuracy, train.Balanced(v.PerClass(p.network.Classes))
	score := v.Accuracy
	if p.byBalance {
		score = p.balanced
	}
	if !settled || !p.better(score, v.Loss) {
		return nil
	}
	p.bestSoFar, p.bestLoss, p.bestAt = score, v.Loss, l.Position.Epoch
	return p.folder.replace(p.best, p.capture(nil).Encode)
}

// better says whether a network of a score on the validation images, its accuracy or its
// balanced accuracy, is the best so far: the first is, then one of a higher score, or of
// the same score with less loss.
func (p *phase) better(score, loss float64) bool {
	first := p.bestAt == 0 && p.bestSoFar == 0
	return first || score > p.bestSoFar || score == p.bestSoFar && loss < p.bestLoss
}

// done says whether the patience of the recipe is at its end: so many epochs have gone by
// since the best one.
func (p *phase) done() bool {
	epoch := p.loop.Position.Epoch
	over := p.recipe.Patience > 0 && p.bestAt > 0 && epoch-p.bestAt >= p.recipe.Patience
	if over {
		p.on.note(fmt.Sprintf("the %s phase stops after %d of %d epochs: none of the last %d was better than epoch %d", p.name, epoch, p.recipe.Epochs, epoch-p.bestAt, p.bestAt))
	}
	return over
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
	if p.group.Rank() > 0 {
		return nil
	}
	c := p.capture(p.optimizer)
	if p.loop.Average != nil {
		c.PutAverage(p.loop.Average)
	}
	return p.folder.replace(lastFile, c.Encode)
}

func (p *phase) capture(o optim.Optimizer) *train.Checkpoint {
	p.seconds[p.name] = p.elapsed()
	return train.Capture(train.Info{
		Recipe: string(p.r.YAML()), Data: p.data.Digest, Computes: computes(), Phase: p.name, Position: p.loop.Position,
		Validation: p.validation, Best: p.bestSoFar, BestLoss: p.bestLoss, BestEpochs: p.bestAt, Seconds: p.seconds,
	}, p.network, o)
}
