// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// BenchmarkConv runs 3 × 3 convolutions of 14 × 14 × 128 codes to 128 channels, and of 7 × 7 × 256 to 256: accumulators
// of full codes and 8-bit weights, of 4 and 4 bits, of 2-bit weights, and of signs.
func BenchmarkConv(b *testing.B) {
	for _, c := range []Conv{
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
			for _, set := range Sets() {
				if !set.Supported || set.Name == "reference" {
					continue
				}
				b.Run(fmt.Sprintf("%s/%d/%s", kind.name, c.InC, set.Name), func(b *testing.B) {
					p := set.Plan(c, narrow)
					if kind.weights == 0 {
						p = set.Signs(c, 1, wide)
					}
					s := NewScratch(p.Needs().Max(Needs{Acc: p.MaxTile()}))
					for b.Loop() {
						for i := range p.Tiles(1) {
							p.Accumulate(s.Acc, x, p.Tile(i, 1), s)
						}
					}
					macs := float64(c.Pixels()) * float64(len(wide))
					b.ReportMetric(macs*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GMAC/s")
				})
			}
		}
	}
}
