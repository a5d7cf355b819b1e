// SPDX-License-Identifier: Apache-2.0

package ste

import (
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/quant"
)

// Gradient quantizes the gradient of a layer's result at random, so that its mean
// stays what it is (Zhou et al. 2016, section 2.5). With n = 2^k − 1, m the
// greatest |g| of an image and u uniform in [−1/2, 1/2),
//
//	g ← 2m·(RNE(n·clip(g/2m + 1/2 + u/n, 0, 1))/n − 1/2)
//
// While quantizers are off it leaves gradients as they are.
type Gradient struct {
	Bits  int
	Layer graph.Layer // numbers its random choices
}

// Change is graph.Gradient's.
func (q *Gradient) Change(r *graph.Run, dst, dy []float32, size int) {
	if !r.Quantize {
		copy(dst, dy)
		return
	}
	n, random, first := float32(quant.Activation(q.Bits).Max()), r.Random(q.Layer), r.First*size
	for at := 0; at < len(dy); at += size {
		lo, hi := kernel.MinMax(dy[at : at+size])
		most := 2 * max(-lo, hi)
		if !(most > 0) {
			copy(dst[at:at+size], dy[at:at+size])
			continue
		}
		for i := at; i < at+size; i++ {
			u := float32(random.Uint32(first+i)>>8)*0x1p-24 - 0.5
			v := min(max(dy[i]/most+0.5+u/n, 0), 1)
			dst[i] = most * (quant.RoundEven32(n*v)/n - 0.5)
		}
	}
}
