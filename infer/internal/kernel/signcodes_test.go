// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestSignCodes compares operators on signs with the same as operators on codes, which end in signs or codes.
func TestSignCodes(t *testing.T) {
	rng := rand.New(rand.NewPCG(73, 74))
	for i := range rounds(300) {
		signCodesAgree(t, rng, i)
	}
}

func FuzzSignCodes(f *testing.F) { fuzz(f, signCodesAgree) }

// signCodesAgree draws an operator on signs, i choosing its kind, and compares it as it is defined with what every set makes of
// it as one on codes, by accumulators and, where plans end in codes, without.
func signCodesAgree(t *testing.T, rng *rand.Rand, i int) {
	t.Helper()
	sets, reference := fast()
	batch := 1 + rng.IntN(2)
	c, x := drawSigns(t, rng, 1, batch, i%2 == 0)
	if i%4 == 0 { // depthwise
		c.InC = 16 * (1 + rng.IntN(5))
		c.OutC, c.Groups = c.InC, c.InC
		x = guarded[uint8](t, batch*c.InLen(), false)
		drawCodes(rng, x, 1)
	}
	weights, narrow := make([]int16, c.OutC*c.KH*c.KW*c.InC/c.Groups), make([]int8, c.OutC*c.KH*c.KW*c.InC/c.Groups)
	for k := range weights {
		weights[k] = int16(2*rng.IntN(2) - 1)
		narrow[k] = int8(weights[k])
	}
	forms := [][]bool{{false}, {false}, {false, true}, {false, false}}
	ones := c
	ones.Zero, ones.Max = 0, 1
	e, tensors := drawFusion(t, rng, ones, narrow, batch*c.Pixels(), forms[rng.IntN(len(forms))], false)
	if rng.IntN(2) == 0 {
		e.T = &fixed.Thresholds{M: e.R.M, T: [][]int64{make([]int64, c.OutC)}}
		for o := range c.OutC {
			e.T.T[0][o] = e.R.M[0][o]*(rng.Int64N(9)-4) + rng.Int64N(3) - 1
			if rng.IntN(10) == 0 {
				e.T.T[0][o] = (1<<61 - 1) * int64(1-2*rng.IntN(2)) // for all sums, or for none
			}
		}
		e.R = nil
	}
	out := &tensors[e.Output]
	whole := kernel.Tile{Rows: batch * c.Pixels(), Channels: c.OutC, Stride: c.OutC}
	finish := reference.Finish(e)
	finish.Finish(whole, gather(t, reference.Signs(c, 1, weights), c, 1, x, batch, false), tensors, kernel.NewScratch(finish.Needs()))
	want := slices.Clone(out.Codes)
	codes, end, narrow, ok := kernel.SignCodes(c, e, weights)
	if !ok {
		t.Fatalf("%+v is no operator on codes", c)
	}
	for _, set := range sets {
		plan, prepare, end := set.Plan(codes, narrow), set.Finish, end
		if end.T != nil {
			prepare = set.Compare
		}
		check := func(what string, end kernel.Epilogue) {
			if !slices.Equal(out.Codes, want) {
				t.Fatalf("set %s, %s, %+v, %+v: %d, want %d", set.Name, what, codes, end, out.Codes, want)
			}
			for i := range out.Codes {
				out.Codes[i] = 0xa5
			}
		}
		acc := gather(t, plan, codes, 1, x, batch, false)
		finishes := func(what string, finish kernel.Finisher) {
			finish.Finish(whole, acc, tensors, kernel.NewScratch(finish.Needs()))
			check(what, end)
			p, ok := plan.(kernel.Fuser)
			if !ok {
				return
			}
			if f := p.Fuse(finish); f != nil {
				s := kernel.NewScratch(f.Needs())
				for i := range plan.Tiles(batch) {
					f.Run(plan.Tile(i, batch), x, tensors, s)
				}
				check(what+", fused", end)
			}
		}
		finishes("accumulators", prepare(end))
		if signs, ok := kernel.AsCodes(end); ok {
			finishes("accumulators as codes", set.Finish(signs))
		}
	}
}

// TestPlanesEndWithTheirTile gives 1 × 1 kernels codes that end with a tile's last row, as unfolded lines do, in more than one image
// or in a part of one.
func TestPlanesEndWithTheirTile(t *testing.T) {
	rng := rand.New(rand.NewPCG(75, 76))
	sets, reference := fast()
	const batch, signs = 4, 2
	for _, c := range []kernel.Conv{
		{InH: 29, InW: 12, InC: 24, OutH: 29, OutW: 12, OutC: 8, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Groups: 1},
		{InH: 3, InW: 5, InC: 40, OutH: 3, OutW: 5, OutC: 32, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Groups: 1},
	} {
		weights := make([]int16, c.OutC*c.InC)
		for i := range weights {
			weights[i] = int16(rng.IntN(7) - 3)
		}
		for _, set := range sets {
			plan := set.Signs(c, signs, weights)
			for i := range plan.Tiles(batch) {
				tile := plan.Tile(i, batch)
				x := guarded[uint8](t, (tile.Row+tile.Rows)*c.InC, false)
				drawCodes(rng, x, 1<<signs-1)
				full := append(slices.Clone(x), make([]uint8, batch*c.InLen()-len(x))...)
				sums := func(p kernel.Plan, x []uint8) []int32 {
					acc := make([]int32, signs*tile.Rows*tile.Stride)
					p.Accumulate(acc, x, tile, kernel.NewScratch(p.Needs()))
					return acc
				}
				if got, want := sums(plan, x), sums(reference.Signs(c, signs, weights), full); !slices.Equal(got, want) {
					t.Fatalf("set %s, %+v, tile %+v: %d, want %d", set.Name, c, tile, got, want)
				}
			}
		}
	}
}
