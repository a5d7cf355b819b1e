// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkLeNet runs a network of the size of LeNet with every kernel, and reports the multiply-accumulates a second.
func BenchmarkLeNet(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	q := lenet(rng)
	m := newTestModel(b, q)
	var macs int64
	for i := range q.Operators {
		macs += q.MACs(i)
	}
	for _, name := range Kernels() {
		for _, batch := range []int{1, 16} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, batch), func(b *testing.B) {
				r := newTestRunner(b, m, Options{Batch: batch, Kernel: name})
				images, logits := drawImages(rng, q, batch), make([]int32, batch*len(q.Classes))
				b.ReportAllocs()
				for b.Loop() {
					if err := r.Run(logits, images); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(macs)*float64(batch*b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
			})
		}
	}
}
