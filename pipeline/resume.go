// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"strings"

	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// ErrChanges is in the error of a run whose data, recipe or kernels are others than those it was begun with, unless
// Options.AcceptChanges is set.
var ErrChanges = errors.New("undo it, or accept the changes")

// computes names what the numbers of a training depend on beside its recipe and its
// data: the kernels, of which those for AVX2 and AVX-512 give the same bits.
func computes() string {
	if t := kernel.CurrentTier().SameBits(); t != kernel.Portable {
		return t.String()
	}
	return kernel.Portable.String() + " " + runtime.GOARCH
}

// lengthen gives a run that is resumed more epochs.
func (o *Options) lengthen(r *recipe.Recipe) error {
	switch {
	case o.Epochs == 0:
		return nil
	case !o.Resume:
		return errors.New("pipeline: only a run that is resumed is trained longer")
	case o.Epochs <= r.QAT.Epochs:
		return fmt.Errorf("pipeline: %s has %s of the quantized phase, no fewer than the %d asked for; a run can be trained longer, not shorter; resume it without a number of epochs, or with more", r.Out, plural.Of(r.QAT.Epochs, "epoch"), o.Epochs)
	}
	r.QAT.Epochs = o.Epochs
	return r.Validate()
}

// last returns the last checkpoint of the folder, nil if there is none yet.
func (f *folder) last() (*train.Checkpoint, error) {
	c, err := f.checkpoint(lastFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return c, err
}

// resumed returns the checkpoint from which the run goes on, nil if nothing has been
// trained yet. It wants the data, the recipe and the kernels that the checkpoint was
// trained with, unless changes of them are accepted.
func (t *run) resumed(o Options) (*train.Checkpoint, error) {
	c, err := t.folder.last()
	if err != nil || c == nil {
		return nil, err
	}
	if err := t.suits("resume", t.folder.file(lastFile), c.Info.Input, c.Info.Classes); err != nil {
		return nil, err
	}
	changes, err := t.changes(&c.Info, o)
	if err != nil {
		return nil, err
	}
	if len(changes) > 0 {
		all := strings.Join(changes, "; ")
		if !o.AcceptChanges {
			return nil, fmt.Errorf("pipeline: %s cannot go on to the same result: %s; %w", t.folder.path, all, ErrChanges)
		}
		t.on.note("note: the run goes on with changes: " + all)
	}
	for name, s := range c.Info.Seconds {
		t.seconds[name] = s
		t.earlier += s
	}
	return c, nil
}

// begin writes the recipe of the run. That of one that is trained longer is written into the checkpoint
// it goes on from, too, so that it is resumed like any other if it is killed before it saves. A run that
// is changed has no summary until it is done: the one that is there is of the run as it was.
func (t *run) begin(from *train.Checkpoint, o Options) error {
	if from != nil && o.Epochs > 0 {
		from.Info.Recipe = string(t.r.YAML())
		if err := t.folder.replace(lastFile, from.Encode); err != nil {
			return err
		}
	}
	if o.Epochs > 0 || o.AcceptChanges {
		if err := t.folder.remove(summaryFile); err != nil {
			return err
		}
	}
	return t.folder.write(configFile, t.r.YAML())
}

// alike gives a recipe what of another one changes no number of a training: where its folders
// are, and how many threads it has.
func alike(r, other *recipe.Recipe) {
	r.Version, r.Out, r.Threads, r.Data.Dir = other.Version, other.Out, other.Threads, other.Data.Dir
}

// changes names what is other than when a checkpoint was made, where that is known.
func (t *run) changes(made *train.Info, o Options) (changes []string, err error) {
	if made.Data != "" && made.Data != t.data.Digest {
		changes = append(changes, fmt.Sprintf("the data has changed: files or labels of %s are not those that it was trained with", t.data.Name))
	}
	before, err := recipe.Parse([]byte(made.Recipe), t.folder.file(lastFile))
	if err != nil {
		return nil, fmt.Errorf("pipeline: the recipe in checkpoint %s: %w", t.folder.file(lastFile), err)
	}
	alike(before, t.r)
	before.Data.SkipBroken = t.r.Data.SkipBroken // what it leaves out, the digest tells
	if o.Epochs > 0 {
		before.QAT.Epochs = o.Epochs
	}
	if made.Data != "" { // the data itself was compared
		before.Data.Name = t.r.Data.Name
	}
	if d := t.r.Differences(before); len(d) > 0 {
		changes = append(changes, configFile+" has changed: "+strings.Join(d, ", "))
	}
	if made.Computes != "" && made.Computes != computes() {
		changes = append(changes, fmt.Sprintf("other kernels compute: %s, was %s (a different processor, or GOQAT_TRAIN_KERNELS)", computes(), made.Computes))
	}
	return changes, nil
}
