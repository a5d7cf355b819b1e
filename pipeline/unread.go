// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/recipe"
)

// unread says which settings of a recipe, others than the defaults, nothing in the run reads. They are no errors: recipes share
// them between methods and data.
func (t *run) unread() (list []string) {
	usual := recipe.Default()
	say := func(key, of string) { list = append(list, fmt.Sprintf("%s is not read: it is %s", key, of)) }
	if trainsFloat(t.r) && t.r.Float.Optimizer != "sgd" && t.r.Float.Momentum != usual.Float.Momentum {
		say("float.momentum", "of the optimizer sgd, not of "+t.r.Float.Optimizer)
	}
	if t.r.Data.Percentile > 0 && t.data.Samples == nil {
		say("data.percentile", "of signals, and these are images")
	}
	q := &t.r.QAT
	if q.Epochs == 0 {
		return list
	}
	if q.Optimizer != "sgd" && q.Momentum != usual.QAT.Momentum {
		say("qat.momentum", "of the optimizer sgd, not of "+q.Optimizer)
	}
	if q.ClipDecay != usual.QAT.ClipDecay && !slices.ContainsFunc(t.network.Graph.Params(), func(p *graph.Param) bool { return p.Group == graph.Clips }) {
		say("qat.clip_decay", "of methods that learn clips or steps, such as pact and lsq")
	}
	if q.InputScaling && !slices.ContainsFunc(t.network.Units, func(u *layers.Unit) bool { return u.Kind.Weighted() && u.Assigned.Signs() }) {
		say("qat.input_scaling", "of layers that read signs, as by xnor")
	}
	return list
}
