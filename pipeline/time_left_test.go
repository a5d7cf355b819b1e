// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/recipe"
)

// TestTimeLeft counts by hand: an epoch is 20 steps and, of 20 images, two batches of validation, as long as a step; the
// end is 3 batches, as long as 12 steps.
func TestTimeLeft(t *testing.T) {
	labels := func(n int) datasets.Split { return datasets.Split{Labels: make([]int32, n)} }
	synctest.Test(t, func(t *testing.T) {
		var notes []string
		r := recipe.Default()
		r.Batch, r.Float.Epochs, r.QAT.Epochs = 10, 3, 2
		all := &run{r: r, data: split{Dataset: &datasets.Dataset{Test: labels(30)}, validation: labels(20)}, on: func(e Event) { notes = append(notes, e.(Note).Text) }}
		float := &phase{run: all, name: phaseFloat, recipe: r.Float}
		quantized := &phase{run: all, name: phaseQAT, recipe: r.QAT.Phase}
		all.pace.begin(0)
		step := func(p *phase, epoch, batch int, of time.Duration) time.Duration {
			time.Sleep(of)
			p.pace.measure(batch, batch == 20)
			left := p.left(epoch, batch, 20)
			p.sayLeft(left, epoch)
			return left
		}
		for batch := 1; batch < stepsOfPace; batch++ {
			if left := step(float, 0, batch, 100*time.Millisecond); left != 0 {
				t.Errorf("%v left after %d steps", left, batch)
			}
		}
		// 5 epochs of 21 steps less 10, and the end of 12.
		if got, want := step(float, 0, stepsOfPace, 500*time.Millisecond), 107*140*time.Millisecond; got.Round(time.Millisecond) != want {
			t.Errorf("%v left, want %v", got, want)
		}
		if len(notes) > 0 {
			t.Errorf("of a short training it was said: %q", notes)
		}
		all.pace.said = false
		all.pace.begin(14) // as a run that is resumed
		if got, want := step(quantized, 1, 20, 6*time.Second), 13*time.Second; got != want {
			t.Errorf("%v left, want %v: one step of validation and the end", got, want)
		}
		all.pace.said = false
		all.pace.begin(0)
		if got, want := step(float, 1, 2, 8*time.Second), (4*21-2+12)*4*time.Second; got != want {
			t.Errorf("%v left, want %v", got, want)
		}
		step(float, 1, 3, time.Second)
		if want := []string{"note: about 6m left, for 2 float epochs and 2 qat epochs"}; !slices.Equal(notes, want) {
			t.Errorf("%q, want %q", notes, want)
		}
	})
}

func TestAbout(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1200 * time.Millisecond: "2s", 59 * time.Second: "59s", 59500 * time.Millisecond: "1m", 89 * time.Second: "1m", 91 * time.Second: "2m",
		59*time.Minute + 20*time.Second: "59m", 59*time.Minute + 40*time.Second: "1h00m", 3*time.Hour + 17*time.Minute: "3h20m", 100 * time.Hour: "100h00m",
	} {
		if got := About(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
