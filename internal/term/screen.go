// SPDX-License-Identifier: Apache-2.0

package term

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/goqat/goqat/pipeline"
)

// A Screen shows what long work tells: the events of a training, and how much of
// anything else is done. It is for one goroutine and ignores write errors.
type Screen struct {
	w        io.Writer
	isTTY    bool
	progress *Progress
	what     string // that bar counts
	bar      *progressbar.ProgressBar
}

// NewScreen returns a screen on w, usually standard error.
func NewScreen(w io.Writer) *Screen {
	isTTY := IsTerminal(w)
	return &Screen{w: w, isTTY: isTTY, progress: NewProgress(w, isTTY)}
}

// Show shows an event.
func (s *Screen) Show(e pipeline.Event) {
	if p, ok := e.(pipeline.Progress); ok {
		s.Count(p.What, p.Done, p.Total)
		return
	}
	s.clear()
	switch e := e.(type) {
	case pipeline.Note:
		s.progress.Print(e.Text)
	case pipeline.EpochBegun:
		s.progress.Epoch(e.Phase, e.Epoch, e.Epochs, e.Batches)
	case pipeline.Step:
		s.progress.Step(e.Batch, e.Loss, e.Accuracy, e.ImagesPerSecond, e.Ranks, left(e.Left))
	case pipeline.EpochEnded:
		line := fmt.Sprintf("loss %.4f, accuracy %.2f %%, validation %.2f %%, %.0f images/s%s", e.Loss, 100*e.Accuracy, 100*e.Validation, e.ImagesPerSecond, byRank(e.Ranks))
		if more := left(e.Left); more != "" {
			line += ", " + more
		}
		s.progress.EpochEnd(line)
	}
}

// leastLeft is how much time is left at least of which it is said.
const leastLeft = 5 * time.Second

// left says how long the rest of a training takes, nothing where it is short or not known.
func left(d time.Duration) string {
	if d < leastLeft {
		return ""
	}
	return pipeline.About(d) + " left"
}

// Count shows how much of something is done, by a bar of its own.
func (s *Screen) Count(what string, done, total int) { s.count(what, int64(done), int64(total)) }

// Download shows how many bytes of something are there.
func (s *Screen) Download(what string, done, total int64) {
	s.count(what, done, total, progressbar.OptionShowBytes(true))
}

func (s *Screen) count(what string, done, total int64, options ...progressbar.Option) {
	if s.bar == nil || s.what != what {
		s.Stop()
		s.what, s.bar = what, newBar(s.w, s.isTTY, what, total, options...)
	}
	_ = s.bar.Set64(done) // a bar that cannot be drawn is no reason to stop
}

// Counter returns a function that shows how much of something is done.
func (s *Screen) Counter(what string, total int) func(done int) {
	return func(done int) { s.Count(what, done, total) }
}

// clear takes the bar away.
func (s *Screen) clear() {
	if s.bar != nil {
		_ = s.bar.Clear()
		s.bar = nil
	}
}

// Stop takes everything away that would be in the way of what is written next.
func (s *Screen) Stop() {
	s.clear()
	s.progress.Stop()
}
