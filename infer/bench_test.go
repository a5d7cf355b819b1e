// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
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

// BenchmarkDefaultWork runs models that take long for their work, one channel or one weight at a time, and tells how many
// seconds an image would take that asks for the whole of DefaultWork.
func BenchmarkDefaultWork(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 1))
	form := func(side, channels, groups, kernel int, f qmodeltest.Form, more func(n *qmodeltest.Builder, x int) int) *qmodel.Model {
		n := qmodeltest.New(rng, side, side, channels)
		x := n.ConvForm(0, qmodeltest.Square(kernel, 1, kernel/2), channels, groups, f)
		if more != nil {
			x = more(n, x)
		}
		return n.Finish(n.AvgPool(x, qmodeltest.Square(side, 1, 0), 8), 2)
	}
	whole := qmodeltest.Form{WeightBits: 8, CodeBits: 8}
	odd := qmodeltest.Form{WeightBits: 8, Coding: qmodel.Odd, CodeBits: 8}
	planes := qmodeltest.Form{WeightBits: 1, Planes: 8, CodeBits: 8}
	most, mean := qmodeltest.New(rng, 120, 120, 1), qmodeltest.New(rng, 120, 120, 1)
	for _, c := range []struct {
		name string
		q    *qmodel.Model
	}{
		{"maxpool", most.Finish(most.AvgPool(most.MaxPool(0, qmodeltest.Square(40, 1, 0)), qmodeltest.Square(81, 1, 0), 8), 2)},
		{"avgpool", mean.Finish(mean.AvgPool(mean.AvgPool(0, qmodeltest.Square(40, 1, 0), 8), qmodeltest.Square(81, 1, 0), 8), 2)},
		{"conv", form(100, 1, 1, 31, whole, nil)},
		{"conv of odd weights", form(100, 1, 1, 31, odd, nil)},
		{"depthwise of odd weights", form(60, 3, 3, 31, odd, nil)},
		{"one weight", form(120, 1, 1, 1, whole, func(n *qmodeltest.Builder, x int) int {
			for range 10 {
				x = n.ConvForm(x, qmodeltest.Square(1, 1, 0), 1, 1, whole)
			}
			return x
		})},
		{"signs", form(60, 4, 1, 3, qmodeltest.Form{WeightBits: 8, CodeBits: 8, Signs: true}, func(n *qmodeltest.Builder, x int) int {
			return n.ConvForm(x, qmodeltest.Square(1, 1, 0), 4, 4, planes)
		})},
		{"additions", form(120, 1, 1, 1, whole, func(n *qmodeltest.Builder, x int) int {
			y := 0
			for range 10 {
				x, y = n.Add(8, x, y), x
			}
			return x
		})},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := newTestModel(b, c.q)
			r := newTestRunner(b, m, Options{})
			images, logits := drawImages(rng, c.q, 1), make([]int32, len(c.q.Classes))
			for b.Loop() {
				if err := r.Run(logits, images); err != nil {
					b.Fatal(err)
				}
			}
			each := float64(b.Elapsed()) / float64(b.N) / float64(m.Work()) * DefaultWork
			b.ReportMetric(each*1e-9, "s/DefaultWork")
		})
	}
}
