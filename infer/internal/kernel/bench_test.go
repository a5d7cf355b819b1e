// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/sets"
)

// BenchmarkConv runs 3 × 3 convolutions of 14 × 14 × 128 codes to 128 channels, and of 7 × 7 × 256 to 256: accumulators
// of full codes and 8-bit weights, of 4 and 4 bits, of 2-bit weights, and of signs.
func BenchmarkConv(b *testing.B) {
	for _, c := range []kernel.Conv{
		{InH: 14, InW: 14, InC: 128, OutH: 14, OutW: 14, OutC: 128},
		{InH: 7, InW: 7, InC: 256, OutH: 7, OutW: 7, OutC: 256},
	} {
		c.KH, c.KW, c.StrideH, c.StrideW, c.Top, c.Left, c.Groups = 3, 3, 1, 1, 1, 1, 1
		rng := rand.New(rand.NewPCG(1, 1))
		x := make([]uint8, c.InLen())
		wide := make([]int16, c.OutC*c.KH*c.KW*c.InC)
		for _, kind := range []struct {
			name    string
			codes   int32
			weights int // the greatest; 0 for signs
		}{{"8x8", 255, 127}, {"4x4", 15, 7}, {"8x2", 255, 1}, {"4x2", 15, 1}, {"signs", 1, 0}} {
			c.Max = kind.codes
			drawCodes(rng, x, c.Max)
			narrow := make([]int8, len(wide))
			for i := range narrow {
				wide[i] = int16(2*rng.IntN(2) - 1)
				narrow[i] = int8(rng.IntN(2*kind.weights+1) - kind.weights)
			}
			for _, set := range sets.All() {
				if !set.Supported || set.Name == "reference" {
					continue
				}
				b.Run(fmt.Sprintf("%s/%d/%s", kind.name, c.InC, set.Name), func(b *testing.B) {
					p := set.Plan(c, narrow)
					if kind.weights == 0 {
						p = set.Signs(c, 1, wide)
					}
					accumulate(b, p, x, c.Pixels()*len(wide))
				})
			}
		}
	}
}

// accumulate measures the products of a plan of so many multiply-accumulates, and reports how many a nanosecond are done.
func accumulate(b *testing.B, p kernel.Plan, x []uint8, macs int) {
	s := kernel.NewScratch(p.Needs().Max(kernel.Needs{Acc: p.MaxTile()}))
	for b.Loop() {
		for i := range p.Tiles(1) {
			p.Accumulate(s.Acc, x, p.Tile(i, 1), s)
		}
	}
	b.ReportMetric(float64(macs)*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
}

// BenchmarkGroups runs convolutions of 28 × 28 × 64 codes in groups, and reports the multiply-accumulates a second.
func BenchmarkGroups(b *testing.B) {
	for _, c := range []kernel.Conv{
		{KH: 3, Groups: 2, OutC: 64}, {KH: 3, Groups: 8, OutC: 64}, {KH: 3, Groups: 32, OutC: 64}, {KH: 3, Groups: 64, OutC: 128}, {KH: 1, Groups: 4, OutC: 64},
	} {
		c.KW, c.Top, c.Left, c.StrideH, c.StrideW = c.KH, c.KH/2, c.KH/2, 1, 1
		c.InH, c.InW, c.InC, c.OutH, c.OutW, c.Max = 28, 28, 64, 28, 28, 255
		rng := rand.New(rand.NewPCG(1, 1))
		x, weights := make([]uint8, c.InLen()), make([]int8, c.OutC*c.KH*c.KW*c.InC/c.Groups)
		drawCodes(rng, x, c.Max)
		for i := range weights {
			weights[i] = int8(rng.IntN(255) - 127)
		}
		for _, set := range sets.All() {
			if !set.Supported || set.Name == "reference" {
				continue
			}
			b.Run(fmt.Sprintf("%dx%d/%d of %d to %d/%s", c.KH, c.KW, c.Groups, c.InC, c.OutC, set.Name), func(b *testing.B) {
				accumulate(b, set.Plan(c, weights), x, c.Pixels()*len(weights))
			})
		}
	}
}

// BenchmarkSumPool runs averages over 3 × 3 and 7 × 7 codes of 64 channels, and reports the time of a code.
func BenchmarkSumPool(b *testing.B) {
	for _, side := range []int{3, 7} {
		out := 28 / side
		w := kernel.NewWindow(kernel.Conv{InH: 28, InW: 28, InC: 64, OutH: out, OutW: out, OutC: 64, KH: side, KW: side, StrideH: side, StrideW: side, Max: 255})
		x, acc := make([]uint8, w.InLen()), make([]int32, w.Pixels()*w.OutC)
		for _, set := range sets.All() {
			if !set.Supported || set.Name == "reference" {
				continue
			}
			b.Run(fmt.Sprintf("%dx%d/%s", side, side, set.Name), func(b *testing.B) {
				for b.Loop() {
					set.SumPool(w, acc, x, 0, w.Pixels())
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(acc)*side*side), "ns/code")
			})
		}
	}
}

// BenchmarkFinish runs the ends of an operator, of 8192 outputs of 64 channels, by terms: so many accumulators, and then
// those of codes. It reports the time of an output.
func BenchmarkFinish(b *testing.B) {
	const rows, channels = 128, 64
	for _, form := range []struct{ own, codes int }{{1, 0}, {1, 1}, {1, 2}, {0, 2}, {2, 0}, {3, 0}, {9, 0}} {
		rng := rand.New(rand.NewPCG(1, 1))
		e := kernel.Epilogue{Channels: channels, Terms: make([]kernel.Term, form.own+form.codes)}
		tensors := []kernel.Tensor{{Codes: make([]uint8, rows*channels)}}
		acc := make([]int32, form.own*rows*channels)
		for i := range acc {
			acc[i] = rng.Int32N(1<<16) - 1<<15
		}
		for i := range form.codes {
			x := kernel.Tensor{Codes: make([]uint8, rows*channels)}
			drawCodes(rng, x.Codes, 255)
			e.Terms[form.own+i].Codes = true
			e.Others, tensors = append(e.Others, len(tensors)), append(tensors, x)
		}
		r := &fixed.Requantizer{Hi: 255, Bias: make([]int64, channels), AccBias: make([]int32, channels), Shift: slices.Repeat([]uint8{32}, channels)}
		for i := range e.Terms {
			r.M = append(r.M, make([]int64, channels))
			e.Terms[i].Bits = 20
			for c := range channels {
				r.M[i][c] = rng.Int64N(1<<24) | 1
			}
		}
		for _, set := range sets.All() {
			if !set.Supported || set.Name == "reference" {
				continue
			}
			for _, planes := range []int{0, 1, 3} {
				e, end, prepare := e, "requantize", set.Finish
				if e.R = r; planes > 0 {
					end, prepare = fmt.Sprintf("%d signs", planes), set.Compare
					e.T, e.R = &fixed.Thresholds{M: r.M, T: slices.Repeat([][]int64{make([]int64, channels)}, planes)}, nil
				}
				b.Run(fmt.Sprintf("%d+%d terms/%s/%s", form.own, form.codes, end, set.Name), func(b *testing.B) {
					f := prepare(e)
					s := kernel.NewScratch(f.Needs())
					for b.Loop() {
						f.Finish(kernel.Tile{Rows: rows, Channels: channels, Stride: channels}, acc, tensors, s)
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows/channels, "ns/output")
				})
			}
		}
	}
}
