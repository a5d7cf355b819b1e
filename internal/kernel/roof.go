// SPDX-License-Identifier: Apache-2.0

package kernel

import "time"

// A Roof is what a machine can do at most, measured: no kernel takes less time
// than its multiply-adds at the one speed or its bytes at the other (Williams,
// Waterman and Patterson, "Roofline: an insightful visual performance model for
// multicore architectures", 2009).
type Roof struct {
	Flops     float64 // floating-point operations a second, of Peak
	Bandwidth float64 // bytes a second that a copy reads and writes, beyond the caches
}

// MeasureRoof measures the threads of p together, each speed by the fastest of
// some runs.
func MeasureRoof(p *Pool) Roof {
	tiles := max(16, p.Threads())
	c := &copies{from: make([]float32, tiles*copyTile), to: make([]float32, tiles*copyTile)}
	for i := range c.from {
		c.from[i] = 1 // or all of it would be one page of zeros
	}
	f := &peaks{flops: make([]int, tiles)}
	fastest := func(t Task) (seconds float64) {
		best := time.Duration(1 << 62)
		for range 20 {
			start := time.Now()
			p.Run(t, tiles)
			best = min(best, time.Since(start))
		}
		return best.Seconds()
	}
	bandwidth := 8 * float64(len(c.to)) / fastest(c)
	seconds := fastest(f)
	total := 0
	for _, n := range f.flops {
		total += n
	}
	return Roof{Flops: float64(total) / seconds, Bandwidth: bandwidth}
}

// Seconds returns the least time of so many multiply-adds and bytes.
func (r Roof) Seconds(macs, bytes int) float64 {
	return max(2*float64(macs)/r.Flops, float64(bytes)/r.Bandwidth)
}

// peaks is the task of Peak; a tile notes its operations.
type peaks struct{ flops []int }

func (t *peaks) Tile(i, _ int) { t.flops[i] = Peak(10000) }

// copies is the task of a copy.
type copies struct{ from, to []float32 }

// copyTile is the number of values of a tile: more than Go keeps in the caches.
const copyTile = 1 << 20

func (t *copies) Tile(i, _ int) {
	lo, hi := i*copyTile, (i+1)*copyTile
	copy(t.to[lo:hi], t.from[lo:hi])
}
