// SPDX-License-Identifier: Apache-2.0

package benchmark

import (
	"context"
	"slices"
	"time"

	"github.com/goqat/goqat/infer"
)

// LayerTimes returns how long each operator of a model takes, in milliseconds and in
// the order of execution: for one random image on one thread, the medians of runs that
// take about so long together, and of three at least.
func LayerTimes(ctx context.Context, m *infer.Model, measuring time.Duration) ([]float64, error) {
	const least, most = 3, 1000
	var taken [][]time.Duration // by operator and run
	var last time.Time
	at := 0
	r, err := m.NewRunner(infer.Options{Observe: func(infer.Observation) {
		now := time.Now()
		taken[at] = append(taken[at], now.Sub(last))
		at, last = at+1, now
	}})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	taken = make([][]time.Duration, len(r.Layers()))
	image, logits := randomImages(m, 1), make([]int32, len(m.Classes()))
	for start, run := time.Now(), 0; run < least || run < most && time.Since(start) < measuring; run++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at, last = 0, time.Now()
		if err := r.Run(logits, image); err != nil {
			return nil, err
		}
	}
	medians := make([]float64, len(taken))
	for i, t := range taken {
		slices.Sort(t)
		medians[i] = milliseconds(t[len(t)/2])
	}
	return medians, nil
}
