// SPDX-License-Identifier: Apache-2.0

package qat

import (
	"slices"

	"github.com/goqat/goqat/graph"
)

// A Schedule says when, in a training of some epochs, quantization starts and
// what freezes: observed ranges first, then the statistics of batch
// normalization (Krishnamoorthi 2018, section 3.2). Epochs count from 0; the
// zero value quantizes and freezes everything from the start.
type Schedule struct {
	Start          int   // the first quantized epoch
	Stages         []int // of each stage the first epoch after it, rising
	FreezeObserver int   // the first epoch with fixed ranges
	FreezeNorm     int   // the first epoch with fixed statistics
	// Steps are the first epochs of the steps in which weights are quantized.
	Steps []int
}

// Never is an epoch that no training reaches.
const Never = 1 << 30

// Float is the schedule of a training without quantization.
func Float() Schedule { return Schedule{Start: Never, FreezeObserver: 0, FreezeNorm: Never} }

// Pass returns the training pass of an epoch.
func (s Schedule) Pass(epoch int) graph.Pass {
	quantize := epoch >= s.Start
	return graph.Pass{Quantize: quantize, Observe: quantize && epoch < s.FreezeObserver, FreezeNorm: epoch >= s.FreezeNorm}
}

// StepEpochs spreads n steps over the epochs before the end, the first at the
// start and the last one epoch before, so that what follows sees all weights
// quantized.
func StepEpochs(n, end int) []int {
	steps := make([]int, n)
	for k := range steps {
		if n > 1 {
			steps[k] = (max(0, end-1)*k + (n-1)/2) / (n - 1)
		}
	}
	return steps
}

// Step returns the number of steps taken at the start of an epoch.
func (s Schedule) Step(epoch int) int {
	n := 0
	for n < len(s.Steps) && s.Steps[n] <= epoch {
		n++
	}
	return n
}

// Stage returns the stage that an epoch belongs to, len(Stages) after all of
// them, and whether the epoch is the first of it.
func (s Schedule) Stage(epoch int) (stage int, first bool) {
	start := 0
	for stage < len(s.Stages) && epoch >= s.Stages[stage] {
		start = s.Stages[stage]
		stage++
	}
	return stage, epoch == start
}

// Settled says whether everything that ever starts or freezes has done so at
// the start of an epoch: what is measured then is what ships.
func (s Schedule) Settled(epoch int) bool {
	for _, at := range append([]int{s.Start, s.FreezeObserver, s.FreezeNorm}, s.Stages...) {
		if at != Never && epoch < at {
			return false
		}
	}
	return s.Step(epoch) == len(s.Steps)
}

// Changes says whether the network that an epoch trains is another than that of the epoch
// before: quantization starts, a stage ends, or a step of weights is quantized.
func (s Schedule) Changes(epoch int) bool {
	return epoch > 0 && (epoch == s.Start || slices.Contains(s.Stages, epoch) || s.Step(epoch) != s.Step(epoch-1))
}
