// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"testing"
	"time"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

// TestProfile counts by hand what the ops of a small network have to do.
func TestProfile(t *testing.T) {
	const batch = 2
	pool := kernel.NewPool(2)
	defer pool.Close()
	g := graph.New(batch, pool)
	x := g.Input(4, 4, 3)
	w := g.Param("w", graph.Weights, 5, 3, 3, 3)
	x = g.Activate("relu", g.Conv2D("conv", x, w.Node(), geometry.Same(3, 1)), network.ReLU)
	x = g.Flatten("flat", x)
	v := g.Param("v", graph.Weights, classes, 80)
	if err := g.Finish(g.Linear("fc", x, v.Node()), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	const (
		image, inner, logits = batch * 4 * 4 * 3, batch * 4 * 4 * 5, batch * classes
		weights, linear      = 5 * 3 * 3 * 3, classes * 80
	)
	want := []graph.Op{
		{Name: "conv", MACs: batch * 4 * 4 * weights, Bytes: 4 * (image + weights + inner)},
		{Name: "relu", Bytes: 4 * 2 * inner},
		{Name: "flat"},
		{Name: "fc", MACs: batch * linear, Bytes: 4 * (inner + linear + logits)},
		{Name: "loss", Bytes: 4 * (logits + batch + logits + 1)},
		{Name: "loss.backward", Bytes: 4 * (1 + logits)},
		{Name: "fc.backward", MACs: 2 * batch * linear, Bytes: 4 * (2*inner + 2*linear + logits)},
		{Name: "flat.backward"},
		{Name: "relu.backward", Bytes: 4 * 3 * inner},
		{Name: "conv.backward", MACs: batch * 4 * 4 * weights, Bytes: 4 * (image + 2*weights + inner)},
	}
	ops := g.Profile()
	if len(ops) != len(want) {
		t.Fatalf("%d ops, want %d: %+v", len(ops), len(want), ops)
	}
	for i, o := range ops {
		if o != want[i] {
			t.Errorf("%+v, want %+v", o, want[i])
		}
	}

	feed(t, g, []int32{0, 1})
	step := func() {
		if _, err := g.Step(graph.Pass{}); err != nil {
			t.Fatal(err)
		}
	}
	if a := testing.AllocsPerRun(20, step); a != 0 {
		t.Errorf("a profiled step allocates %v times", a)
	}
	var took time.Duration
	for _, o := range ops {
		took += o.Took
	}
	if took <= 0 {
		t.Error("no op took any time")
	}
}
