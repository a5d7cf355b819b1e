// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"testing"

	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/recipe"
)

// TestFreezingLeavesTwoThirds counts the epochs with fixed statistics, and wants the steps
// of inq to be spread over several epochs.
func TestFreezingLeavesTwoThirds(t *testing.T) {
	for epochs, want := range []int{0, 0, 0, 1, 1, 1, 2, 2} {
		q := recipe.Default().QAT
		q.Epochs = epochs
		if got := frozenEpochs(&q); got != want {
			t.Errorf("%d of %d epochs are frozen, want %d", got, epochs, want)
		}
		if s := quantizedSchedule(&q, 0); want == 0 && s.FreezeNorm != qat.Never {
			t.Errorf("of %d epochs the statistics freeze in %d", epochs, s.FreezeNorm)
		}
	}
	q := recipe.Default().QAT
	q.Epochs = 3
	if s := quantizedSchedule(&q, 4); s.Steps[0] == s.Steps[3] {
		t.Errorf("steps %v of 3 epochs are taken at once", s.Steps)
	}
	q.Epochs, q.Stages = 4, []recipe.Stage{{Epochs: 2, WeightBits: 8}}
	if s := quantizedSchedule(&q, 0); s.FreezeNorm != qat.Never {
		t.Errorf("of 2 epochs after a stage the statistics freeze in %d", s.FreezeNorm)
	}
}
