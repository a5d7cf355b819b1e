// SPDX-License-Identifier: Apache-2.0

package train_test

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"runtime"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/optim"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/train"
)

// golden is what testdata/golden.py wrote.
type golden struct {
	Images     []int
	Labels     []int32
	Parameters map[string][]float32
	Runs       map[string]struct {
		Losses []float64
		Final  map[string][]float64
	}
}

// lookup returns the method of a name.
func lookup(t testing.TB, name string) qat.Method {
	t.Helper()
	m, err := qat.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// goldenNetwork is the network of testdata/golden.py.
func goldenNetwork(t *testing.T, method string, bits int) *layers.Network {
	t.Helper()
	pool := graph.NewPool(2)
	t.Cleanup(pool.Close)
	n, err := layers.Build(layers.Chain{
		layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Activation: network.ReLU6},
		layers.Residual{Body: layers.Chain{
			layers.Conv2D{Channels: 8, Kernel: 3, Pad: 1, Stride: 2, Activation: network.ReLU},
			layers.Conv2D{Channels: 8, Kernel: 3, Pad: 1},
		}, Activation: network.ReLU},
		layers.MaxPool{Size: 2},
		layers.Conv2D{Kernel: 3, Pad: 1, Depthwise: true, NoNorm: true},
		layers.GlobalAvgPool{},
		layers.Linear{Channels: 4},
	}, layers.Config{
		Input:   layers.Input{Height: 8, Width: 8, Channels: 1, Params: layers.Normalized(0.5, 0.25)},
		Classes: []string{"a", "b", "c", "d"}, Batch: 9, Pool: pool,
		Policy: qat.Policy{Method: lookup(t, method), WeightBits: bits, ActivationBits: bits},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestGoldenLosses trains ten steps like testdata/golden.py, that is PyTorch in
// float64, does: batch normalization, residual block, depthwise convolution,
// poolings, SGD, schedule, the last batch partial; in floating point, with 8-bit
// codes of observed ranges, and with learned clips at 4 bits. Quantization
// starts at step 3, ranges and statistics freeze at step 7. Losses, and at the
// end all parameters and statistics, are the same to the rounding of float32.
//
// Portable kernels give the same bits on every processor that does not fuse
// multiplications and additions. On one that does, a value next to a rounding
// threshold may take another code, which moves a quantized loss by far more.
func TestGoldenLosses(t *testing.T) {
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	defer kernel.SetTier(kernel.SetTier(kernel.Portable))
	for _, c := range []struct {
		name, method string
		bits         int
		quantize     bool
	}{
		{"float", "int", 8, false},
		{"int", "int", 8, true},
		{"pact", "pact", 4, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			tolerance := 1e-6
			if c.quantize && runtime.GOARCH != "amd64" {
				tolerance = 0.05
			}
			n := goldenNetwork(t, c.method, c.bits)
			for _, p := range n.Graph.Params() {
				if p.Group == graph.Clips {
					p.Value[0] = 1.5
				} else if v := g.Parameters[p.Name]; copy(p.Value, v) != len(p.Value) || len(v) != len(p.Value) {
					t.Fatalf("%s: %d values, want %d", p.Name, len(v), len(p.Value))
				}
			}
			want := g.Runs[c.name]
			for i, l := range trainGolden(t, n, g, c.quantize) {
				if off := l - want.Losses[i]; !(math.Abs(off) <= tolerance) {
					t.Errorf("step %d: loss %.7f, want %.7f, off by %.1e", i, l, want.Losses[i], off)
				}
			}
			for name, w := range want.Final {
				got := values(t, n, name)
				for i := range w {
					if off := float64(got[i]) - w[i]; !(math.Abs(off) <= tolerance*(1+math.Abs(w[i]))) {
						t.Errorf("%s: value %d is %v, want %v, off by %.1e", name, i, got[i], w[i], off)
						break
					}
				}
			}
		})
	}
}

// values returns a parameter or a statistic.
func values(t testing.TB, n *layers.Network, name string) []float32 {
	t.Helper()
	for _, p := range n.Graph.Params() {
		if p.Name == name {
			return p.Value
		}
	}
	for _, s := range n.State() {
		if s.Name == name {
			return s.Data
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

// trainGolden takes the ten steps and returns their losses.
func trainGolden(t *testing.T, n *layers.Network, g golden, quantize bool) (losses []float64) {
	t.Helper()
	s := datasets.Split{Labels: g.Labels, Images: make([]uint8, len(g.Images))}
	for i, v := range g.Images {
		s.Images[i] = uint8(v)
	}
	loader, err := datasets.NewLoader(s, datasets.Shape{Height: 8, Width: 8, Channels: 1}, datasets.LoaderOptions{Batch: 9})
	if err != nil {
		t.Fatal(err)
	}
	defer loader.Close()
	sgd := &optim.SGD{Momentum: 0.9, Nesterov: true}
	sgd.Groups[graph.Weights].Decay = 5e-4
	sgd.Groups[graph.Clips].Decay = 1e-3
	var before train.Position
	l := &train.Loop{
		Network: n, Loader: loader, Optimizer: sgd, Params: n.Graph.Params(), Schedule: optim.Cosine{Rate: 0.05}, Epochs: 2, Pass: graph.Pass{Observe: true},
		Hooks: []train.Hook{{Step: func(l *train.Loop, _ train.Metrics) error {
			p := l.Position
			if p.Batch == 1 {
				before = train.Position{}
			}
			losses = append(losses, (p.LossSum-before.LossSum)/float64(p.Seen-before.Seen))
			before = p
			next := len(losses)
			l.Pass.Quantize = quantize && next >= 3
			l.Pass.Observe, l.Pass.FreezeNorm = !(quantize && next >= 7), quantize && next >= 7
			return nil
		}}},
	}
	if err := l.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(losses) != 10 {
		t.Fatalf("%d steps", len(losses))
	}
	return losses
}
