// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"math"
	"time"

	"github.com/goqat/goqat/internal/plural"
)

// What parts of a run cost in training steps of as many images, between one and two times what they were seen to: the
// validation after an epoch, and the end, which is the test, the export and the proof.
const (
	costOfValidation   = 0.5
	costOfVerification = 4
)

// batches returns how many batches some images make.
func (t *run) batches(images int) float64 { return math.Ceil(float64(images) / float64(t.r.Batch)) }

// stepsOfValidation returns in how many steps of training the validation after an epoch is done.
func (t *run) stepsOfValidation() float64 {
	return costOfValidation * t.batches(t.data.validation.Len())
}

// stepsOfEnd returns in how many steps of training the end of a run is done.
func (t *run) stepsOfEnd() float64 { return costOfVerification * t.batches(t.data.Test.Len()) }

// A pace is how fast a training goes, by the steps of an epoch.
type pace struct {
	began time.Time // the epoch, or what is done of it here
	from  int       // batches of it that were done before
	step  float64   // seconds of a step, 0 where that is not known yet
	said  bool      // how long the training takes
}

// The steps and the time from which on the pace of an epoch is believed.
const (
	stepsOfPace = 10
	timeOfPace  = 5 * time.Second
)

// begin starts an epoch, of which some batches are done.
func (p *pace) begin(batches int) { p.began, p.from = time.Now(), batches }

// measure takes the pace of the epoch, of which so many batches are done now; whole says that there are no more.
func (p *pace) measure(batches int, whole bool) {
	steps, spent := batches-p.from, time.Since(p.began)
	if steps > 0 && (whole || steps >= stepsOfPace || steps > 1 && spent >= timeOfPace) {
		p.step = spent.Seconds() / float64(steps)
	}
}

// left returns about how long the rest of a training takes, after so many epochs of the phase and some of the batches of
// the next; 0 where that is not known yet. It takes the quantized phase to have the pace of the float
// one until it has begun, and both to last to their last epochs.
func (p *phase) left(epoch, batch, batches int) time.Duration {
	epochs := float64(p.recipe.Epochs - epoch)
	if p.name == phaseFloat {
		epochs += float64(p.r.QAT.Epochs)
	}
	steps := epochs*(float64(batches)+p.stepsOfValidation()) - float64(batch) + p.stepsOfEnd()
	return time.Duration(steps * p.pace.step * float64(time.Second))
}

// muchTime is how long a training takes at least of which it is said before its first epoch is over.
const muchTime = 30 * time.Second

// sayLeft says once how long the training takes, after so many epochs.
func (p *phase) sayLeft(left time.Duration, epoch int) {
	if p.pace.said || left == 0 {
		return
	}
	if p.pace.said = true; left < muchTime {
		return
	}
	epochs := plural.Of(p.recipe.Epochs-epoch, p.name+" epoch")
	if p.name == phaseFloat && p.r.QAT.Epochs > 0 {
		epochs += " and " + plural.Of(p.r.QAT.Epochs, phaseQAT+" epoch")
	}
	p.on.note(fmt.Sprintf("note: about %s left, for %s", About(left), epochs))
}

// About writes a time as people say it who cannot know it well: 45s, 12m, 3h20m.
func About(d time.Duration) string {
	switch {
	case d <= 59*time.Second:
		return fmt.Sprintf("%ds", int(math.Ceil(d.Seconds())))
	case d < time.Hour-time.Minute/2:
		return fmt.Sprintf("%dm", int(d.Round(time.Minute)/time.Minute))
	}
	d = d.Round(10 * time.Minute)
	return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
}
