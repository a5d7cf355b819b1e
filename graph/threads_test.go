// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/goqat/goqat/graph"
)

// Do calls a function for each index once; its panic, on any thread, is an error, and the graph stays of use.
func TestDo(t *testing.T) {
	pool := graph.NewPool(3)
	defer pool.Close()
	g := graph.New(1, pool)
	for range 3 {
		if err := g.Do(100, func(i int) {
			if i == 77 {
				panic("seventy-seven")
			}
		}); err == nil || !strings.Contains(err.Error(), "seventy-seven") {
			t.Error(err)
		}
		var sum atomic.Int64
		if err := g.Do(100, func(i int) { sum.Add(int64(i)) }); err != nil || sum.Load() != 4950 {
			t.Errorf("%d, %v", sum.Load(), err)
		}
	}
}
