// SPDX-License-Identifier: Apache-2.0

package optim_test

import (
	"math"
	"slices"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/optim"
)

// TestThreads has the same bits for any number of them, in every part of a
// parameter, and allocates nothing.
func TestThreads(t *testing.T) {
	for name, optimizer := range map[string]func(*graph.Pool) optim.Optimizer{
		"descent":  func(p *graph.Pool) optim.Optimizer { return &optim.SGD{Pool: p} },
		"momentum": func(p *graph.Pool) optim.Optimizer { return &optim.SGD{Momentum: 0.9, Pool: p} },
		"nesterov": func(p *graph.Pool) optim.Optimizer { return &optim.SGD{Momentum: 0.9, Nesterov: true, Pool: p} },
		"adam":     func(p *graph.Pool) optim.Optimizer { return &optim.Adam{Pool: p} },
		"adamw":    func(p *graph.Pool) optim.Optimizer { return &optim.AdamW{Pool: p} },
	} {
		train := func(pool *graph.Pool) []float32 {
			o := optimizer(pool)
			large := &graph.Param{Name: "large", Value: make([]float32, 40001), Grad: make([]float32, 40001)}
			small := &graph.Param{Name: "small", Value: []float32{1}, Grad: []float32{2}}
			params := []*graph.Param{large, small}
			step := func() {
				for i, w := range large.Value {
					large.Grad[i] = w + float32(math.Sin(float64(i)))
				}
				o.Step(params, 0.1)
			}
			step()
			if n := testing.AllocsPerRun(5, step); n != 0 {
				t.Errorf("%s: %v allocations a step", name, n)
			}
			return append(large.Value, small.Value...)
		}
		want := train(nil)
		if slices.Contains(want[1:], 0) {
			t.Errorf("%s: some values have not moved", name)
		}
		for _, threads := range []int{1, 2, 8} {
			pool := graph.NewPool(threads)
			if !slices.Equal(train(pool), want) {
				t.Errorf("%s: other values on %d threads", name, threads)
			}
			pool.Close()
		}
	}
}
