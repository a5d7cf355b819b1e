// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"
	"math"

	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// The range that FindRate goes through, and in how many steps.
const (
	lowestRate  = 1e-5
	highestRate = 10
	rateSteps   = 120
)

// A RateTest is the outcome of FindRate.
type RateTest struct {
	Phase string      `json:"phase"` // float, or qat where there is no float phase
	Steps []RatePoint `json:"steps"`
	// Suggested is a tenth of the rate at which the loss was least: for the highest rate of
	// a schedule that falls.
	Suggested float64 `json:"suggested"`
}

// A RatePoint is the loss at a learning rate, averaged over the steps before.
type RatePoint struct {
	Rate float64 `json:"rate"`
	Loss float64 `json:"loss"`
}

// FindRate trains the network that the recipe begins with for some steps whose learning
// rate rises from 1e-5 to 10, until the loss diverges (Smith 2017, "Cyclical learning
// rates for training neural networks", section 3.3). It is a function of the recipe and
// the data, and writes nothing. It is an error where the training by the recipe would fail before its first step, and if ctx
// ends.
func FindRate(ctx context.Context, r *recipe.Recipe, o Options) (*RateTest, error) {
	t, err := prepare(ctx, r, o)
	if err != nil {
		return nil, err
	}
	defer t.pool.Close()
	t.data.say(t.on)
	t.sayChosen()
	test := &RateTest{Phase: phaseFloat}
	if !trainsFloat(t.r) {
		test.Phase = phaseQAT
	}
	s := rateSearch{RateTest: test, least: math.Inf(1), on: t.on}
	err = t.rehearse(ctx, test.Phase, ramp{}, s.step)
	if diverged := new(train.NotFiniteError); errors.As(err, &diverged) && len(test.Steps) > 0 {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return test, nil
}

// A rateSearch follows the loss of a rehearsal.
type rateSearch struct {
	*RateTest
	on    teller
	sum   float64 // of the losses of this epoch so far
	seen  int     // images of them
	mean  float64 // moving average
	least float64
}

func (s *rateSearch) step(l *train.Loop, m train.Metrics) error {
	const keep = 0.9
	const divergedBy = 3
	p := l.Position
	if p.Batch == 1 {
		s.sum, s.seen = 0, 0
	}
	loss := (p.LossSum - s.sum) / float64(p.Seen-s.seen)
	s.sum, s.seen = p.LossSum, p.Seen
	s.mean = keep*s.mean + (1-keep)*loss
	smooth := s.mean / (1 - math.Pow(keep, float64(len(s.Steps)+1)))
	s.Steps = append(s.Steps, RatePoint{m.LearningRate, smooth})
	s.on.tell(Progress{"steps", len(s.Steps), rateSteps})
	if smooth < s.least {
		s.least, s.Suggested = smooth, m.LearningRate/10
	}
	if len(s.Steps) == rateSteps || smooth > divergedBy*s.least {
		return errEnough
	}
	return nil
}

// ramp rises by equal factors.
type ramp struct{}

// At implements [optim.Schedule].
func (ramp) At(step, _ int) float32 {
	return float32(lowestRate * math.Pow(highestRate/lowestRate, float64(step)/(rateSteps-1)))
}
