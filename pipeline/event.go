// SPDX-License-Identifier: Apache-2.0

package pipeline

import "time"

// An Event is something that a training has to tell: one of [Note], [EpochBegun],
// [Step], [EpochEnded] and [Progress]. Whoever is told shows it or not.
type Event interface{ event() }

// A Note is a sentence for people: what the data is, what was left out, a warning.
type Note struct{ Text string }

// EpochBegun tells that an epoch, counted from 1, of so many epochs of a phase, with
// so many batches, has begun or goes on.
type EpochBegun struct {
	Phase                  string
	Epoch, Epochs, Batches int
}

// A Step tells how many batches of the epoch are done, with its means so far.
type Step struct {
	Batch           int
	Loss, Accuracy  float64
	ImagesPerSecond float64
	// Ranks are the images a second that each rank of a group computes, without its wait for
	// the others; nil for one process.
	Ranks []float64
	// Left is about how long the rest of the training takes, 0 where that is not known yet.
	Left time.Duration
}

// EpochEnded tells the means of a whole epoch, and the accuracy on the validation
// images after it.
type EpochEnded struct {
	Loss, Accuracy, Validation float64
	ImagesPerSecond            float64
	Ranks                      []float64     // see Step
	Left                       time.Duration // see Step
}

// Progress tells how much of some work is done: images read, evaluated or compared.
type Progress struct {
	What        string
	Done, Total int
}

func (Note) event()       {}
func (EpochBegun) event() {}
func (Step) event()       {}
func (EpochEnded) event() {}
func (Progress) event()   {}

// teller passes events on to whoever wants them, nobody if it is nil.
type teller func(Event)

func (t teller) tell(e Event) {
	if t != nil {
		t(e)
	}
}

// counter returns what tells how much of some work is done.
func (t teller) counter(what string, total int) func(done int) {
	return func(done int) { t.tell(Progress{what, done, total}) }
}

// note tells a sentence.
func (t teller) note(text string) { t.tell(Note{text}) }
