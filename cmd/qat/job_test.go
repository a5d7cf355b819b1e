// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/dist/disttest"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/pipeline"
)

// TestJobEnds once for all: no rank leaves before the last, and what goes wrong is told by one.
func TestJobEnds(t *testing.T) {
	stopped := &pipeline.Interrupted{Folder: "runs/a", Cause: context.Canceled}
	for _, err := range []error{nil, stopped} {
		errs := disttest.Run(3, func(g dist.Group) error {
			err := job{Group: g}.end(err)
			var shared *command.JobError
			if errors.As(err, &shared) {
				if shared.Reported != (g.Rank() > 0) {
					t.Errorf("rank %d: %+v", g.Rank(), shared)
				}
				shared.End()
				return nil
			}
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Error(err)
		}
	}
	errs := disttest.Run(3, func(g dist.Group) error { // rank 0 is stopped while the others wait for its part
		if g.Rank() > 0 {
			return job{Group: g}.end(nil)
		}
		err := job{Group: g}.end(&pipeline.Interrupted{Folder: "runs/a", Cause: context.Canceled, Alone: true})
		var shared *command.JobError
		if !errors.As(err, &shared) || shared.Reported || !errors.Is(err, context.Canceled) {
			return fmt.Errorf("rank 0 returns %w", err)
		}
		shared.End()
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	full := errors.New("disk full")
	errs = disttest.Run(2, func(g dist.Group) error {
		err := full
		if g.Rank() > 0 {
			err = nil
		}
		return job{Group: g}.end(err)
	})
	if !errors.Is(errs[0], full) || errs[1] == nil {
		t.Errorf("errors %v", errs)
	}
}
