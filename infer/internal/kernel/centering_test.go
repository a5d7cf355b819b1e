// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestCenteringFolds compares a folded centering, with what it returned, with one that is not.
func TestCenteringFolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	folds := 0
	for range 200 {
		c := drawConv(rng, false)
		zeros := make([]int32, c.InC)
		for i := range zeros {
			zeros[i] = rng.Int32N(256)
		}
		weights := make([]int16, c.OutC*c.KH*c.KW*c.InC)
		for i := range weights {
			weights[i] = int16(rng.IntN(255) - 127)
		}
		tile := kernel.Tile{Rows: c.Pixels(), Channels: c.OutC, Stride: c.OutC}
		want := make([]int32, c.Pixels()*c.OutC)
		kernel.NewCentering(c, 1, 1, zeros, [][]int16{weights}).Add(want, tile)
		p := kernel.NewCentering(c, 1, 1, zeros, [][]int16{weights})
		if p.Fold(0) != nil {
			t.Fatalf("%+v: more than nothing is folded", c)
		}
		common := p.Fold(1<<31 - 1)
		got := make([]int32, len(want))
		p.Add(got, tile)
		if common != nil {
			folds++
			for i := range got {
				got[i] += common[i%c.OutC]
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v, folded %t: %d, want %d", c, common != nil, got, want)
		}
	}
	if folds < 50 {
		t.Errorf("%d of 200 centerings fold", folds)
	}
}
