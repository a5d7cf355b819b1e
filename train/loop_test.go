// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

const classes = 3

// images returns n images of 6×6 with labels that they show.
func images(n int) datasets.Split {
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	s := datasets.Split{Images: make([]uint8, 36*n), Labels: make([]int32, n)}
	for i := range s.Labels {
		s.Labels[i] = rng.Int32N(classes)
		for k := range 36 {
			s.Images[36*i+k] = uint8(rng.IntN(100) + 100*(k%classes/(1+int(s.Labels[i]))))
		}
	}
	return s
}

// newNetwork is a network with everything that has a state or is random.
func newNetwork(t testing.TB, method string) *layers.Network {
	t.Helper()
	pool := graph.NewPool(1)
	m, err := qat.Lookup(method)
	if err != nil {
		t.Fatal(err)
	}
	bits := qat.Widths{WeightBits: 4, ActivationBits: 4}
	if !slices.Contains(m.Info().WeightBits, bits.WeightBits) {
		bits = m.Info().Usual
	}
	n, err := layers.Build(layers.Chain{
		layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1, Activation: network.ReLU},
		layers.Residual{Body: layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Stride: 2}, Activation: network.ReLU},
		layers.Dropout{Rate: 0.3},
		layers.Linear{Channels: 8, Activation: network.ReLU},
		layers.Linear{Channels: classes},
	}, layers.Config{
		Name: "tiny", Input: layers.Input{Height: 6, Width: 6, Channels: 1, Params: layers.Normalized(0.4, 0.3)},
		Classes: []string{"a", "b", "c"}, Batch: 8, Seed: 5, Pool: pool,
		Policy: qat.Policy{Method: lookup(t, method), WeightBits: bits.WeightBits, ActivationBits: bits.ActivationBits},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// newLoop trains on 29 images in batches of 8, the last of 5, with shuffling and
// augmentation.
func newLoop(t testing.TB, method string, epochs int) *train.Loop {
	t.Helper()
	n := newNetwork(t, method)
	loader, err := datasets.NewLoader(images(29), datasets.Shape{Height: 6, Width: 6, Channels: 1}, datasets.LoaderOptions{
		Batch: 8, Seed: 3, Shuffle: true, Augmentation: datasets.Augmentation{Crop: 1, Flip: true, Fill: []uint8{uint8(n.Input.ZeroPoint)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(loader.Close)
	sgd := &optim.SGD{Momentum: 0.9}
	sgd.Groups[graph.Clips].Decay = 0.01
	return &train.Loop{
		Network: n, Loader: loader, Optimizer: sgd, Params: n.Graph.Params(),
		Schedule: optim.Cosine{Rate: 0.05}, Epochs: epochs, Pass: graph.Pass{Seed: 9},
	}
}

// TestHooks are called in their order, with the position after the step.
func TestHooks(t *testing.T) {
	l := newLoop(t, "pact", 2)
	var calls []string
	note := func(hook, when string, l *train.Loop) {
		calls = append(calls, fmt.Sprintf("%s%s %d/%d", hook, when, l.Position.Epoch, l.Position.Batch))
	}
	for _, name := range []string{"A", "B"} {
		l.Hooks = append(l.Hooks, train.Hook{
			Name:       name,
			EpochStart: func(l *train.Loop) error { note(name, "start", l); return nil },
			Step:       func(l *train.Loop, _ train.Metrics) error { note(name, "step", l); return nil },
			EpochEnd:   func(l *train.Loop, _ train.Metrics) error { note(name, "end", l); return nil },
		})
	}
	l.Hooks = append(l.Hooks, train.Hook{Name: "empty"})
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var want []string
	for epoch := range 2 {
		want = append(want, fmt.Sprintf("Astart %d/0", epoch), fmt.Sprintf("Bstart %d/0", epoch))
		for batch := 1; batch <= 4; batch++ {
			want = append(want, fmt.Sprintf("Astep %d/%d", epoch, batch), fmt.Sprintf("Bstep %d/%d", epoch, batch))
		}
		want = append(want, fmt.Sprintf("Aend %d/0", epoch+1), fmt.Sprintf("Bend %d/0", epoch+1))
	}
	if !slices.Equal(calls, want) {
		t.Errorf("calls %v, want %v", calls, want)
	}
	if l.Position != (train.Position{Epoch: 2}) {
		t.Errorf("position %+v", l.Position)
	}
	calls = nil
	if err := l.Run(context.Background()); err != nil || calls != nil {
		t.Errorf("a finished loop: %v, %v", calls, err)
	}
}

// TestHookErrors stop the loop where they are, by the hook's name.
func TestHookErrors(t *testing.T) {
	full := errors.New("full")
	for name, c := range map[string]struct {
		hook train.Hook
		want train.Position
	}{
		"start": {train.Hook{EpochStart: func(*train.Loop) error { return full }}, train.Position{}},
		"step": {train.Hook{Step: func(l *train.Loop, _ train.Metrics) error {
			if l.Position.Batch == 2 {
				return full
			}
			return nil
		}}, train.Position{Batch: 2, Seen: 16}},
		"end": {train.Hook{EpochEnd: func(*train.Loop, train.Metrics) error { return full }}, train.Position{Epoch: 1}},
	} {
		l := newLoop(t, "int", 2)
		c.hook.Name = "disk"
		l.Hooks = []train.Hook{c.hook}
		if err := l.Run(context.Background()); !errors.Is(err, full) || err.Error() != "train: disk: full" {
			t.Errorf("%s: error %v", name, err)
		}
		if p := l.Position; p.Epoch != c.want.Epoch || p.Batch != c.want.Batch || p.Seen != c.want.Seen {
			t.Errorf("%s: position %+v, want %+v", name, p, c.want)
		}
	}
}

// TestMetrics are means over the images of the epoch so far.
func TestMetrics(t *testing.T) {
	l := newLoop(t, "int", 2)
	schedule := l.Schedule.(optim.Cosine)
	var sum float64
	var seen, steps int
	var last train.Metrics
	l.Hooks = []train.Hook{{
		Step: func(l *train.Loop, m train.Metrics) error {
			p := l.Position
			n := []int{8, 8, 8, 5}[p.Batch-1]
			seen += n
			if p.Seen != seen || p.Correct < 0 || p.Correct > seen || !(p.LossSum > sum) {
				t.Errorf("position %+v after %d images", p, seen)
			}
			sum = p.LossSum
			if m.Loss != p.LossSum/float64(seen) || m.Accuracy != float64(p.Correct)/float64(seen) || !(m.ImagesPerSecond > 0) {
				t.Errorf("metrics %+v at %+v", m, p)
			}
			if want := float64(schedule.At(steps, 8)); m.LearningRate != want {
				t.Errorf("the learning rate of step %d is %v, want %v", steps, m.LearningRate, want)
			}
			if got := l.Pass.Step; got != uint64(steps) {
				t.Errorf("step %d has the number %d", steps, got)
			}
			steps++
			last = m
			return nil
		},
		EpochEnd: func(_ *train.Loop, m train.Metrics) error {
			if m != last {
				t.Errorf("metrics %+v at the end, %+v at the last step", m, last)
			}
			sum, seen = 0, 0
			return nil
		},
	}}
	if err := l.Run(context.Background()); err != nil || steps != 8 {
		t.Errorf("%d steps, %v", steps, err)
	}
}

// TestInterrupt finishes the step under way, with its hooks.
func TestInterrupt(t *testing.T) {
	for _, at := range []int{1, 3, 4} {
		ctx, cancel := context.WithCancel(context.Background())
		l := newLoop(t, "pact", 2)
		var steps, after int
		l.Hooks = []train.Hook{
			{Step: func(*train.Loop, train.Metrics) error {
				if steps++; steps == at {
					cancel()
				}
				return nil
			}},
			{Step: func(*train.Loop, train.Metrics) error { after++; return nil }},
		}
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		if steps != at || after != at || l.Position.Batch != at || l.Position.Epoch != 0 {
			t.Errorf("interrupted in step %d: %d steps, %d seen by the second hook, position %+v", at, steps, after, l.Position)
		}
		if err := l.Run(ctx); !errors.Is(err, context.Canceled) || steps != at {
			t.Errorf("interrupted before it starts: %d steps, %v", steps-at, err)
		}
	}
}

// TestNotFinite stops before the step of the optimizer.
func TestNotFinite(t *testing.T) {
	l := newLoop(t, "int", 2)
	var steps int
	bias := values(t, l.Network, "fc2.bias")
	l.Hooks = []train.Hook{{Step: func(l *train.Loop, _ train.Metrics) error {
		if steps++; steps == 2 {
			copy(bias, []float32{float32(math.Inf(1)), float32(math.Inf(1))})
		}
		return nil
	}}}
	err := l.Run(context.Background())
	var e *train.NotFiniteError
	if !errors.As(err, &e) || e.Epoch != 0 || e.Batch != 2 || !math.IsNaN(float64(e.Loss)) {
		t.Fatalf("error %v", err)
	}
	if !strings.Contains(err.Error(), "the loss is NaN in epoch 1, batch 3; lower the learning rate") {
		t.Errorf("error %v", err)
	}
	if steps != 2 || l.Position.Batch != 2 || l.Position.Seen != 16 || math.IsNaN(l.Position.LossSum) {
		t.Errorf("%d steps, position %+v", steps, l.Position)
	}
	for _, p := range l.Params {
		for _, v := range p.Value {
			if v != v {
				t.Fatalf("%s is not a number", p.Name)
			}
		}
	}
}

// TestLoopConstrains keeps learned clips in their domain after every step.
func TestLoopConstrains(t *testing.T) {
	l := newLoop(t, "pact", 1)
	sgd := &optim.SGD{}
	sgd.Groups[graph.Clips].Decay = 1000
	l.Optimizer = sgd
	clip := values(t, l.Network, "conv1.clip")
	l.Hooks = []train.Hook{{Step: func(*train.Loop, train.Metrics) error {
		if !(clip[0] > 0) {
			t.Errorf("the clip is %v", clip[0])
		}
		return nil
	}}}
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// TestTeacher learns nothing from a copy of itself, and the answers of another.
func TestTeacher(t *testing.T) {
	student := func() *layers.Network {
		n, err := layers.Build(layers.Linear{Channels: classes}, layers.Config{
			Input:   layers.Input{Height: 6, Width: 6, Channels: 1, Params: layers.Normalized(0.4, 0.3)},
			Classes: []string{"a", "b", "c"}, Batch: 8, Seed: 5, Pool: graph.NewPool(1),
			Policy: qat.Policy{Method: qat.Int{}, WeightBits: 8, ActivationBits: 8},
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const temperature = 3
	for _, same := range []bool{true, false} {
		l := newLoop(t, "int", 1)
		n, teacher := student(), student()
		if !same {
			for i := range teacher.Graph.Params()[0].Value {
				teacher.Graph.Params()[0].Value[i] *= -1
			}
		}
		before := slices.Clone(n.Graph.Params()[0].Value)
		l.Network, l.Params, l.Optimizer = n, n.Graph.Params(), &optim.SGD{}
		l.Teacher = &train.Teacher{Network: teacher, Temperature: temperature, Weight: 1}
		var first float64
		l.Hooks = []train.Hook{{Step: func(l *train.Loop, m train.Metrics) error {
			if l.Position.Batch == 1 {
				first = m.Loss
			}
			return nil
		}}}
		l.Loader.Start(0, 0)
		x, labels, _ := l.Loader.Next()
		want := softTargetLoss(t, n, teacher, x, labels, temperature)
		if err := l.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
		if math.Abs(first-want) > 1e-5*want {
			t.Errorf("the first loss is %v, want %v", first, want)
		}
		var moved float64
		for i, v := range n.Graph.Params()[0].Value {
			moved = max(moved, math.Abs(float64(v-before[i])))
		}
		if (moved < 1e-6) != same {
			t.Errorf("a teacher with the student's weights %v: the weights moved by %v", same, moved)
		}
	}
}

// softTargetLoss is T² times the cross entropy of the student's answers with the
// teacher's, both softened.
func softTargetLoss(t *testing.T, student, teacher *layers.Network, x []uint8, labels []int32, temperature float64) float64 {
	t.Helper()
	soften := func(n *layers.Network) []float64 {
		logits, err := n.Forward(graph.Pass{Mode: graph.Eval}, x, labels)
		if err != nil {
			t.Fatal(err)
		}
		p := make([]float64, len(logits))
		for i, v := range logits {
			p[i] = math.Exp(float64(v) / temperature)
		}
		for at := 0; at < len(p); at += classes {
			var sum float64
			for _, v := range p[at : at+classes] {
				sum += v
			}
			for c := range classes {
				p[at+c] /= sum
			}
		}
		return p
	}
	var loss float64
	s := soften(student)
	for i, p := range soften(teacher) {
		loss -= p * math.Log(s[i])
	}
	return temperature * temperature * loss / float64(len(labels))
}
