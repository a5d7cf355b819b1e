// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"slices"
	"time"
)

// Latency are the times of runs, in milliseconds.
type Latency struct {
	Min float64 `json:"min"`
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// percentiles sorts times and returns their percentiles (nearest rank).
func percentiles(times []time.Duration) Latency {
	slices.Sort(times)
	rank := func(percent int) float64 { return milliseconds(times[(len(times)*percent+99)/100-1]) }
	return Latency{milliseconds(times[0]), rank(50), rank(99)}
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
