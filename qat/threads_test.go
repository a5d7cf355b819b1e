// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/ste"
)

// linear is a layer whose weights a method quantizes, fed and ready to step.
func linear(t *testing.T, m qat.Method, bits, in, threads int) (*graph.Graph, qat.Weights, *graph.Param) {
	t.Helper()
	pool := graph.NewPool(threads)
	t.Cleanup(pool.Close)
	g := graph.New(3, pool)
	rng := rand.New(rand.NewPCG(1, 2))
	x := g.Input(1, 1, in)
	w := g.Param("w", graph.Weights, graphtest.Outputs, in)
	graphtest.Randomize(w.Value, 1, rng)
	q := m.Weights(g, "w.quantize", qat.Options{Bits: bits}, w.Shape)
	if err := g.Finish(g.Linear("fc", x, ste.Weights(g, "quantized", w, q)), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	if err := g.Feed([]int32{0, 1, 2}, func(x []float32) { graphtest.Randomize(x, 0.01, rng) }); err != nil {
		t.Fatal(err)
	}
	q.Start(w.Value)
	return g, q, w
}

// TestWeightsOnThreads gives the same bits for any number of threads as the
// quantizer alone, and allocates nothing.
func TestWeightsOnThreads(t *testing.T) {
	const in = 5003
	for _, name := range []string{"int", "pact", "lsq", "dorefa"} {
		for _, bits := range []int{2, 4, 8} {
			var want []float32
			for _, threads := range []int{1, 2, 8} {
				g, _, _ := linear(t, method(t, name), bits, in, threads)
				if n := testing.AllocsPerRun(2, func() {
					if _, err := g.Step(graph.Pass{Quantize: true}); err != nil {
						t.Fatal(err)
					}
				}); n != 0 {
					t.Errorf("%s, %d bits, %d threads: %v allocations a step", name, bits, threads, n)
				}
				got := slices.Clone(g.Logits())
				for _, p := range g.Params() {
					got = append(got, p.Grad...)
				}
				if want == nil {
					want = got
				}
				for i := range want {
					if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
						t.Fatalf("%s, %d bits, %d threads: value %d is %v, want %v", name, bits, threads, i, got[i], want[i])
					}
				}
			}
		}
	}
}

// TestChannelsAgreeWithTheWhole compares the two ways to call a quantizer.
func TestChannelsAgreeWithTheWhole(t *testing.T) {
	const in = 37
	for _, name := range []string{"int", "pact", "lsq"} {
		_, q, w := linear(t, method(t, name), 4, in, 1)
		c := q.(ste.Channelwise)
		if c.Channels() != graphtest.Outputs {
			t.Fatalf("%s: %d channels, want %d", name, c.Channels(), graphtest.Outputs)
		}
		dy := slices.Clone(w.Value)
		slices.Reverse(dy)
		outcome := func(forward func(y []float32), backward func(dw []float32, grad [][]float32)) string {
			y, dw := make([]float32, len(dy)), make([]float32, len(dy))
			var grad [][]float32
			for _, p := range q.Params() {
				grad = append(grad, make([]float32, len(p.Value)))
			}
			forward(y)
			backward(dw, grad)
			return fmt.Sprint(y, dw, grad)
		}
		whole := outcome(
			func(y []float32) { q.Forward(y, w.Value) },
			func(dw []float32, grad [][]float32) { q.Backward(dw, w.Value, dy, grad) })
		parts := outcome(
			func(y []float32) {
				for k := range c.Channels() {
					c.ForwardChannel(k, y[k*in:][:in], w.Value[k*in:][:in])
				}
			},
			func(dw []float32, grad [][]float32) {
				for k := range c.Channels() {
					c.BackwardChannel(k, dw[k*in:][:in], w.Value[k*in:][:in], dy[k*in:][:in], grad)
				}
			})
		if parts != whole {
			t.Errorf("%s: by channel\n%s\nas a whole\n%s", name, parts, whole)
		}
	}
}
