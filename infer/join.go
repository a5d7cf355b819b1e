// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// join makes one step of two where kernels have a loop for both: of a convolution and the max pooling that alone reads its
// output. The convolution's step writes the pooling's output then, and the pooling's step does nothing.
func join(m *qmodel.Model, apart []step) flow {
	steps, written := slices.Clone(apart), outputs(m)
	readers, writer := make([]int, len(m.Tensors)), make([]int, len(m.Tensors))
	for i, o := range m.Operators {
		for _, t := range o.Inputs {
			readers[t]++
		}
		writer[o.Output] = i
	}
	for i, s := range apart {
		pool, ok := s.(*maxPool)
		if !ok || pool.in == 0 || readers[pool.in] > 1 { // tensor 0 is the image
			continue
		}
		at := writer[pool.in]
		if w, ok := apart[at].(*weighted); ok {
			if joined := w.pooled(pool); joined != nil {
				steps[at], steps[i] = joined, nothing{}
				written[at], written[i] = pool.out, -1
			}
		}
	}
	return flow{steps, planArena(m, written)}
}

// outputs returns the tensor that each operator writes.
func outputs(m *qmodel.Model) (list []int) {
	for _, o := range m.Operators {
		list = append(list, o.Output)
	}
	return list
}

// pooled returns the operator with a pooling of its output as one step, nil where there is no such loop.
func (w *weighted) pooled(pool *maxPool) step {
	p, ok := w.fused.(kernel.Pooler)
	if !ok {
		return nil
	}
	both := *w
	if both.fused = p.Pool(pool.window, pool.out); both.fused == nil {
		return nil
	}
	return &both
}
