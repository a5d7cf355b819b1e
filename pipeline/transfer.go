// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/train"
)

// transfers says whether the network of init is trained further in a float phase.
func (t *run) transfers() bool { return t.r.Init != "" && t.r.Transfer.Head != "none" }

// ErrOtherClasses is in the error of a checkpoint of other classes than the data's.
var ErrOtherClasses = errors.New("or begin its last layer anew by transfer.head=new")

// readInit reads the recipe's checkpoint to start from and holds it to the data, nil
// without one.
func (t *run) readInit() (*train.Checkpoint, error) {
	if t.r.Init == "" {
		return nil, nil
	}
	c, err := train.ReadCheckpoint(t.r.Init)
	if err != nil {
		return nil, err
	}
	in, classes := c.Info.Input, c.Info.Classes
	if t.r.Transfer.Head == "new" {
		classes = t.data.Classes
	}
	if t.transfers() { // whether images of another size fit is for the weights to say
		in.Height, in.Width = t.data.Height, t.data.Width
	}
	if err := t.suits("init", t.r.Init, in, classes); err != nil {
		if slices.Equal(c.Info.Classes, t.data.Classes) || t.r.Transfer.Head != "none" {
			return nil, err
		}
		return nil, fmt.Errorf("%w, %w", err, ErrOtherClasses)
	}
	if c.Info.Phase == phaseQAT {
		t.on.note(fmt.Sprintf("note: init: %s is of the quantized phase: only its weights and statistics are taken, all ranges are set anew", t.r.Init))
	}
	return c, nil
}

// fromQuantized says whether the quantized phase begins from weights of another quantized phase, which were learned to be rounded:
// without their quantizers they are no network that anybody trained.
func (t *run) fromQuantized() bool {
	if t.r.Init == "" || t.transfers() {
		return false
	}
	c, err := train.ReadCheckpoint(t.r.Init)
	return err == nil && c.Info.Phase == phaseQAT // one that is gone since the run began counts as of the float phase
}

// suitInit holds the built network to the checkpoint to start from, and sets what of it
// is trained, and how fast.
func (t *run) suitInit(c *train.Checkpoint) error {
	if c == nil {
		return nil
	}
	if err := c.Shares(t.network, t.newLayers()...); err != nil {
		return fmt.Errorf("%w (init: %s)", err, t.r.Init)
	}
	if !t.transfers() {
		return nil
	}
	t.rateBody()
	head := t.head().Name
	if t.r.Transfer.Head == "new" {
		t.on.note(fmt.Sprintf("note: init: the last layer, %s, begins anew for %d classes; the others are those of %s", head, len(t.data.Classes), t.r.Init))
	}
	return t.checkFreeze(head)
}

// rateBody sets how fast all layers but the last are trained.
func (t *run) rateBody() {
	head := t.head().Name
	for _, p := range t.network.Graph.Params() {
		if !strings.HasPrefix(p.Name, head+".") && p.Group != graph.Clips {
			p.Rate = t.r.Transfer.BodyRate
		}
	}
}

// takeInit gives the network what the checkpoint of init has of it, and returns the
// checkpoint.
func (t *run) takeInit() (*train.Checkpoint, error) {
	c, err := train.ReadCheckpoint(t.r.Init)
	if err != nil {
		return nil, err
	}
	if err := c.RestoreShared(t.network, t.newLayers()...); err != nil {
		return nil, fmt.Errorf("%w (init: %s)", err, t.r.Init)
	}
	t.network.RescaleImage(c.Info.Input.Scale)
	return c, nil
}

// head returns the last layer.
func (t *run) head() *layers.Unit { return t.network.Logits.Source }

// newLayers names the layers that are not taken from init.
func (t *run) newLayers() []string {
	if t.r.Transfer.Head == "new" {
		return []string{t.head().Name}
	}
	return nil
}

// freezes says whether a layer stays as it is in the float phase.
func (t *run) freezes(layer string) bool {
	return slices.ContainsFunc(t.r.Transfer.Freeze, func(pattern string) bool { ok, _ := path.Match(pattern, layer); return ok })
}

// checkFreeze wants every pattern to freeze a layer, and one layer at least to be
// trained.
func (t *run) checkFreeze(head string) error {
	var names, frozen []string
	for _, u := range t.network.Units {
		if !u.Kind.Weighted() {
			continue
		}
		names = append(names, u.Name)
		if t.freezes(u.Name) {
			frozen = append(frozen, u.Name)
		}
	}
	for i, pattern := range t.r.Transfer.Freeze {
		if !slices.ContainsFunc(names, func(name string) bool { ok, _ := path.Match(pattern, name); return ok }) {
			return fmt.Errorf("pipeline: transfer.freeze[%d]: %q matches no layer; layers are %v", i, pattern, names)
		}
	}
	if t.r.Transfer.Head == "new" && t.freezes(head) {
		return fmt.Errorf("pipeline: transfer.freeze: %v freeze the last layer, %s, which begins anew", t.r.Transfer.Freeze, head)
	}
	if len(frozen) == len(names) {
		return fmt.Errorf("pipeline: transfer.freeze: %v freeze all layers, so that there is nothing to train", t.r.Transfer.Freeze)
	}
	if len(frozen) > 0 {
		t.on.note(fmt.Sprintf("note: transfer.freeze: %d of %d layers stay as they are in the float phase: %s; the quantized phase trains all, since weights must learn to be rounded",
			len(frozen), len(names), strings.Join(frozen, ", ")))
	}
	return nil
}

// freeze keeps the statistics of the frozen layers, or no longer.
func (t *run) freeze(on bool) {
	for _, u := range t.network.Units {
		if u.Norm != nil && t.freezes(u.Name) {
			u.Norm.Frozen = on
		}
	}
}
