// SPDX-License-Identifier: Apache-2.0

package graph

import "math"

// Steps say of a tensor that its values are whole numbers of a step, the least of them
// Least and the greatest Most: its codes less their zero point. The zero value says that
// it is not so.
type Steps struct {
	Step        float32
	Least, Most int32
	// Nearest says of a quantizer that it takes the nearest of these numbers, the even one of
	// two, as kernel.FakeQuantize does.
	Nearest bool
}

// magnitude returns the greatest magnitude of the whole numbers.
func (s Steps) magnitude() int { return int(max(-s.Least, s.Most)) }

// A Stepped Quantizer says of which steps the values are whole numbers that its Forward
// writes, after the last Begin. A convolution of two such tensors is computed on integers
// (docs/numerics.md, 3.17).
type Stepped interface {
	Quantizer
	Steps() Steps
}

// A SteppedWeights Function says of which steps the weights are whole numbers that its
// Forward last computed: of one step for each output channel, or of one for all, at most
// the given magnitude of them. It says 0 where they are no such numbers in the run. Where
// the weights fall apart in Planes, the steps of one plane come after those of another.
type SteppedWeights interface {
	Function
	WeightSteps(r *Run) (steps []float32, most int)
}

// SetInputSteps says of which steps the images are whole numbers that are fed.
func (g *Graph) SetInputSteps(s Steps) { g.input.steps = s }

// keeps notes that the values of n are those of x, but for their places, and returns n.
func (n *Node) keeps(x *Node) *Node {
	if n != x { // as after an error of building
		n.kept = x
	}
	return n
}

// steps returns of which steps the values are whole numbers that the epilogue computed last:
// of NaN where they are codes and one of them was no number.
func (e *epilogue) steps() Steps {
	q, ok := e.Quantizer.(Stepped)
	switch {
	case e.tapped.Step != 0:
		return e.tapped
	case ok && e.quantizing && e.byImage == nil:
		s := q.Steps()
		if e.spoiled.Load() {
			s.Step = float32(math.NaN())
		}
		return s
	}
	return Steps{}
}

// stepsOf returns of which steps the values of n are whole numbers in the run under way.
func stepsOf(n *Node, r *Run) (s Steps) {
	if !r.Quantize || r.Mode == Integer {
		return s
	}
	gain := float32(1)
	for ; n.kept != nil; n = n.kept {
		if d, ok := n.fn.(*dropout); ok && r.Mode == Train {
			gain *= d.scale
		}
	}
	if n.fn == nil {
		s = n.steps
	} else if e, ok := n.fn.(*epilogue); ok {
		s = e.steps()
	}
	s.Step *= gain
	return s
}
