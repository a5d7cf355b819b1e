// SPDX-License-Identifier: Apache-2.0

package optim

import "math"

// A Schedule gives the learning rate of a step, in [0, total), of a training
// of total steps. It is a pure function: a resumed training asks for the same
// rates.
type Schedule interface {
	At(step, total int) float32
}

// Constant keeps Rate throughout.
type Constant struct {
	Rate float32
}

// At implements [Schedule].
func (c Constant) At(step, total int) float32 { return c.Rate }

// StepDecay multiplies Rate by Factor at each of the milestones, fractions of
// the training in (0, 1) rounded to a step, like
// torch.optim.lr_scheduler.MultiStepLR.
type StepDecay struct {
	Rate       float32
	Factor     float64   // 0 means 0.1
	Milestones []float64 // nil means 0.5, 0.75 (He et al. 2016, section 4.2)
}

// At implements [Schedule].
func (s StepDecay) At(step, total int) float32 {
	milestones, factor := s.Milestones, s.Factor
	if milestones == nil {
		milestones = []float64{0.5, 0.75}
	}
	if factor == 0 {
		factor = 0.1
	}
	rate := float64(s.Rate)
	for _, m := range milestones {
		if step >= int(math.Round(m*float64(total))) {
			rate *= factor
		}
	}
	return float32(rate)
}

// Cosine falls from Rate to Floor along half a cosine (Loshchilov and Hutter
// 2017, "SGDR", equation 5, one period), like
// torch.optim.lr_scheduler.CosineAnnealingLR:
//
//	Floor + (Rate-Floor) * (1+cos(pi*step/total)) / 2
type Cosine struct {
	Rate, Floor float32
}

// At implements [Schedule].
func (c Cosine) At(step, total int) float32 {
	rate, floor := float64(c.Rate), float64(c.Floor)
	return float32(floor + (rate-floor)*(1+math.Cos(math.Pi*float64(step)/float64(total)))/2)
}

// Warmup rises over its steps in equal parts to the first rate of Next, which
// then runs over the remaining steps: step s < Steps has (s+1)/(Steps+1) of
// that rate, none of them 0. Like torch.optim.lr_scheduler.SequentialLR of a
// LinearLR with start factor 1/(Steps+1).
type Warmup struct {
	Steps int
	Next  Schedule
}

// At implements [Schedule].
func (w Warmup) At(step, total int) float32 {
	rest := max(total-w.Steps, 1)
	if step >= w.Steps {
		return w.Next.At(step-w.Steps, rest)
	}
	return float32(float64(w.Next.At(0, rest)) * float64(step+1) / float64(w.Steps+1))
}
