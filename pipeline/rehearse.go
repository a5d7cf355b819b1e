// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"context"
	"errors"

	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/train"
)

// errEnough ends a training that has shown what it was for.
var errEnough = errors.New("pipeline: enough")

// rehearse trains the network that a phase begins with, one of its own with the same first
// weights, until step says errEnough. It writes nothing, and the training that follows
// does not depend on it. Rates, if not nil, takes the place of the phase's schedule.
func (t *run) rehearse(ctx context.Context, name string, rates optim.Schedule, step func(*train.Loop, train.Metrics) error) error {
	stage := *t
	var err error
	if stage.network, err = t.newNetwork(t.network.Input); err != nil {
		return err
	}
	if t.r.Init != "" {
		if _, err := stage.takeInit(); err != nil {
			return err
		}
	}
	if t.transfers() {
		stage.rateBody()
	}
	p := stage.floatPhase()
	if name == phaseQAT {
		p = stage.quantizedPhase()
		stage.network.SetStage(0)
		if err := stage.calibrate(); err != nil {
			return err
		}
	}
	if err := p.newLoop(); err != nil {
		return err
	}
	defer p.loop.Loader.Close()
	if rates != nil {
		p.loop.Schedule = rates
	}
	const endless = 1 << 30
	p.loop.Epochs, p.loop.Pass = endless, p.pass(0)
	p.loop.Hooks = []train.Hook{{Name: "rehearsal", Step: step}}
	if err := p.loop.Run(ctx); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}
