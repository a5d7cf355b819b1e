// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"math"

	"github.com/goqat/goqat/fixed"
)

// forwardImages quantizes image by image what forwardBlocks left.
type forwardImages epilogue

func (t *forwardImages) Tile(i, _ int) {
	y := t.y[i*t.rows*t.channels:][:t.rows*t.channels]
	t.byImage.ForwardImage(y, y)
}

// SetOnline gives the epilogue that computes n the rule of its online range for Integer
// runs: the requantizer of SetInteger leads to the values that the codes are made of.
func (n *Node) SetOnline(rule fixed.Online) { n.fn.(*epilogue).online.rule = &rule }

// SetSteps says for each term of the requantizer of n by which node's steps the images
// of the term differ: an epilogue with a rule of SetOnline, or nil for one step for all.
func (n *Node) SetSteps(terms []*Node) {
	o := &n.fn.(*epilogue).online
	o.from = make([]*epilogue, len(terms))
	for i, t := range terms {
		if t != nil {
			o.from[i] = t.fn.(*epilogue)
		}
	}
}

// Steps returns the steps of the images of the last Integer run, for a node with a rule
// of SetOnline.
func (n *Node) Steps() []fixed.Step { return n.fn.(*epilogue).online.steps }

// ValuesName is the name of the site that shows, in Integer runs, the values that the
// codes of a tensor with an online range are made of.
func ValuesName(tensor string) string { return tensor + ".values" }

// onlineInteger is what an epilogue has of online ranges in Integer runs: its own, and
// those of its terms.
type onlineInteger struct {
	rule        *fixed.Online
	steps       []fixed.Step // by image
	from        []*epilogue  // by term; nil for one step for all images
	multipliers [][][]int64  // by image, term and channel
}

// scaleImages computes the multipliers of each image.
func (e *epilogue) scaleImages() {
	o := &e.online
	if o.from == nil {
		return
	}
	o.multipliers = make([][][]int64, e.run.Batch)
	for image := range o.multipliers {
		for i, m := range e.integer.M {
			if from := o.from[i]; from != nil {
				scaled := make([]int64, len(m))
				for c := range m {
					scaled[c] = from.online.steps[image].Scale(m[c])
				}
				m = scaled
			}
			o.multipliers[image] = append(o.multipliers[image], m)
		}
	}
}

// finishOnline shows the values, and makes codes of those of each image.
func (e *epilogue) finishOnline() {
	size := e.rows * e.channels
	if tap := e.run.Tap; tap != nil {
		n := e.run.Batch * size
		tap(Site{Name: ValuesName(e.name), Y: e.y[:n], Codes: e.codes[:n]})
	}
	e.online.steps = make([]fixed.Step, e.run.Batch)
	for image := range e.online.steps {
		e.online.steps[image] = onlineCodes(*e.online.rule, e.codes[image*size:][:size], e.y[image*size:])
	}
}

// onlineCodes replaces the values of an image by their codes, writes these less their
// zero point to y, and returns the step.
func onlineCodes(rule fixed.Online, codes []int32, y []float32) fixed.Step {
	least, most := int32(math.MaxInt32), int32(math.MinInt32)
	for _, v := range codes {
		least, most = min(least, v), max(most, v)
	}
	step := rule.Step(least, most)
	for i, v := range codes {
		codes[i] = rule.Code(v, step)
		y[i] = float32(codes[i] - rule.Zero)
	}
	return step
}
