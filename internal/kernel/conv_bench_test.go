// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// layerShapes are layers of the bundled networks.
var layerShapes = []struct {
	name string
	Conv
}{
	{"lenet/conv1", conv(28, 28, 1, 32, 5, 5, 1, 1, 2, 2, 2, 2, 1)},
	{"lenet/conv2", conv(14, 14, 32, 64, 5, 5, 1, 1, 2, 2, 2, 2, 1)},
	{"lenet/fc1", conv(1, 1, 3136, 512, 1, 1, 1, 1, 0, 0, 0, 0, 1)},
	{"lenet/fc2", conv(1, 1, 512, 10, 1, 1, 1, 1, 0, 0, 0, 0, 1)},
	{"resnet20/first", conv(32, 32, 3, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1)},
	{"resnet20/32x32x16", conv(32, 32, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1)},
	{"resnet20/16x16x32", conv(16, 16, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1)},
	{"resnet20/8x8x64", conv(8, 8, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1)},
	{"resnet20/strided16-32", conv(32, 32, 16, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1)},
	{"resnet20/strided32-64", conv(16, 16, 32, 64, 3, 3, 2, 2, 1, 1, 1, 1, 1)},
	{"resnet20/shortcut32-64", conv(16, 16, 32, 64, 1, 1, 2, 2, 0, 0, 0, 0, 1)},
	{"mobilenet/depthwise32x32x16", conv(32, 32, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 16)},
	{"mobilenet/depthwise32x32x32/2", conv(32, 32, 32, 32, 3, 3, 2, 2, 1, 1, 1, 1, 32)},
	{"mobilenet/depthwise4x4x256", conv(4, 4, 256, 256, 3, 3, 1, 1, 1, 1, 1, 1, 256)},
	{"mobilenet/pointwise32x32x16-32", conv(32, 32, 16, 32, 1, 1, 1, 1, 0, 0, 0, 0, 1)},
	{"mobilenet/pointwise16x16x64", conv(16, 16, 64, 64, 1, 1, 1, 1, 0, 0, 0, 0, 1)},
	{"mobilenet/pointwise4x4x256", conv(4, 4, 256, 256, 1, 1, 1, 1, 0, 0, 0, 0, 1)},
	{"mobilenet/pointwise2x2x512", conv(2, 2, 512, 512, 1, 1, 1, 1, 0, 0, 0, 0, 1)},
	{"matmul1024", conv(1, 1, 1024, 1024, 1, 1, 1, 1, 0, 0, 0, 0, 1)},
}

// BenchmarkConv measures the passes on one thread. Of the roof, the least time
// the multiply-add units, or the memory that input, weights and output have to
// pass, would allow, it reports the share.
func BenchmarkConv(b *testing.B) {
	one := NewPool(1)
	roof := MeasureRoof(one)
	one.Close()
	for _, s := range layerShapes {
		c, batch := s.Conv, 128
		if s.name == "matmul1024" {
			batch = 1024
		}
		pool := NewPool(1)
		p := NewConvPlan(c, batch, pool)
		x, w, dy := random(batch*c.InSize(), 1), random(c.Weights(), 2), random(batch*c.OutSize(), 3)
		y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
		for _, pass := range []struct {
			name string
			run  func()
		}{
			{"forward", func() { p.Forward(y, x, w, batch) }},
			{"input", func() { p.BackwardInput(dx, dy, w, batch) }},
			{"weights", func() { p.BackwardWeights(dw, Real(x), dy, batch) }},
		} {
			b.Run(s.name+"/"+pass.name, func(b *testing.B) {
				for b.Loop() {
					pass.run()
				}
				macs, bytes := c.MACs()*batch, 4*(len(x)+len(w)+len(dy))
				second := b.Elapsed().Seconds() / float64(b.N)
				b.ReportMetric(2*float64(macs)/second/1e9, "GFLOP/s")
				b.ReportMetric(100*2*float64(macs)/second/roof.Flops, "%peak")
				b.ReportMetric(100*roof.Seconds(macs, bytes)/second, "%roof")
			})
		}
		pool.Close()
	}
}

// BenchmarkPeak measures what the multiply-add units give.
func BenchmarkPeak(b *testing.B) {
	flops := 0
	for b.Loop() {
		flops += Peak(10000)
	}
	b.ReportMetric(float64(flops)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}

// BenchmarkResNet20 runs the convolutions of a step of ResNet-20, forward and
// backward, on one thread. The roof is the sum of theirs.
func BenchmarkResNet20(b *testing.B) {
	const batch = 128
	times := map[string]int{"first": 1, "32x32x16": 6, "16x16x32": 5, "8x8x64": 5, "strided16-32": 1, "strided32-64": 1}
	pool := NewPool(1)
	defer pool.Close()
	roof := MeasureRoof(pool)
	var layers []func()
	var flops, least float64
	for _, s := range layerShapes {
		n := times[strings.TrimPrefix(s.name, "resnet20/")]
		if n == 0 {
			continue
		}
		c, first := s.Conv, s.InC == 3
		p := NewConvPlan(c, batch, pool)
		x, w, dy := random(batch*c.InSize(), 1), random(c.Weights(), 2), random(batch*c.OutSize(), 3)
		y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
		passes := 3
		if first {
			passes = 2
		}
		flops += 2 * float64(n*passes*c.MACs()*batch)
		least += float64(n*passes) * roof.Seconds(c.MACs()*batch, 4*(len(x)+len(y)+len(w)))
		for range n {
			layers = append(layers, func() {
				p.Forward(y, x, w, batch)
				if !first {
					p.BackwardInput(dx, dy, w, batch)
				}
				p.BackwardWeights(dw, Real(x), dy, batch)
			})
		}
	}
	for b.Loop() {
		for _, run := range layers {
			run()
		}
	}
	second := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(flops/second/1e9, "GFLOP/s")
	b.ReportMetric(100*flops/second/roof.Flops, "%peak")
	b.ReportMetric(100*least/second, "%roof")
}

// BenchmarkForwardIntegers measures forward passes on one thread, of integers, whose input
// is bytes as after a quantizer (at 1 bit, signs), and, in turn with it, of real numbers; the last figure is
// the time of the first by that of the other.
func BenchmarkForwardIntegers(b *testing.B) {
	for _, s := range layerShapes {
		c, batch := s.Conv, 16
		pool := NewPool(1)
		p := NewConvPlan(c, batch, pool)
		for _, bits := range []int{8, 4, 1} {
			signs := bits == 1
			k := newIntegerCase(b, c, 1, 1<<bits-1, max(1, 1<<(bits-1)-1), signs, true)
			x, y := make([]float32, batch*c.InSize()), make([]float32, batch*c.OutSize())
			for i := range batch {
				copy(x[i*c.InSize():], k.x)
			}
			codes := Values{Codes: make([]uint8, len(x)), Step: k.steps.Input}
			if signs {
				codes.Zero = 1
			}
			NarrowCodes(codes.Codes, x, 1/codes.Step, codes.Zero)
			b.Run(fmt.Sprintf("%s/bits=%d", s.name, bits), func(b *testing.B) {
				integers, reals := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
				for b.Loop() {
					start := time.Now()
					p.ForwardIntegers(y, codes, k.w, batch, k.steps)
					between := time.Now()
					p.Forward(y, x, k.w, batch)
					integers, reals = min(integers, between.Sub(start)), min(reals, time.Since(between))
				}
				macs := float64(c.MACs() * batch)
				b.ReportMetric(macs/integers.Seconds()/1e9, "GMAC/s")
				b.ReportMetric(macs/reals.Seconds()/1e9, "GMAC/s-of-reals")
				b.ReportMetric(integers.Seconds()/reals.Seconds(), "ratio")
			})
		}
		pool.Close()
	}
}

// BenchmarkGradients measures the gradients, and both in one pass, on one thread, of whole numbers whose input is bytes, by tiles where the tier is AMX, and,
// in turn with each, without; the last figure is the time of the first by that of the other.
func BenchmarkGradients(b *testing.B) {
	for _, s := range layerShapes {
		c, batch := s.Conv, 128
		pool := NewPool(1)
		p, steps := NewConvPlan(c, batch, pool), Integers{Weights: []float32{0.5}, MostWeights: 127}
		dx, w, dw := make([]float32, batch*c.InSize()), make([]float32, c.Weights()), make([]float32, c.Weights())
		real, dy := make([]float32, len(dx)), random(batch*c.OutSize(), 3)
		codes := Values{Codes: make([]uint8, len(real)), Step: 0.25}
		for i := range w {
			w[i] = 0.5 * float32(i*37%255-127)
		}
		for i := range real {
			codes.Codes[i] = uint8(i * 37)
			real[i] = 0.25 * float32(codes.Codes[i])
		}
		for _, pass := range []struct {
			name     string
			by, than func()
		}{
			{"input", func() { p.BackwardInputIntegers(dx, dy, w, batch, steps) }, func() { p.BackwardInput(dx, dy, w, batch) }},
			{"weights", func() { p.BackwardWeights(dw, codes, dy, batch) }, func() { p.BackwardWeights(dw, Real(real), dy, batch) }},
			{"both", func() { p.BackwardIntegers(dx, dw, codes, dy, w, batch, steps) }, func() { p.BackwardIntegers(dx, dw, Real(real), dy, w, batch, Integers{}) }},
		} {
			b.Run(s.name+"/"+pass.name, func(b *testing.B) {
				by, than := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
				for b.Loop() {
					start := time.Now()
					pass.by()
					between := time.Now()
					pass.than()
					by, than = min(by, between.Sub(start)), min(than, time.Since(between))
				}
				b.ReportMetric(by.Seconds()*1e3, "ms")
				b.ReportMetric(than.Seconds()*1e3, "ms-without")
				b.ReportMetric(by.Seconds()/than.Seconds(), "ratio")
			})
		}
		pool.Close()
	}
}
