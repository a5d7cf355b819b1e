// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"fmt"
	"testing"
	"time"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
)

// most measures what the processor does with tiles in registers now, in multiply-accumulates a nanosecond: the best of some
// short runs. Where another guest of a shared machine uses its own tiles, all instructions on tiles take 2 to 4 times as long.
func most() float64 {
	config := &newDot(kernel.Conv{InH: 16, InW: 16, InC: 64, OutH: 16, OutW: 16, OutC: 16, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Groups: 1, Max: 255}, make([]int8, 64*16), false).configs[2][mostTall]
	const rounds = 1 << 10
	best := 0.0
	for range 9 {
		start := time.Now()
		peak(config, rounds)
		best = max(best, rounds*4*mostTall*lanes*mostDeep/float64(time.Since(start).Nanoseconds()))
	}
	return best
}

// BenchmarkPeak reports what TDPBUSD does in registers.
func BenchmarkPeak(b *testing.B) {
	if err := permit(); err != nil {
		b.Skip(err)
	}
	best := 0.0
	for b.Loop() {
		best = max(best, most())
	}
	b.ReportMetric(best, "GMAC/s")
}

// BenchmarkAMX runs layers of the bundled networks, and a matrix product, by tiles and by AVX-512 VNNI in turn, products alone
// and with requantization. Beside each rate by tiles is what they do in registers, before or after, whichever is less.
func BenchmarkAMX(b *testing.B) {
	if err := permit(); err != nil {
		b.Skip(err)
	}
	for _, l := range layers {
		for _, set := range []kernel.Set{Set, avx512.Set} {
			r := l.prepare(set)
			for _, part := range []struct {
				name string
				do   func()
			}{{"products", r.sums}, {"layer", r.codes}} {
				b.Run(fmt.Sprintf("%s/%s/%s", l.name, part.name, set.Name), func(b *testing.B) {
					before := most()
					for b.Loop() {
						part.do()
					}
					macs := float64(l.batch*r.c.Pixels()) * float64(r.c.OutC*r.c.KH*r.c.KW*r.c.InC)
					b.ReportMetric(macs*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
					b.ReportMetric(min(before, most()), "peak-GMAC/s")
				})
			}
		}
	}
}
