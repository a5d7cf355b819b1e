// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"testing"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/quant"
)

// ternaryWeights is a Function whose weights are −1, 0 and 1 times a step.
type ternaryWeights struct{ step float32 }

func (f ternaryWeights) Forward(_ *graph.Run, y []float32, x [][]float32) error {
	for i, v := range x[0] {
		y[i] = max(-1, min(1, quant.RoundEven32(v/f.step))) * f.step
	}
	return nil
}

func (f ternaryWeights) Backward(_ *graph.Run, dx [][]float32, dy []float32, _ [][]float32) error {
	copy(dx[0], dy)
	return nil
}

func (f ternaryWeights) WeightSteps(*graph.Run) ([]float32, int) { return []float32{f.step}, 1 }

// TestConvolutionOfIntegers: codes reach a convolution through dropout, pooling, a choice
// of channels, an upsampling and a flatten, in training and in evaluation, and the
// convolution sums whole numbers: so many that float32 would round them away one by one.
func TestConvolutionOfIntegers(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	const batch, size, channels = 2, 4, 600
	const rate, weight, step = 0.3, 0.3, 0.1
	g := graph.New(batch, pool)
	image := g.Input(size, size, channels)
	x := g.MaxPool("pooled", image, geometry.Valid(2, 2))
	x = g.Dropout("dropped", x, rate)
	all := make([]int, channels)
	for c := range all {
		all[c] = channels - 1 - c
	}
	x = g.Flatten("flat", g.Upsample("large", g.Select("chosen", x, all), [2]int{2, 1}))
	w := g.Param("w", graph.Weights, classes, x.Channels)
	q := g.ApplyParam("quantized", ternaryWeights{weight}, w, w.Node())
	logits := g.Activate("logits", g.Linear("fc", x, q), network.Identity)
	if err := g.Finish(logits, graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	for i := range w.Value {
		w.Value[i] = float32(i%3-1) / 2
	}
	g.SetInputSteps(graph.Steps{Step: step, Least: -100, Most: 155})
	labels := []int32{0, 1}
	if err := g.Feed(labels, func(x []float32) {
		for i := range x {
			x[i] = float32(i*31%256-100) * float32(step)
		}
	}); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []graph.Mode{graph.Train, graph.Eval} {
		pass := graph.Pass{Quantize: true, Seed: 1}.In(mode)
		unit := float32(step)
		var err error
		if mode == graph.Train {
			unit *= float32(1 / (1 - rate))
			_, err = g.Step(pass)
		} else {
			err = g.Forward(pass)
		}
		if err != nil {
			t.Fatal(err)
		}
		unit *= weight
		for i, y := range g.Logits() {
			if sum := quant.RoundEven32(y / unit); y != sum*unit {
				t.Errorf("mode %d: logit %d is %v, %v steps", mode, i, y, y/unit)
			}
		}
	}
}

// splitWeights is a Function whose weights are −negative, 0 and positive.
type splitWeights struct{ positive, negative float32 }

func (f splitWeights) Forward(_ *graph.Run, y []float32, x [][]float32) error {
	for i, v := range x[0] {
		y[i] = max(v, 0)*f.positive + min(v, 0)*f.negative
	}
	return nil
}

func (f splitWeights) Backward(_ *graph.Run, dx [][]float32, dy []float32, _ [][]float32) error {
	copy(dx[0], dy)
	return nil
}

func (f splitWeights) WeightSteps(*graph.Run) ([]float32, int) {
	return []float32{f.positive, f.negative}, 1
}

// TestConvolutionOfSplitWeights: the positive and the negative weights, with a scale each,
// are multiplied as integers for themselves.
func TestConvolutionOfSplitWeights(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	const inputs, step = 5000, float32(0.1)
	scales := splitWeights{0.7, 0.3}
	g := graph.New(1, pool)
	image := g.Input(1, 1, inputs)
	w := g.Param("w", graph.Weights, classes, inputs)
	y := g.Linear("fc", image, g.ApplyParam("quantized", scales, w, w.Node()))
	y.SetPlanes(nil, graph.SplitPlanes{})
	if err := g.Finish(g.Activate("logits", y, network.Identity), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	sums := make([][2]int, classes)
	for i := range w.Value {
		code := i*7%3 - 1
		w.Value[i] = float32(code)
		switch x := i % inputs * 31 % 256; code {
		case 1:
			sums[i/inputs][0] += x
		case -1:
			sums[i/inputs][1] -= x
		}
	}
	g.SetInputSteps(graph.Steps{Step: step, Most: 255})
	if err := g.Feed([]int32{0}, func(x []float32) {
		for i := range x {
			x[i] = float32(i*31%256) * step
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := g.Forward(graph.Pass{Mode: graph.Eval, Quantize: true}); err != nil {
		t.Fatal(err)
	}
	for o, y := range g.Logits() {
		want := float32(float32(sums[o][0])*float32(step*scales.positive)) + float32(float32(sums[o][1])*float32(step*scales.negative))
		if y != want {
			t.Errorf("output %d is %v, want %v", o, y, want)
		}
	}
}
