// SPDX-License-Identifier: Apache-2.0

package ptq_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qat"
)

// normed is a network with every place that a batch normalization can have: after a convolution, before
// an addition, alone after a dropout and on the image.
func normed(t *testing.T, batch, threads int) *layers.Network {
	t.Helper()
	pool := graph.NewPool(threads)
	t.Cleanup(pool.Close)
	n, err := layers.Build(layers.Chain{
		layers.Norm{}, layers.Conv2D{Channels: 6, Kernel: 3, Pad: 1, Activation: network.ReLU},
		layers.Residual{Activation: network.ReLU, Body: layers.Chain{
			layers.Conv2D{Channels: 8, Kernel: 3, Stride: 2, Pad: 1, Activation: network.ReLU}, layers.Conv2D{Channels: 8, Kernel: 3, Pad: 1},
		}},
		layers.Dropout{}, layers.Norm{Activation: network.ReLU},
		layers.Conv2D{Channels: 5, Kernel: 3, Activation: network.ReLU}, layers.GlobalAvgPool{}, layers.Linear{Channels: 3},
	}, layers.Config{
		Input: layers.Input{Height: 12, Width: 10, Channels: 2, Params: layers.Normalized(0.5, 0.3)}, Classes: []string{"a", "b", "c"},
		Batch: batch, Pool: pool, Policy: qat.Policy{Method: qat.LSQ{}, WeightBits: 3, ActivationBits: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	n.Start()
	s := images(batch)
	if _, err := n.Forward(graph.Pass{Mode: graph.Eval, Observe: true, Calibrate: true}, s.Images, s.Labels); err != nil {
		t.Fatal(err)
	}
	return n
}

// statistics returns copies of the running statistics of a network.
func statistics(n *layers.Network) (all []float32) {
	for _, u := range n.Units {
		if u.Norm != nil {
			all = append(append(all, u.Norm.Mean...), u.Norm.Variance...)
		}
	}
	return all
}

// TestReestimatedNorms compares with what training measures: a step over all images in one batch, with one
// normalization after the other taking in its statistics whole and the others fixed.
func TestReestimatedNorms(t *testing.T) {
	s := images(40)
	n, want := normed(t, 40, 2), normed(t, 40, 1)
	if err := ptq.ReestimateNorms(t.Context(), n, s, nil); err != nil {
		t.Fatal(err)
	}
	var norms []*graph.Norm
	for _, u := range want.Units {
		if u.Norm != nil {
			u.Norm.Frozen = true
			norms = append(norms, u.Norm)
		}
	}
	if len(norms) != 7 {
		t.Fatalf("%d normalizations, want 7", len(norms))
	}
	for _, norm := range norms[1:] { // the first is of the image
		norm.Frozen, norm.Momentum = false, 1
		if _, err := want.Step(graph.Pass{Mode: graph.Train, Quantize: true}, s.Images, s.Labels); err != nil {
			t.Fatal(err)
		}
		norm.Frozen = true
	}
	a, b := statistics(n), statistics(want)
	for i := range a {
		if d := math.Abs(float64(a[i] - b[i])); d > 1e-5*(1+math.Abs(float64(b[i]))) {
			t.Errorf("statistic %d is %v, training measures %v", i, a[i], b[i])
		}
	}
}

// TestReestimatedNormsDoNotDependOnBatches wants the same bits in batches of other sizes and on other threads.
func TestReestimatedNormsDoNotDependOnBatches(t *testing.T) {
	s := images(40)
	first := normed(t, 40, 2)
	start := statistics(first)
	state := first.State()
	if err := ptq.ReestimateNorms(t.Context(), first, s, nil); err != nil {
		t.Fatal(err)
	}
	want := statistics(first)
	if slices.Equal(want, start) {
		t.Error("nothing was estimated")
	}
	for _, batch := range []int{1, 7, 40} {
		n := normed(t, batch, 1)
		for i, p := range n.Graph.Params() { // the same network, whatever was calibrated
			copy(p.Value, first.Graph.Params()[i].Value)
		}
		for i, q := range n.State() {
			copy(q.Data, state[i].Data)
		}
		if err := ptq.ReestimateNorms(t.Context(), n, s, nil); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(statistics(n), want) {
			t.Errorf("batches of %d give other statistics", batch)
		}
	}
}
