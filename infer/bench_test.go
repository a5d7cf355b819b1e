// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
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

// BenchmarkLoad reads, checks and plans a network of the size of LeNet: 1.7 million weights of 4 bits.
func BenchmarkLoad(b *testing.B) {
	q := lenet(rand.New(rand.NewPCG(1, 1)))
	var file bytes.Buffer
	if err := q.Write(&file); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		m, err := FromBytes(file.Bytes())
		if err != nil {
			b.Fatal(err)
		}
		newTestRunner(b, m, Options{}).Close()
	}
}
