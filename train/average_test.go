// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/train"
)

// averaged trains some epochs with an average and calls see after every step.
func averaged(t *testing.T, decay float64, see func(*train.Loop)) *train.Loop {
	t.Helper()
	l := resumable(t, "lsq", &optim.SGD{Momentum: 0.9})
	l.Average = train.NewAverage(l.Network, decay)
	l.Hooks = append(l.Hooks, train.Hook{Name: "see", Step: func(l *train.Loop, _ train.Metrics) error {
		see(l)
		return nil
	}})
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	return l
}

// numbers returns copies of the parameters and the statistics of batch normalization.
func numbers(l *train.Loop) (all []float32) {
	for _, p := range l.Network.Graph.Params() {
		all = append(all, p.Value...)
	}
	for _, u := range l.Network.Units {
		if u.Norm != nil {
			all = append(append(all, u.Norm.Mean...), u.Norm.Variance...)
		}
	}
	return all
}

// TestAverage holds the average against its definition, computed in float64, and wants
// the statistics of batch normalization in it.
func TestAverage(t *testing.T) {
	const decay = 0.6
	want, before := []float64(nil), []float32(nil)
	steps := 0
	first := resumable(t, "lsq", &optim.SGD{})
	for _, v := range numbers(first) {
		want = append(want, float64(v))
	}
	l := averaged(t, decay, func(l *train.Loop) {
		keep := min(decay, float64(1+steps)/float64(10+steps))
		steps++
		for i, v := range numbers(l) {
			want[i] = keep*want[i] + (1-keep)*float64(v)
		}
	})
	before = numbers(l)
	l.Average.Swap()
	got := numbers(l)
	for i := range got {
		if math.Abs(float64(got[i])-want[i]) > 1e-5*(1+math.Abs(want[i])) {
			t.Fatalf("number %d is averaged to %v, want %v", i, got[i], want[i])
		}
	}
	if slices.Equal(got, before) {
		t.Error("the average is the network itself")
	}
	l.Average.Swap()
	if !slices.Equal(numbers(l), before) {
		t.Error("a second exchange does not undo the first")
	}
	l.Average.Restart()
	l.Average.Swap()
	if !slices.Equal(numbers(l), before) {
		t.Error("an average that starts anew is not the network")
	}
}

// TestAverageResumes wants the same average from a training that was stopped.
func TestAverageResumes(t *testing.T) {
	whole := averaged(t, 0.9, func(*train.Loop) {})
	for _, stop := range []int{1, 5, 12} {
		path := filepath.Join(t.TempDir(), "last.safetensors")
		steps := 0
		averaged(t, 0.9, func(l *train.Loop) {
			if steps++; steps != stop {
				return
			}
			c := train.Capture(train.Info{Position: l.Position}, l.Network, l.Optimizer)
			c.PutAverage(l.Average)
			if err := c.Write(path); err != nil {
				t.Fatal(err)
			}
		})
		c, err := train.ReadCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		l := resumable(t, "lsq", &optim.SGD{Momentum: 0.9})
		if err := c.Restore(l.Network, l.Optimizer); err != nil {
			t.Fatal(err)
		}
		l.Average = train.NewAverage(l.Network, 0.9)
		if err := c.RestoreAverage(l.Average); err != nil {
			t.Fatal(err)
		}
		l.Position = c.Info.Position
		if err := l.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		whole.Average.Swap()
		l.Average.Swap()
		if !slices.Equal(numbers(whole), numbers(l)) {
			t.Errorf("stopped after step %d, the average ends otherwise", stop)
		}
		whole.Average.Swap()
	}
	c := train.Capture(train.Info{}, whole.Network, nil)
	if err := c.RestoreAverage(whole.Average); err == nil {
		t.Error("an average is restored from a checkpoint that has none")
	}
}
