// SPDX-License-Identifier: Apache-2.0

// Package sweep trains the recipes of a grid, or a part of them, each in a run folder of
// its own. Who starts it again goes on where it stopped.
package sweep

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goqat/goqat/internal/lock"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/internal/share"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/table"
)

// The states of a training.
const (
	ToDo    = "to do"
	Begun   = "begun"   // and stopped or killed: it is resumed
	Done    = "done"    // before, or now
	Failed  = "failed"  // see Error
	Running = "running" // by another process
)

// A Training is one of the recipes of a grid.
type Training struct {
	Folder string `json:"folder"`
	State  string `json:"state"`
	Error  string `json:"error,omitempty"`
	// Accuracy is that of the last network made, on the test images; nil before it is done.
	Accuracy *float64 `json:"accuracy"`

	recipe *recipe.Recipe
	given  []string
}

// Options say what is trained, and where.
type Options struct {
	Out  string     // folder of the run folders; "" for that of the recipe, or runs and the name of the grid
	Set  []string   // values of all recipes, as recipe.Set takes them
	Part share.Part // of the trainings
}

// ErrOther is the error, wrapped, of a run folder that is taken.
var ErrOther = errors.New("holds a training of another recipe")

// Read reads a grid and finds out what is done. Wrong recipes are refused before anything
// is trained, and so is a folder with trainings of another grid, which is ErrOther.
func Read(file string, o Options) ([]*Training, error) {
	g, err := recipe.LoadGrid(file)
	if err != nil {
		return nil, err
	}
	given := g.Given
	for _, s := range o.Set {
		path, _, _ := strings.Cut(s, "=")
		if slices.ContainsFunc(g.Axes, func(a recipe.Axis) bool { return a.Path == path }) {
			return nil, fmt.Errorf("sweep: %s has a list in %s; change it there", path, file)
		}
		given = append(given, path)
	}
	var list []*Training
	for i, p := range g.Points {
		for _, s := range o.Set {
			if err := p.Recipe.Set(s); err != nil {
				return nil, err
			}
		}
		out := o.Out
		if out == "" {
			out = p.Recipe.Out
		}
		if out == "" {
			out = filepath.Join("runs", strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)))
		}
		if err := p.Recipe.Validate(); err != nil {
			return nil, fmt.Errorf("sweep: %s: %w", p.Name, err)
		}
		if err := pipeline.CheckNames(p.Recipe); err != nil {
			return nil, fmt.Errorf("sweep: %s: %w", p.Name, err)
		}
		p.Recipe.Out = filepath.Join(out, table.Folder(p.Name, p.Recipe.Seed))
		if !o.Part.Has(i) {
			continue
		}
		t := &Training{Folder: p.Recipe.Out, State: ToDo, recipe: p.Recipe, given: given}
		if err := t.look(); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// look finds out the state of a training.
func (t *Training) look() error {
	record, err := pipeline.ReadRecord(t.Folder)
	if err != nil {
		return nil // there is none; what else may be wrong is said by training
	}
	if err := t.same(record.Recipe); err != nil {
		return err
	}
	t.State = Begun
	if record.Summary != nil {
		t.done(record.Summary)
	}
	return nil
}

func (t *Training) done(s *pipeline.Summary) {
	t.State = Done
	for _, a := range []*float64{s.Accuracy.Float, s.Accuracy.Fakequant, s.Accuracy.Integer} {
		if a != nil {
			t.Accuracy = a
		}
	}
}

// same wants the run in the folder to be one of this recipe, as far as it says something:
// what it leaves open was chosen by the data.
func (t *Training) same(made *recipe.Recipe) error {
	var other []string
	for _, d := range t.recipe.Differences(made) {
		path, _, _ := strings.Cut(d, ": ")
		if t.says(path) {
			other = append(other, d)
		}
	}
	if len(other) > 0 {
		return fmt.Errorf("sweep: %s %w: %s; remove it or name another folder", t.Folder, ErrOther, strings.Join(other, "; "))
	}
	return nil
}

// free are keys that change no result, or that a run writes into its recipe when it finds them.
var free = []string{"version", "threads", "out", "data.dir", "data.mean", "data.deviation", "data.skip_broken"}

// says tells whether the grid gives the key a value that a run keeps.
func (t *Training) says(path string) bool {
	for _, f := range free {
		if path == f || strings.HasPrefix(path, f+".") {
			return false
		}
	}
	for _, g := range t.given {
		if path == g || strings.HasPrefix(path, g+".") {
			return true
		}
	}
	return false
}

// Train trains what is not done, one after the other. One that fails does not keep the
// others from being trained; the end of ctx does, after it is saved. on, if not nil, is
// told what happens; begin, if not nil, before each.
func Train(ctx context.Context, list []*Training, on func(pipeline.Event), begin func(i int, t *Training)) error {
	failed := 0
	for i, t := range list {
		if t.State == Done {
			continue
		}
		if begin != nil {
			begin(i, t)
		}
		err := t.train(ctx, on)
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			t.State = Begun
			return err
		}
		if t.State == Failed {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("sweep: %d of %s failed", failed, plural.Of(len(list), "training"))
	}
	return nil
}

// train trains one, or goes on with it, and keeps the outcome.
func (t *Training) train(ctx context.Context, on func(pipeline.Event)) error {
	if err := t.look(); err != nil || t.State == Done { // another process may have been at it
		return t.fail(err)
	}
	r, o := t.recipe, pipeline.Options{On: on, Choice: &pipeline.Choice{Given: t.given}}
	if t.State == Begun {
		threads, dir := r.Threads, r.Data.Dir
		var err error
		if r, err = pipeline.LoadRun(t.Folder); err != nil {
			return t.fail(err)
		}
		r.Threads, r.Data.Dir = threads, dir
		o = pipeline.Options{On: on, Resume: true}
	}
	s, err := pipeline.Train(ctx, r, o)
	if err != nil {
		return t.fail(err)
	}
	t.done(s)
	return nil
}

// fail keeps an error, unless it is that of a training that another process does.
func (t *Training) fail(err error) error {
	switch {
	case err == nil:
	case errors.Is(err, lock.ErrInUse):
		t.State = Running
	default:
		t.State, t.Error = Failed, err.Error()
	}
	return err
}
