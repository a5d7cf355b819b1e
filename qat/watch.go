// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"slices"

	"github.com/goqat/goqat/graph"
)

// A Watch finds learned clips that get no gradient: nothing reaches them, so
// they only decay, and with 8 bits that is often so.
type Watch struct {
	clips []*graph.Param
	moved []bool
	steps int
}

// NewWatch watches the clips among the parameters.
func NewWatch(params []*graph.Param) *Watch {
	w := &Watch{}
	for _, p := range params {
		if p.Group == graph.Clips {
			w.clips = append(w.clips, p)
		}
	}
	w.moved = make([]bool, len(w.clips))
	return w
}

// Step looks at the gradients of a step.
func (w *Watch) Step() {
	w.steps++
	for i, p := range w.clips {
		w.moved[i] = w.moved[i] || slices.ContainsFunc(p.Grad, func(g float32) bool { return g != 0 })
	}
}

// Silent returns the names of the clips without any gradient since the last
// call, none if there was no step.
func (w *Watch) Silent() []string {
	var names []string
	for i, p := range w.clips {
		if !w.moved[i] && w.steps > 0 {
			names = append(names, p.Name)
		}
	}
	clear(w.moved)
	w.steps = 0
	return names
}

// Values returns the first value of every learned clip, by name, for a log.
func Values(params []*graph.Param) map[string]float64 {
	values := map[string]float64{}
	for _, p := range params {
		if p.Group == graph.Clips {
			values[p.Name] = float64(p.Value[0])
		}
	}
	return values
}
