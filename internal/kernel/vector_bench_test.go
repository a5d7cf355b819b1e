// SPDX-License-Identifier: Apache-2.0

package kernel

import "testing"

// BenchmarkVector runs the steps of an epilogue on a block that stays in the
// first-level cache.
func BenchmarkVector(b *testing.B) {
	const rows, n = 128, 16
	x, y, dst := random(rows*n, 1), random(rows*n, 2), make([]float32, rows*n)
	a, s, t := random(n, 3), make([]float64, n), make([]float64, n)
	for _, f := range []struct {
		name    string
		streams int // slices read or written
		run     func()
	}{
		{"Add", 3, func() { Add(dst, x, y) }},
		{"ReLUClamp", 2, func() { ReLUClamp(dst, x, 6) }},
		{"ReLUClampBackward", 3, func() { ReLUClampBackward(dst, x, y, 6) }},
		{"FakeQuantize", 2, func() { FakeQuantize(dst, x, 0.1, 0, 15) }},
		{"FakeQuantizeBackward", 3, func() { FakeQuantizeBackward(dst, x, y, 0.1, 0, 15) }},
		{"MinMax", 1, func() { MinMax(x) }},
		{"ScaleShift", 2, func() { ScaleShift(dst, x, a, a) }},
		{"AddScaleShift", 3, func() { AddScaleShift(dst, x, a, a) }},
		{"Combine", 3, func() { Combine(dst, x, y, a, a, a) }},
		{"ChannelMoments", 1, func() { ChannelMoments(s, t, x, a) }},
		{"ChannelDots", 2, func() { ChannelDots(s, t, x, y) }},
		{"SumSquares", 1, func() { SumSquares(x) }},
		{"QuantizedDots", 1, func() { QuantizedDots(x, [2]float32{0.1, 0.2}, 7) }},
		{"ClipBackward", 3, func() { ClipBackward(dst, x, y, 0, 1) }},
		{"StepBackward", 3, func() { StepBackward(dst, x, y, 0.1, 0, 15) }},
	} {
		b.Run(f.name, func(b *testing.B) {
			for b.Loop() {
				f.run()
			}
			b.ReportMetric(4*rows*n*float64(f.streams)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GB/s")
		})
	}
}

// BenchmarkMaxPool runs the pooling of lenet's first stage.
func BenchmarkMaxPool(b *testing.B) {
	const batch = 128
	w := pooling(28, 28, 32, 2, 2, 2, 2, 0, 0, 0, 0)
	pool := NewPool(1)
	defer pool.Close()
	p := NewMaxPool(w, batch, pool)
	x, y := random(batch*w.InSize(), 1), make([]float32, batch*w.OutSize())
	b.Run("forward", func(b *testing.B) {
		for b.Loop() {
			p.Forward(Real(y), Real(x), batch)
		}
	})
	b.Run("backward", func(b *testing.B) {
		for b.Loop() {
			p.Backward(x, y, batch)
		}
	})
}
