// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// join makes one step of two where kernels have a loop for both. A convolution and the max pooling that alone reads its output:
// the convolution's step writes the pooling's output then, and the pooling's step does nothing. Signs of codes and the
// convolutions that read them: these read the codes, and nobody writes the signs.
func join(m *qmodel.Model, apart []step) flow {
	steps, a := slices.Clone(apart), accessesOf(m)
	readers, writer := make([]int, len(m.Tensors)), make([]int, len(m.Tensors))
	for i, o := range m.Operators {
		for _, t := range o.Inputs {
			readers[t]++
		}
		writer[o.Output] = i
	}
	for i := range m.Operators {
		joinSigns(m, i, steps, a)
	}
	for i, s := range apart {
		pool, ok := s.(*maxPool)
		if !ok || pool.in == 0 || readers[pool.in] > 1 { // tensor 0 is the image
			continue
		}
		at := writer[pool.in]
		if w, ok := steps[at].(*weighted); ok {
			if joined := w.pooled(pool); joined != nil {
				steps[at], steps[i] = joined, nothing{}
				a.writes[at], a.writes[i] = pool.out, -1
			}
		}
	}
	return flow{steps, planArena(m, a)}
}

// accesses are what the steps of operators do to tensors.
type accesses struct {
	writes []int   // the tensor that a step writes, -1 for none
	reads  [][]int // those that it reads
}

// accessesOf returns those of each operator by itself.
func accessesOf(m *qmodel.Model) (a accesses) {
	for _, o := range m.Operators {
		a.writes, a.reads = append(a.writes, o.Output), append(a.reads, o.Inputs)
	}
	return a
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
