// SPDX-License-Identifier: Apache-2.0

package benchmark_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/benchmark"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/recipe"
)

func small(t *testing.T) *recipe.Recipe {
	t.Helper()
	r := recipe.Default()
	r.Model.Width, r.Batch = 0.1, 8
	return r
}

// TestTrainingIsThatOfTheRecipe trains by the recipe's own optimizer: with a learning
// rate of almost 0 the loss stays, with the recipe's it falls, whatever the optimizer.
func TestTrainingIsThatOfTheRecipe(t *testing.T) {
	for _, optimizer := range []string{"sgd", "adam", "adamw"} {
		r := small(t)
		r.QAT.Optimizer, r.QAT.LR, r.Float.Optimizer = optimizer, 1e-3, optimizer
		b, err := benchmark.MeasureTraining(t.Context(), r, benchmark.TrainingOptions{Threads: 1, Steps: 20})
		if err != nil {
			t.Fatal(err)
		}
		if !(b.LossLast < b.LossFirst) || b.Step.Min <= 0 || b.Steps != 20 || b.AllocsPerStep != 0 {
			t.Errorf("%s: %+v", optimizer, b)
		}
	}
}

func TestInferenceOfAnUntrainedNetwork(t *testing.T) {
	file, err := benchmark.Untrained(small(t), 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := benchmark.MeasureInference(t.Context(), func() (*infer.Model, error) { return infer.FromBytes(file) }, infer.Options{Batch: 3}, 5)
	if err != nil || b.Runs != 5 || b.Batch != 3 || b.Threads != 1 || b.MACs == 0 || b.AllocsPerRun != 0 || b.Latency.P99 < b.Latency.Min {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestRooflineAddsUp(t *testing.T) {
	l, err := benchmark.MeasureRoofline(t.Context(), small(t), 1, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, o := range l.Ops {
		sum += o.MS
	}
	if len(l.Ops) < 5 || math.Abs(sum-l.StepMS) > 1e-9*sum || l.PeakGFLOPS <= 0 {
		t.Errorf("%+v", l)
	}
}
