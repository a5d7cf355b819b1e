// SPDX-License-Identifier: Apache-2.0

package qat

import "github.com/goqat/goqat/graph"

// An Observer follows the range of the values of one tensor over the batches
// of training.
//
// With Decay 0 it keeps the extremes of all batches. Otherwise it averages
// the extremes of each batch, m ← d·m + (1 − d)·v, and corrects for having started
// from 0 by dividing by 1 − dᵗ (as Kingma and Ba 2015, section 3, do for
// moments), so that the first batches count in full.
//
// What it has seen takes effect in the next run: a batch is quantized with the
// range known before it, which lets one pass over memory do both.
type Observer struct {
	Decay float32

	// state is min, max and 1 − dᵗ: the float32 numbers that a checkpoint keeps.
	state [3]float32
}

// Observe takes in the range of one batch.
func (o *Observer) Observe(s graph.Stats) {
	if !(s.Min <= s.Max) { // nothing seen, or not a number
		return
	}
	lo, hi, weight := &o.state[0], &o.state[1], &o.state[2]
	switch {
	case o.Decay == 0 && *weight == 0:
		*lo, *hi, *weight = s.Min, s.Max, 1
	case o.Decay == 0:
		*lo, *hi = min(*lo, s.Min), max(*hi, s.Max)
	default:
		d := o.Decay
		*lo = float32(d*(*lo)) + float32((1-d)*s.Min)
		*hi = float32(d*(*hi)) + float32((1-d)*s.Max)
		*weight = float32(d*(*weight)) + (1 - d)
	}
}

// Range returns the range followed so far, widened to include 0, and false if
// nothing was observed.
func (o *Observer) Range() (lo, hi float32, ok bool) {
	w := o.state[2]
	if w == 0 {
		return 0, 0, false
	}
	return min(0, o.state[0]/w), max(0, o.state[1]/w), true
}
