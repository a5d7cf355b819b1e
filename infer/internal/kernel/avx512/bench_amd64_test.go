// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// BenchmarkVNNI runs layers of the bundled networks, and a matrix product, by AVX-512 VNNI with requantization, and
// reports their share of what the processor does in registers.
func BenchmarkVNNI(b *testing.B) {
	if !supported {
		b.Skip("no AVX-512 VNNI")
	}
	const rounds = 1 << 18
	most := 0.0 // multiply-accumulates a nanosecond
	for range 9 {
		start := time.Now()
		peak(rounds)
		most = max(most, rounds*24*64/float64(time.Since(start).Nanoseconds()))
	}
	for _, l := range []struct {
		name                        string
		size, in, out, kernel, step int
		batch                       int
	}{
		{"resnet20 3x3x16", 32, 16, 16, 3, 1, 1}, {"resnet20 3x3x32", 16, 32, 32, 3, 1, 1}, {"resnet20 3x3x64", 8, 64, 64, 3, 1, 1},
		{"resnet20 16 to 32", 32, 16, 32, 3, 2, 1}, {"lenet conv2", 14, 32, 64, 5, 1, 1}, {"lenet fc1", 1, 3136, 512, 1, 1, 32},
		{"mobilenet 1x1x64", 16, 64, 64, 1, 1, 1}, {"mobilenet 1x1x256", 4, 256, 256, 1, 1, 1}, {"matrix 1024", 32, 1024, 1024, 1, 1, 1},
	} {
		c := kernel.Conv{InH: l.size, InW: l.size, InC: l.in, OutH: l.size / l.step, OutW: l.size / l.step, OutC: l.out, KH: l.kernel, KW: l.kernel,
			StrideH: l.step, StrideW: l.step, Top: l.kernel / 2, Left: l.kernel / 2, Groups: 1, Max: 255}
		rng := rand.New(rand.NewPCG(1, 1))
		x, w := make([]uint8, l.batch*c.InLen()), make([]int8, c.OutC*c.KH*c.KW*c.InC)
		for i := range x {
			x[i] = uint8(rng.Uint32())
		}
		for i := range w {
			w[i] = int8(rng.Uint32())
		}
		r := &fixed.Requantizer{Hi: 255, M: [][]int64{make([]int64, c.OutC)}, Bias: make([]int64, c.OutC), AccBias: make([]int32, c.OutC), Shift: make([]uint8, c.OutC)}
		for o := range c.OutC {
			r.M[0][o], r.Shift[o] = 1<<23+2*rng.Int64N(1<<22)+1, 36
		}
		p, f := Set.Plan(c, w), Set.Finish(kernel.Epilogue{Channels: c.OutC, R: r, Terms: []kernel.Term{{Bits: 28}}})
		s := kernel.NewScratch(p.Needs().Max(f.Needs()).Max(kernel.Needs{Acc: p.MaxTile()}))
		tensors := []kernel.Tensor{{Codes: make([]uint8, l.batch*c.Pixels()*c.OutC)}}
		fused := p.(kernel.Fuser).Fuse(f)
		layer := func(finish bool) func(b *testing.B) {
			return func(b *testing.B) {
				for b.Loop() {
					for i := range p.Tiles(l.batch) {
						t := p.Tile(i, l.batch)
						if finish {
							fused.Run(t, x, tensors, s)
						} else {
							p.Accumulate(s.Acc, x, t, s)
						}
					}
				}
				rate := float64(l.batch*c.Pixels()*len(w)) * float64(b.N) / float64(b.Elapsed().Nanoseconds())
				b.ReportMetric(rate, "GMAC/s")
				b.ReportMetric(100*rate/most, "%peak")
			}
		}
		b.Run(fmt.Sprintf("%s/products", l.name), layer(false))
		b.Run(fmt.Sprintf("%s/layer", l.name), layer(true))
	}
}
