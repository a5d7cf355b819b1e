// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
)

// suits wants a checkpoint used beside the training, for its role of teacher, init or
// resume, to be of images of the same size and of the same classes in the same order,
// those without names of as many.
func (t *run) suits(role, file string, in layers.Input, classes []string) error {
	d := t.data
	if in.Height != d.Height || in.Width != d.Width || in.Channels != d.Channels {
		return fmt.Errorf("pipeline: %s: %s is of images of %dx%dx%d, the data has %v; take a checkpoint of the same size, or set data.height, data.width and data.channels", role, file, in.Height, in.Width, in.Channels, d.Shape)
	}
	if len(classes) != len(d.Classes) {
		return fmt.Errorf("pipeline: %s: %s knows %s, the data has %d; take a checkpoint of the same classes", role, file, plural.Of(len(classes), "class"), len(d.Classes))
	}
	if datasets.Unnamed(classes) { // by index
		return nil
	}
	for i, name := range classes {
		if name != d.Classes[i] {
			return fmt.Errorf("pipeline: %s: class %d of %s is %q, that of the data %q; take a checkpoint of the same classes in the same order", role, i, file, name, d.Classes[i])
		}
	}
	return nil
}

// openTeacher opens the recipe's teacher, if it has one. Settings of a teacher that nobody reads are refused, but for a run to
// resume, which may have been made with them.
func (t *run) openTeacher(resume bool) (err error) {
	file := t.r.Teacher.Checkpoint
	switch {
	case file == "" && t.r.Teacher != recipe.Default().Teacher && !resume:
		return errors.New("pipeline: teacher.temperature and teacher.weight are settings of a teacher, which the recipe has not; leave them out, or name one by teacher.checkpoint")
	case file == "":
		return nil
	case t.r.QAT.Epochs == 0 && !resume:
		return errors.New("pipeline: teacher.checkpoint: the quantized phase learns from a teacher, but qat.epochs is 0; leave the teacher out, or train quantized")
	}
	if t.teacher, err = Open(file, t.shards().Most(), t.pool); err != nil {
		return fmt.Errorf("%w (teacher)", err)
	}
	return t.suits("teacher", file, t.teacher.Network.Input, t.teacher.Network.Classes)
}

// rulesMatch wants every rule and stage of a recipe to match a layer with weights.
func rulesMatch(q *recipe.QAT, n *layers.Network) error {
	var names []string
	for _, u := range n.Units {
		if u.Kind.Weighted() {
			names = append(names, u.Name)
		}
	}
	matches := func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool { ok, _ := path.Match(pattern, name); return ok })
	}
	for i, r := range q.Layers {
		if !matches(r.Match) {
			return fmt.Errorf("pipeline: qat.layers[%d].match: %q matches no layer; layers are %v", i, r.Match, names)
		}
	}
	for i, s := range q.Stages {
		if s.Match != "" && !matches(s.Match) {
			return fmt.Errorf("pipeline: qat.stages[%d].match: %q matches no layer; layers are %v", i, s.Match, names)
		}
	}
	return nil
}
