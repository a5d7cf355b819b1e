// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/pipeline"
)

// screen shows the events of a training, or of data that is read, on standard error.
type screen struct {
	c        *cobra.Command
	progress *term.Progress
	what     string // that bar counts
	bar      *progressbar.ProgressBar
}

func newScreen(c *cobra.Command) *screen {
	w := c.ErrOrStderr()
	return &screen{c: c, progress: term.NewProgress(w, term.IsTerminal(w))}
}

// show shows an event.
func (s *screen) show(e pipeline.Event) {
	if p, ok := e.(pipeline.Progress); ok {
		s.count(p)
		return
	}
	s.clear()
	switch e := e.(type) {
	case pipeline.Note:
		s.progress.Print(e.Text)
	case pipeline.EpochBegun:
		s.progress.Epoch(e.Phase, e.Epoch, e.Epochs, e.Batches)
	case pipeline.Step:
		s.progress.Step(e.Batch, e.Loss, e.Accuracy, e.ImagesPerSecond)
	case pipeline.EpochEnded:
		s.progress.EpochEnd(fmt.Sprintf("loss %.4f, accuracy %.2f %%, validation %.2f %%, %.0f images/s", e.Loss, 100*e.Accuracy, 100*e.Validation, e.ImagesPerSecond))
	}
}

// count shows how much of something is done, by a bar of its own.
func (s *screen) count(p pipeline.Progress) {
	if s.bar == nil || s.what != p.What {
		s.stop()
		s.what, s.bar = p.What, newBar(s.c, p.What, int64(p.Total))
	}
	_ = s.bar.Set(p.Done)
}

// clear takes the bar away.
func (s *screen) clear() {
	if s.bar != nil {
		_ = s.bar.Clear()
		s.bar = nil
	}
}

// stop takes everything away that would be in the way of what is written next.
func (s *screen) stop() {
	s.clear()
	s.progress.Stop()
}
