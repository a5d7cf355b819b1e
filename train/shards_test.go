// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/dist/disttest"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

// sharded is a training of a small network in batches of 32 images, 8 shards each, of which the
// last batch of an epoch has 11 images.
type sharded struct {
	method  string
	norm    bool
	shards  int
	threads int
	teacher bool
	average bool
	mixup   float64
}

func (c sharded) network(pool *graph.Pool) (*layers.Network, error) {
	m, err := qat.Lookup(c.method)
	if err != nil {
		return nil, err
	}
	bits := qat.Widths{WeightBits: 4, ActivationBits: 4}
	var second layers.Module = layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Stride: 2, NoNorm: true, Activation: network.ReLU}
	if c.norm {
		second = layers.Residual{Body: layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Stride: 2}, Activation: network.ReLU}
	}
	return layers.Build(layers.Chain{
		layers.Conv2D{Channels: 4, Kernel: 3, Pad: 1, NoNorm: !c.norm, Activation: network.ReLU},
		second,
		layers.Dropout{Rate: 0.3},
		layers.Linear{Channels: 8, Activation: network.ReLU},
		layers.Linear{Channels: classes},
	}, layers.Config{
		Name: "tiny", Input: layers.Input{Height: 6, Width: 6, Channels: 1, Params: layers.Normalized(0.4, 0.3)},
		Classes: []string{"a", "b", "c"}, Batch: (32 + c.shards - 1) / c.shards, Parts: c.shards > 1, Seed: 5, Pool: pool,
		Policy: qat.Policy{Method: m, WeightBits: bits.WeightBits, ActivationBits: bits.ActivationBits, GradientBits: 6},
	})
}

// loop returns the training as a rank of a group, with an optimizer whose state counts.
func (c sharded) loop(g dist.Group, split datasets.Split) (l *train.Loop, done func(), err error) {
	pool := graph.NewPool(c.threads)
	n, err := c.network(pool)
	if err != nil {
		return nil, nil, err
	}
	n.Start()
	loader, err := datasets.NewLoader(split, datasets.Shape{Height: 6, Width: 6, Channels: 1}, datasets.LoaderOptions{
		Batch: 32, Seed: 3, Shuffle: true, Augmentation: datasets.Augmentation{Flip: true, Mixup: c.mixup},
	})
	if err != nil {
		return nil, nil, err
	}
	l = &train.Loop{
		Network: n, Loader: loader, Optimizer: &optim.SGD{Momentum: 0.9}, Params: n.Graph.Params(),
		Schedule: optim.Cosine{Rate: 0.05}, Epochs: 2, Pass: graph.Pass{Seed: 9, Quantize: true, Observe: true, Smoothing: 0.1},
	}
	if c.shards > 1 {
		l.Shards = &train.Shards{Group: g, Count: c.shards, Batch: 32, Pool: pool}
	}
	if c.teacher {
		other, err := c.network(pool)
		if err != nil {
			return nil, nil, err
		}
		l.Teacher = &train.Teacher{Network: other, Temperature: 2, Weight: 0.5}
	}
	if c.average {
		l.Average = train.NewAverage(n, 0.9)
	}
	return l, func() { loader.Close(); pool.Close() }, nil
}

// digest is of everything that a checkpoint holds, and of the place in the epoch.
func digest(l *train.Loop) string {
	h := sha256.New()
	write := func(name string, values []float32) {
		fmt.Fprint(h, name)
		for _, v := range values {
			binary.Write(h, binary.LittleEndian, v)
		}
	}
	for _, p := range l.Network.Graph.Params() {
		write(p.Name, p.Value)
	}
	for _, s := range l.Network.State() {
		write(s.Name, s.Data)
	}
	for _, s := range l.Optimizer.State() {
		write(s.Name, s.Data)
	}
	if l.Average != nil {
		l.Average.Swap()
		for _, p := range l.Network.Graph.Params() {
			write("average "+p.Name, p.Value)
		}
		l.Average.Swap()
	}
	fmt.Fprintf(h, "%+v", l.Position)
	return fmt.Sprintf("%x", h.Sum(nil))
}

// train returns the digest after the training, and that of the position before the end.
func (c sharded) train(g dist.Group, split datasets.Split) (string, error) {
	l, done, err := c.loop(g, split)
	if err != nil {
		return "", err
	}
	defer done()
	var within string
	l.Hooks = []train.Hook{{Step: func(l *train.Loop, m train.Metrics) error {
		within = fmt.Sprintf(" %v %v %v", m.Loss, m.Accuracy, l.Position)
		return nil
	}}}
	err = l.Run(context.Background())
	return digest(l) + within, err
}

// TestShards gives the same bits whatever the number of ranks, and of their threads.
func TestShards(t *testing.T) {
	split := images(75)
	for _, c := range []sharded{
		{method: "pact", norm: true, teacher: true}, {method: "lsq", norm: true, average: true}, {method: "int", norm: true, mixup: 0.4}, {method: "inq", norm: false}, {method: "hgq", norm: true},
	} {
		c.shards, c.threads = 8, 1
		want, err := c.train(dist.Local{}, split)
		if err != nil {
			t.Fatal(err)
		}
		for _, ranks := range []int{1, 2, 3, 4, 8} {
			c.threads = 1 + ranks%3
			got := make([]string, ranks)
			errs := disttest.Run(ranks, func(g dist.Group) (err error) {
				got[g.Rank()], err = c.train(g, split)
				return err
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			for r := range got {
				if got[r] != want {
					t.Errorf("%s, rank %d of %d with %d threads: %s, want %s", c.method, r, ranks, c.threads, got[r], want)
				}
			}
		}
	}
}

// TestShardsLikeWhole trains a network without statistics of the batch: shards then change
// nothing but the order of sums.
func TestShardsLikeWhole(t *testing.T) {
	for _, method := range []string{"lsq", "hgq"} {
		t.Run(method, func(t *testing.T) { shardsLikeWhole(t, method) })
	}
}

func shardsLikeWhole(t *testing.T, method string) {
	split := images(32)
	var gradients [2][][]float32
	var losses [2]float64
	for i, shards := range []int{1, 3} {
		c := sharded{method: method, shards: shards, threads: 1, mixup: 0.4}
		l, done, err := c.loop(dist.Local{}, split)
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		l.Epochs, l.Optimizer = 1, &optim.SGD{}
		l.Hooks = []train.Hook{{Step: func(l *train.Loop, m train.Metrics) error {
			for _, p := range l.Params {
				gradients[i] = append(gradients[i], slices.Clone(p.Grad))
			}
			losses[i] = m.Loss
			return nil
		}}}
		if err := l.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	if math.Abs(losses[0]-losses[1]) > 1e-6 {
		t.Errorf("the loss is %v in shards, want %v", losses[1], losses[0])
	}
	for i, whole := range gradients[0] {
		for k, want := range whole {
			if got := gradients[1][i][k]; math.Abs(float64(got-want)) > 1e-5*max(1, math.Abs(float64(want))) {
				t.Fatalf("gradient %d of parameter %d is %v in shards, want %v", k, i, got, want)
			}
		}
	}
}

// TestShardStatistics are of each shard, and taken in once a step: the means of their means
// and of their unbiased variances, and the extremes of all.
func TestShardStatistics(t *testing.T) {
	split := images(32)
	c := sharded{method: "int", norm: true, shards: 4, threads: 1}
	l, done, err := c.loop(dist.Local{}, split)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	l.Epochs, l.Pass.Quantize = 1, false
	norm := l.Network.Units[0].Norm
	l.Loader.Start(0, 0)
	x, _, _ := l.Loader.Next()
	x = slices.Clone(x)
	weight := slices.Clone(l.Network.Units[0].Weight.Value)
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	var mean, variance float64
	for k := range 4 {
		m, v := convolved(l.Network.Input, weight[:9], x[k*8*36:][:8*36])
		mean, variance = mean+m/4, variance+v/4
	}
	if got, want := float64(norm.Mean[0]), 0.1*mean; math.Abs(got-want) > 1e-5 {
		t.Errorf("the running mean is %v, want %v", got, want)
	}
	if got, want := float64(norm.Variance[0]), 0.9+0.1*variance; math.Abs(got-want) > 1e-5 {
		t.Errorf("the running variance is %v, want %v", got, want)
	}
}

// convolved returns mean and unbiased variance of a convolution by one kernel of 3×3, padded
// by 1.
func convolved(in layers.Input, w []float32, images []uint8) (mean, variance float64) {
	var values []float64
	for at := 0; at < len(images); at += 36 {
		for y := range 6 {
			for x := range 6 {
				var sum float64
				for k, v := range w {
					iy, ix := y+k/3-1, x+k%3-1
					if iy >= 0 && iy < 6 && ix >= 0 && ix < 6 {
						sum += float64(v) * float64(in.Params.Real(int32(images[at+6*iy+ix])))
					}
				}
				values = append(values, sum)
				mean += sum
			}
		}
	}
	mean /= float64(len(values))
	for _, v := range values {
		variance += (v - mean) * (v - mean)
	}
	return mean, variance / float64(len(values)-1)
}

// TestShardsStop stops all ranks of a group after the same step.
func TestShardsStop(t *testing.T) {
	c := sharded{method: "pact", norm: true, shards: 4, threads: 1}
	positions := make([]train.Position, 4)
	errs := disttest.Run(4, func(g dist.Group) error {
		l, done, err := c.loop(g, images(75))
		if err != nil {
			return err
		}
		defer done()
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		l.Hooks = []train.Hook{{Step: func(l *train.Loop, _ train.Metrics) error {
			if l.Position.Batch == 1 && g.Rank() == 2 {
				cancel()
			}
			return nil
		}}}
		err = l.Run(ctx)
		positions[g.Rank()] = l.Position
		if !errors.Is(err, context.Canceled) {
			return fmt.Errorf("rank %d: %w", g.Rank(), err)
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for r, p := range positions {
		if p != positions[0] || p.Batch != 2 {
			t.Errorf("rank %d stopped at %+v, rank 0 at %+v", r, p, positions[0])
		}
	}
}
