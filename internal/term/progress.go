// SPDX-License-Identifier: Apache-2.0

package term

import (
	"fmt"
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
)

// redraw is the shortest time between two drawings of a bar.
const redraw = 100 * time.Millisecond

// Progress follows epochs of training or evaluation. On a terminal a bar shows
// loss, accuracy, speed and the time left of the epoch; in either case every
// epoch leaves one line. It is for one goroutine and ignores write errors.
type Progress struct {
	Width int // columns of the terminal, 0 where that is unknown; an epoch measures it anew

	w     io.Writer
	isTTY bool
	title string // "float 3/12"
	bar   *progressbar.ProgressBar
	drawn time.Time
}

// NewProgress returns a progress that writes to w, usually standard error;
// isTTY says whether w is a terminal, see [IsTerminal].
func NewProgress(w io.Writer, isTTY bool) *Progress {
	return &Progress{w: w, isTTY: isTTY}
}

// Epoch starts epoch, counted from 1, of so many epochs of a phase; it has
// the given number of batches.
func (p *Progress) Epoch(phase string, epoch, epochs, batches int) {
	p.clear()
	p.title = fmt.Sprintf("%s %d/%d", phase, epoch, epochs)
	if width, _ := size(p.w); width > 0 {
		p.Width = width
	}
	if !p.isTTY || batches < 1 || !p.fits(p.title) {
		return
	}
	p.bar = progressbar.NewOptions(batches,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionUseANSICodes(true),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSetWidth(20),
		progressbar.OptionSetDescription(p.title),
	)
	p.bar.StartWithoutRender()
	p.drawn = time.Time{}
}

// Step says that so many batches of the epoch are done, counted from 1, with
// the loss and the accuracy, in [0, 1], of the epoch so far. It may be called
// as often as one likes.
func (p *Progress) Step(batch int, loss, accuracy, imagesPerSecond float64, ranks []float64, left string) {
	if p.bar == nil || time.Since(p.drawn) < redraw || batch >= p.bar.GetMax() {
		return
	}
	p.drawn = time.Now()
	_ = p.bar.Set(batch)
	text := p.title
	for _, more := range []string{left, fmt.Sprintf("loss %.4f", loss), fmt.Sprintf("accuracy %.1f %%", 100*accuracy), fmt.Sprintf("%.0f images/s", imagesPerSecond)} {
		if more != "" && p.fits(text+gap+more) {
			text += gap + more
		}
	}
	if more := byRank(ranks); p.fits(text + more) {
		text += more
	}
	p.bar.Describe(text)
}

// fits says whether a bar has room in the terminal's line after a description.
func (p *Progress) fits(description string) bool {
	return fits(p.Width, description, " 100% ||  [10m0s:10m0s]")
}

// shownRanks is the greatest number of ranks that are shown one by one.
const shownRanks = 8

// byRank says how many images a second each rank computes, and which is the slowest; "" for one.
func byRank(rates []float64) string {
	if len(rates) < 2 {
		return ""
	}
	slowest := 0
	each := " by rank"
	for r, rate := range rates {
		if rate < rates[slowest] {
			slowest = r
		}
		each += fmt.Sprintf(" %.0f", rate)
	}
	if len(rates) > shownRanks {
		each = fmt.Sprintf(" %d ranks", len(rates))
	}
	return fmt.Sprintf(" (%s, slowest %d: %.0f)", each[1:], slowest, rates[slowest])
}

// EpochEnd replaces the bar by a line with the summary.
func (p *Progress) EpochEnd(summary string) {
	p.Print(p.title + "  " + summary)
	p.bar = nil
}

// Print writes a line of its own, made [Plain]; a bar under way appears again below it.
func (p *Progress) Print(line string) {
	p.clear()
	fmt.Fprintln(p.w, Plain(line))
}

// Stop takes away a bar under way, so that others may write.
func (p *Progress) Stop() {
	p.clear()
	p.bar = nil
}

func (p *Progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.drawn = time.Time{}
	}
}
