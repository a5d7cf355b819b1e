// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// Options are what a training needs beside its recipe.
type Options struct {
	// Resume goes on with the run in the recipe's folder; the recipe must be
	// the folder's own (LoadRun).
	Resume bool
	// AcceptChanges goes on with a run whose data, recipe or kernels are others than
	// those it was begun with.
	AcceptChanges bool
	// Epochs, if not 0, is how many epochs the quantized phase of the run that is resumed
	// shall have, more than it has: those done stay, and the rest is as in a run of so many,
	// its learning rate included. The result is not that of such a run from its beginning.
	Epochs int
	// Choice, if not nil, chooses what nobody gave.
	Choice *Choice
	// Time, if not 0, is about how long the training shall take: it sets the epochs.
	Time time.Duration
	// Memory is how many bytes of the images of a folder are kept in memory, see
	// datasets.Options.
	Memory int64
	// Group are the processes that share the training, nil for this one alone. All of them
	// call Train with the same recipe and options; rank 0 reads and writes the run folder, is told
	// what happens and does the end alone: the test, the export, the verification. Train leaves the
	// group open.
	Group dist.Group
	// Threads is how many there are where the recipe says 0; 0 means one for each
	// processor.
	Threads int
	// On, if not nil, is told of everything that happens, one event after the other, while Train waits.
	On func(Event)
	// Finished, if not nil, is shown the outcome when everything is written, on the
	// goroutine of Train, which then is over: it cannot fail any more.
	Finished func(*Evidence)
}

// Interrupted is the error of a training that was stopped and saved.
type Interrupted struct {
	Folder string
	Cause  error
	// Alone says that only rank 0 of a group was stopped, in what it does alone after the training: the others
	// have done their part.
	Alone bool
}

func (e *Interrupted) Error() string {
	return fmt.Sprintf("pipeline: interrupted; everything is saved in %s, and the run can be resumed", e.Folder)
}

func (e *Interrupted) Unwrap() error { return e.Cause }

// A ResumableError is one after which the run in a folder can be resumed.
type ResumableError struct {
	Folder string
	Err    error
}

func (e *ResumableError) Error() string { return e.Err.Error() }
func (e *ResumableError) Unwrap() error { return e.Err }

// LoadRun returns the recipe of the run in a folder. It is an error if the folder holds no run.
func LoadRun(folder string) (*recipe.Recipe, error) {
	r, err := recipe.Load(runFile(folder))
	if err != nil {
		return nil, noRun(folder, err)
	}
	r.Out = folder
	return r, nil
}

// runFile is where the recipe of the run in a folder is.
func runFile(folder string) string { return filepath.Join(folder, configFile) }

func noRun(folder string, err error) error {
	return fmt.Errorf("pipeline: %s is no run folder to resume: %w", folder, err)
}

// run is a training under way.
type run struct {
	r       *recipe.Recipe
	folder  *folder
	on      teller
	group   dist.Group
	data    split
	chosen  []string // sentences on what was chosen and why
	pool    *graph.Pool
	network *layers.Network
	teacher *Restored // nil without one

	seconds    map[string]float64 // by phase
	earlier    float64            // seconds of training in earlier processes
	validation float64            // accuracy after the last epoch, on the validation images
	balanced   float64            // balanced accuracy there
	weights    []float32          // of the classes in the loss, nil for none
	byBalance  bool               // the best checkpoint is that of the best balanced accuracy
	summary    *Summary
	result     train.Result // of the last network made, on the test images
	started    time.Time
	pace       pace
}

// Train carries out a recipe and returns its summary, which ranks of a group but the first
// have not. When ctx is cancelled it finishes the step, saves and returns an *Interrupted. It is an error if the recipe, the
// data and the options do not fit each other, if the loss is not finite, if the folder holds another run or cannot be written,
// which is a *ResumableError where the run can go on, and if one integer of the model differs from the training graph.
func Train(ctx context.Context, r *recipe.Recipe, o Options) (*Summary, error) {
	t, err := prepare(ctx, r, o)
	if err != nil {
		return nil, err
	}
	defer t.pool.Close()
	refused := export.Check(t.network)
	if refused != nil {
		t.on.note(fmt.Sprintf("note: there will be no integer model: %v", refused))
	}
	if t.folder, err = openFolder(r, o.Resume, t.group); err != nil {
		return nil, err
	}
	defer t.folder.release()
	var from *train.Checkpoint
	if o.Resume {
		if from, err = t.resumed(o); err != nil {
			return nil, err
		}
	}
	if err := t.begin(from, o); err != nil {
		return nil, err
	}
	t.data.say(t.on)
	t.sayChosen()
	if err := t.data.warnOfClasses(t.on); err != nil {
		return nil, err
	}
	t.warnOfLoneImages()
	for _, sentence := range append(remarks(r), t.unread()...) {
		t.on.note("note: " + sentence)
	}
	if err := t.phases(ctx, from); err != nil {
		return nil, t.stopped(ctx, err)
	}
	if t.group.Rank() > 0 {
		return nil, nil
	}
	t.goOnAlone()
	if err := t.finish(ctx, refused == nil); err != nil {
		return nil, t.stopped(ctx, err)
	}
	if o.Finished != nil {
		o.Finished(&Evidence{Network: t.network, Quantized: r.QAT.Epochs > 0, Test: t.data.Test, Result: t.result})
	}
	return t.summary, nil
}

// stopped adds to an error how to go on, where the run can.
func (t *run) stopped(ctx context.Context, err error) error {
	var saved *Interrupted
	switch {
	case errors.As(err, &saved):
		return err
	case t.group.Size() == 1 && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return &Interrupted{Folder: t.folder.path, Cause: err, Alone: true}
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		return &ResumableError{t.folder.path, fmt.Errorf("%w; free some space, then resume the run", err)}
	}
	return err
}

// prepare checks the recipe, opens the data, makes the choices and builds the network.
func prepare(ctx context.Context, r *recipe.Recipe, o Options) (*run, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	if err := resolve(&r.QAT); err != nil {
		return nil, err
	}
	if err := o.lengthen(r); err != nil {
		return nil, err
	}
	t := &run{
		r: r, group: dist.Local{}, on: o.On, seconds: map[string]float64{}, started: time.Now(),
	}
	if err := t.join(o); err != nil {
		return nil, err
	}
	t.pool = graph.NewPool(cmp.Or(r.Threads, o.Threads, runtime.GOMAXPROCS(0)))
	err := t.open(ctx, o)
	if err == nil {
		err = t.build(o)
	}
	if err == nil {
		err = t.agree()
	}
	if err == nil && o.Time > 0 {
		err = t.planTime(ctx, o.Time)
	}
	if err != nil {
		t.pool.Close()
		return nil, err
	}
	return t, nil
}

// open opens the data and chooses what nobody gave.
func (t *run) open(ctx context.Context, o Options) error {
	reading := Reading{Memory: o.Memory, On: t.on, Samples: t.samples(o)}
	var chosen []string
	if o.Choice != nil {
		chosen = o.Choice.adopt(t.r)
		if !datasets.Named(t.r.Data.Name) {
			reading.LongestSide = longestSide
		}
	}
	d, err := Data(ctx, t.r, reading)
	if err != nil {
		return err
	}
	if t.data, err = splitData(d, uint64(t.r.Seed)); err != nil {
		return err
	}
	if o.Choice != nil {
		chosen = append(chosen, o.Choice.choose(t.r, t.data.facts())...)
	}
	for _, reason := range chosen {
		t.chosen = append(t.chosen, "chosen: "+reason)
	}
	if o.Choice != nil && o.Choice.given("float.epochs") && t.r.Float.Epochs > 0 && !trainsFloat(t.r) {
		t.chosen = append(t.chosen, "note: float.epochs is not read: init is quantized as it is, without a float phase; transfer.head=keep trains it in float first")
	}
	return t.r.Validate()
}

// sayChosen tells what was chosen and why.
func (t *run) sayChosen() {
	for _, sentence := range t.chosen {
		t.on.note(sentence)
	}
}

// build builds the network.
func (t *run) build(o Options) error {
	start, err := t.readInit()
	if err != nil {
		return err
	}
	var in layers.Input
	if start != nil { // its weights expect the images it was trained with
		in, err = t.data.inputOf(start, &t.r.Data)
		in.Height, in.Width = t.data.Height, t.data.Width
	} else {
		in, err = t.data.input(&t.r.Data)
	}
	if err != nil {
		return err
	}
	if o.Resume { // the weights of a run expect its images, also where the data has changed since
		if c, err := sharedCheckpoint(t.group, filepath.Join(t.r.Out, lastFile)); err == nil {
			in.Params, in.Own = c.Info.Input.Params, c.Info.Input.Own
		}
	}
	if t.r.QAT.Scales == "pow2" {
		in.PowersOfTwo()
	}
	if t.network, err = t.newNetwork(in); err != nil {
		return err
	}
	if err := t.suitInit(start); err != nil {
		return err
	}
	if err := rulesMatch(&t.r.QAT, t.network); err != nil {
		return err
	}
	if err := t.weighClasses(); err != nil {
		return err
	}
	if err := t.openTeacher(o.Resume); err != nil {
		return err
	}
	t.summary = &Summary{
		Model: t.r.Model.Name, Width: t.r.Model.Width, Parameters: t.network.Parameters(), MACs: t.network.MACs(), Data: t.r.Data.Name,
		Method: t.r.QAT.Method, WeightBits: t.r.QAT.WeightBits, ActivationBits: t.r.QAT.ActivationBits,
		FirstLast: t.r.QAT.FirstLast, Seed: t.r.Seed,
		TrainImages: t.data.train.Len(), ValidationImages: t.data.validation.Len(), TestImages: t.data.Test.Len(),
	}
	t.summary.SizeBytes.Float = 4 * t.summary.Parameters
	return nil
}

// phases trains the float network and the quantized one, from the checkpoint of a
// resumed run, nil at the beginning.
func (t *run) phases(ctx context.Context, from *train.Checkpoint) error {
	phase, epochs := phaseFloat, 0
	if from != nil {
		phase, epochs = from.Info.Phase, from.Info.Position.Epoch
	}
	if err := t.folder.cutRecords(phase, epochs); err != nil {
		return err
	}
	float := t.floatPhase()
	if from == nil || from.Info.Phase == phaseFloat {
		if err := t.trainFloat(ctx, float, from); err != nil {
			return err
		}
		from = nil
	}
	quantized := t.quantizedPhase()
	if from == nil {
		if err := t.startQuantized(float); err != nil {
			return err
		}
	}
	if err := quantized.train(ctx, from); err != nil {
		return err
	}
	if t.group.Rank() > 0 {
		return nil
	}
	t.summary.TrainImagesPerSecond = PerPhase{t.folder.rates[phaseFloat], t.folder.rates[phaseQAT]}
	return nil
}

func (t *run) floatPhase() *phase {
	p := &phase{run: t, name: phaseFloat, recipe: t.r.Float, best: floatFile, schedule: qat.Float()}
	for _, q := range t.network.Graph.Params() {
		if layer, _, _ := strings.Cut(q.Name, "."); q.Group != graph.Clips && !t.freezes(layer) {
			p.params = append(p.params, q)
		}
	}
	return p
}

// trainFloat trains the float network, or takes it from the recipe's checkpoint, or both.
func (t *run) trainFloat(ctx context.Context, p *phase, from *train.Checkpoint) error {
	if t.r.Init == "" || from != nil {
		return t.trainUnfrozen(ctx, p, from)
	}
	c, err := t.takeInit()
	if err != nil {
		return err
	}
	if t.transfers() {
		return t.trainUnfrozen(ctx, p, nil)
	}
	return t.folder.replace(floatFile, train.Capture(train.Info{Recipe: string(t.r.YAML()), Data: t.data.Digest, Computes: computes(), Phase: phaseFloat, Validation: c.Info.Validation}, t.network, nil).Encode)
}

// trainsFloat says whether a recipe has a float phase.
func trainsFloat(r *recipe.Recipe) bool {
	return r.Float.Epochs > 0 && (r.Init == "" || r.Transfer.Head != "none")
}

// trainUnfrozen trains the float network but for its frozen layers.
func (t *run) trainUnfrozen(ctx context.Context, p *phase, from *train.Checkpoint) error {
	t.freeze(true)
	defer t.freeze(false)
	return p.train(ctx, from)
}

func (t *run) quantizedPhase() *phase {
	q := t.r.QAT
	p := &phase{run: t, name: phaseQAT, recipe: q.Phase, best: bestFile, schedule: quantizedSchedule(&q, t.network.Steps()), params: t.network.Graph.Params()}
	if t.teacher != nil {
		p.teacher = &train.Teacher{Network: t.teacher.Network, Pass: graph.Pass{Quantize: t.teacher.Quantized}, Temperature: t.r.Teacher.Temperature, Weight: t.r.Teacher.Weight}
	}
	return p
}

// calibrationImages is the number of training images that set the first ranges.
const calibrationImages = 512

// startQuantized restores the best float network and sets the ranges from some
// training images.
func (t *run) startQuantized(float *phase) error {
	if float.recipe.Epochs > 0 || t.r.Init != "" {
		c, err := t.folder.checkpoint(floatFile)
		if err != nil {
			return err
		}
		if err := c.Restore(t.network, nil); err != nil {
			return err
		}
	}
	t.network.SetStage(0)
	return t.calibrate()
}
