// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/sets"
)

// testSets are sets beside those that models run by.
var testSets []kernel.Set

// fast returns the sets of this processor but the reference, which is the last, and beside those that pack weights or take
// less memory the same so.
func fast() (fast []kernel.Set, reference kernel.Set) {
	fast = slices.Clone(testSets)
	all := sets.All()
	for _, s := range all[:len(all)-1] {
		if !s.Supported {
			continue
		}
		fast = append(fast, s)
		if s.Packed != nil {
			s.Name, s.Plan = s.Name+", packed", s.Packed
			fast = append(fast, s)
		}
		if s.Small != nil {
			s.Name, s.Plan = s.Name+", small", s.Small
			fast = append(fast, s)
		}
	}
	return fast, all[len(all)-1]
}

// rounds returns n, or with -short, as on emulated processors, a quarter of it.
func rounds(n int) int {
	if testing.Short() {
		return n / 4
	}
	return n
}

func TestSets(t *testing.T) {
	names := map[string]bool{}
	for _, s := range sets.All() {
		if names[s.Name] || s.Plan == nil || s.Signs == nil || s.Finish == nil || s.Compare == nil || s.MaxPool == nil || s.SumPool == nil || s.Online == nil {
			t.Errorf("set %q is there twice or lacks a loop", s.Name)
		}
		names[s.Name] = true
		t.Logf("%s, supported: %t", s.Name, s.Supported)
	}
	if !names["generic"] || !names["reference"] {
		t.Errorf("sets %v", names)
	}
}

// drawConv returns a random geometry that is possible.
func drawConv(rng *rand.Rand, groups bool) kernel.Conv {
	c := kernel.Conv{
		InC: []int{1, 3, 1 + rng.IntN(50)}[rng.IntN(3)], OutC: 1 + rng.IntN(70), Groups: 1,
		KH: 1 + rng.IntN(4), KW: 1 + rng.IntN(4), StrideH: 1 + rng.IntN(2), StrideW: 1 + rng.IntN(3),
		Max: 1<<(1+rng.IntN(8)) - 1,
	}
	if rng.IntN(3) == 0 {
		c.KH, c.KW = 1, 1
		if rng.IntN(2) == 0 {
			c.StrideH, c.StrideW = 1, 1
		}
	}
	if rng.IntN(10) == 0 {
		c.StrideH, c.StrideW = 1+rng.IntN(9), 1+rng.IntN(9)
	}
	c.Top, c.Left = rng.IntN(c.KH), rng.IntN(c.KW)
	bottom, right := rng.IntN(c.KH), rng.IntN(c.KW)
	c.InH, c.InW = c.KH+rng.IntN(9), c.KW+rng.IntN(9)
	if rng.IntN(10) == 0 { // down to an image smaller than the kernel
		c.InH, c.InW = max(1, c.KH-c.Top-bottom), max(1, c.KW-c.Left-right)
	}
	if !groups && rng.IntN(6) == 0 { // whole lines of tiles, with taps that share codes
		c.InC, c.KW, c.StrideW = 16*(1+rng.IntN(2)), 3, 1
		c.Left, right = rng.IntN(3), rng.IntN(3)
		c.InW = 16*(1+rng.IntN(2)) + 2 - c.Left - right
		if rng.IntN(2) == 0 { // minimal filtering, of whole tiles and of parts
			c.KH, c.StrideH, c.Top, bottom = 3, 1, rng.IntN(3), rng.IntN(3)
			c.InH, c.InW = 4+rng.IntN(20), c.InW-rng.IntN(6)
		}
	}
	c.OutH = (c.InH+c.Top+bottom-c.KH)/c.StrideH + 1
	c.OutW = (c.InW+c.Left+right-c.KW)/c.StrideW + 1
	if groups {
		c.Groups = c.InC
		c.OutC = c.InC * (1 + rng.IntN(8)/7)
		if rng.IntN(2) == 0 { // of several channels
			c.Groups = 1 + rng.IntN(8)
			c.InC, c.OutC = c.Groups*(1+rng.IntN(6)), c.Groups*(1+rng.IntN(20))
		}
	}
	if !groups && rng.IntN(8) == 0 { // more channels than a tile has
		c.InC, c.OutC = min(c.InC, 16), 240+rng.IntN(60)
	}
	c.Zero = rng.Int32N(c.Max + 1)
	return c
}

// drawCodes fills codes in [0, most], now and then with the extremes only.
func drawCodes(rng *rand.Rand, codes []uint8, most int32) {
	style := rng.IntN(4)
	for i := range codes {
		switch style {
		case 0:
			codes[i] = uint8(most)
		case 1:
			codes[i] = uint8(most * rng.Int32N(2))
		default:
			codes[i] = uint8(rng.Int32N(most + 1))
		}
	}
}

func drawWeights(rng *rand.Rand, n int) []int8 {
	w := make([]int8, n)
	style, most := rng.IntN(5), 1<<rng.IntN(8)
	for i := range w {
		switch style {
		case 0:
			w[i] = 127
		case 1:
			w[i] = []int8{-128, 127}[rng.IntN(2)]
		case 2:
			w[i] = []int8{-1, 1}[rng.IntN(2)]
		default:
			w[i] = int8(max(-128, min(127, rng.IntN(2*most+1)-most)))
		}
	}
	return w
}

// TestPlansAgree compares every fast plan with the reference, on memory between pages that fault, and proves that the
// tiles cover the output once.
func TestPlansAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range rounds(400) {
		plansAgree(t, rng, n)
	}
}

// plansAgree draws a convolution, n choosing its kind, and compares every fast plan with the reference.
func plansAgree(t *testing.T, rng *rand.Rand, n int) {
	t.Helper()
	sets, reference := fast()
	c := drawConv(rng, n%3 == 0)
	batch := 1 + rng.IntN(3)
	front := rng.IntN(2) == 0
	weights := drawWeights(rng, c.OutC*c.KH*c.KW*c.InC/c.Groups)
	x := guarded[uint8](t, batch*c.InLen(), front)
	drawCodes(rng, x, c.Max)
	want := gather(t, reference.Plan(c, weights), c, 1, x, batch, front)
	for _, set := range sets {
		if got := gather(t, set.Plan(c, weights), c, 1, x, batch, front); !slices.Equal(got, want) {
			t.Fatalf("set %s, %+v: %d, want %d", set.Name, c, got, want)
		}
	}
}

// TestLongSums sums many equal products, so that sums of few bits would overflow if they were not emptied in time.
func TestLongSums(t *testing.T) {
	sets, _ := fast()
	for _, most := range []int32{1, 15, 127, 255} {
		c := kernel.Conv{InH: 1, InW: 1, InC: 2051, OutH: 1, OutW: 1, OutC: 1, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Groups: 1, Max: most}
		for _, w := range []int8{-128, -127, -8, -7, -2, -1, 1, 2, 7, 8, 127} {
			weights := slices.Repeat([]int8{w}, c.InC)
			for _, set := range sets {
				for _, q := range []uint8{0, uint8(most)} {
					got := gather(t, set.Plan(c, weights), c, 1, slices.Repeat([]uint8{q}, c.InC), 1, false)
					if want := int32(q) * int32(w) * int32(c.InC); got[0] != want {
						t.Errorf("set %s: %d times %d·%d is %d, want %d", set.Name, c.InC, q, w, got[0], want)
					}
				}
			}
		}
	}
}

// TestFusedAgree compares plans that write codes themselves with the reference's plan and finisher.
func TestFusedAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	for n := range rounds(600) {
		fusedAgree(t, rng, n)
	}
}

// fusedAgree draws a convolution, n choosing its kind, and an epilogue, and compares every plan that takes both.
func fusedAgree(t *testing.T, rng *rand.Rand, n int) {
	t.Helper()
	sets, reference := fast()
	c := drawConv(rng, n%2 == 0)
	if n%2 == 0 { // depthwise, of many channels or few
		c.InC = []int{8, 16, 32, 48, 64, 80, 128}[rng.IntN(7)]
		c.OutC, c.Groups = c.InC, c.InC
		if rng.IntN(2) == 0 {
			c.InW = max(c.InW, c.KW)
			c.StrideW, c.OutW = 1, c.InW+c.Left-c.KW+1
		}
		if rng.IntN(2) == 0 {
			c.KH, c.KW, c.InH, c.InW = 3, 3, c.InH+2, c.InW+2
			c.Top, c.Left = rng.IntN(3), rng.IntN(3)
			c.OutH, c.OutW = (c.InH+c.Top-3)/c.StrideH+1, (c.InW+c.Left-3)/c.StrideW+1
		}
	}
	if n%4 == 1 {
		c.OutC = 16 * (1 + rng.IntN(8))
	}
	batch, front := 1+rng.IntN(3), rng.IntN(2) == 0
	weights := drawWeights(rng, c.OutC*c.KH*c.KW*c.InC/c.Groups)
	x := guarded[uint8](t, batch*c.InLen(), front)
	drawCodes(rng, x, c.Max)
	forms := [][]bool{{false}, {false}, {false, true}, {false, false}}
	e, tensors := drawFusion(t, rng, c, weights, batch*c.Pixels(), forms[rng.IntN(len(forms))], front)
	out := &tensors[e.Output]

	finish := reference.Finish(e)
	acc := gather(t, reference.Plan(c, weights), c, 1, x, batch, front)
	finish.Finish(kernel.Tile{Rows: batch * c.Pixels(), Channels: c.OutC, Stride: c.OutC}, acc, tensors, kernel.NewScratch(finish.Needs()))
	want := slices.Clone(out.Codes)
	for _, set := range sets {
		p, ok := set.Plan(c, weights).(kernel.Fuser)
		if !ok {
			continue
		}
		f := p.Fuse(set.Finish(e))
		if f == nil {
			continue
		}
		for i := range out.Codes {
			out.Codes[i] = 0xa5
		}
		needs := f.Needs()
		s := kernel.NewScratch(needs)
		s.Bytes = guarded[uint8](t, needs.Bytes, front)
		for i := range s.Bytes {
			s.Bytes[i] = 0xa5
		}
		for i := p.(kernel.Plan).Tiles(batch) - 1; i >= 0; i-- {
			f.Run(p.(kernel.Plan).Tile(i, batch), x, tensors, s)
		}
		if !slices.Equal(out.Codes, want) {
			t.Fatalf("set %s, %+v, %+v: %d, want %d", set.Name, c, e, out.Codes, want)
		}
	}
}

// drawFusion returns an epilogue for the accumulators of a convolution, with multipliers like those of networks, and its
// tensors.
func drawFusion(t *testing.T, rng *rand.Rand, c kernel.Conv, weights []int8, rows int, terms []bool, front bool) (kernel.Epilogue, []kernel.Tensor) {
	r := &fixed.Requantizer{Hi: 1<<(1+rng.IntN(8)) - 1, Bias: make([]int64, c.OutC), AccBias: make([]int32, c.OutC), Shift: make([]uint8, c.OutC)}
	r.Zero = rng.Int32N(r.Hi + 1)
	if rng.IntN(2) == 0 {
		r.Lo = rng.Int32N(r.Hi)
	}
	e := kernel.Epilogue{Channels: c.OutC, R: r}
	var tensors []kernel.Tensor
	reach := int64(1)
	each := len(weights) / c.OutC
	for o := range c.OutC {
		reach = max(reach, fixed.DotBound(weights[o*each:][:each], -c.Zero, c.Max-c.Zero))
	}
	width := bits.Len64(uint64(reach)) + 1
	for i, codes := range terms {
		term := kernel.Term{Codes: codes, Bits: width}
		x := kernel.Tensor{}
		switch {
		case i == 0:
		case codes:
			term = kernel.Term{Codes: true, Zero: rng.Int32N(256)}
			x = kernel.Tensor{Zero: term.Zero, Codes: guarded[uint8](t, rows*c.OutC, front)}
			drawCodes(rng, x.Codes, 255)
		default:
			term.Bits = 0
			x.Wide = guarded[int32](t, rows*c.OutC, front)
			for k := range x.Wide {
				x.Wide[k] = rng.Int32N(int32(2*reach)) - int32(reach)
			}
		}
		e.Terms = append(e.Terms, term)
		if i > 0 {
			e.Others = append(e.Others, len(tensors))
			tensors = append(tensors, x)
		}
		r.M = append(r.M, make([]int64, c.OutC))
	}
	e.Output = len(tensors)
	tensors = append(tensors, kernel.Tensor{Codes: guarded[uint8](t, rows*c.OutC, front)})
	coarse := rng.IntN(4) == 0                 // multipliers that lead to many ties
	few := len(terms) == 1 && rng.IntN(2) == 0 // codes of few bits, whose steps are sums of 16 bits
	if few {
		r.Lo, r.Hi = 0, 1<<(1+rng.IntN(4))-1
		r.Zero = rng.Int32N(r.Hi + 1)
	}
	for o := range c.OutC {
		if few {
			r.Shift[o] = uint8(24 + rng.IntN(9))
			steep := int64(r.Hi) << r.Shift[o] / min(reach, 1<<13) * int64(1+rng.IntN(4))
			r.M[0][o] = (min(steep, 1<<(r.Shift[o]-3)) + rng.Int64N(1<<10)) * int64(1-2*rng.IntN(2))
			r.Bias[o] = rng.Int64N(int64(r.Hi)<<r.Shift[o]) - int64(r.Hi)<<(r.Shift[o]-1)
			continue
		}
		if coarse {
			power := rng.IntN(8)
			s := max(2, width-8) + power
			r.Shift[o] = uint8(s)
			for i, codes := range terms {
				r.M[i][o] = 1 << power
				if codes {
					r.M[i][o] = 1 << (s - rng.IntN(2))
				}
			}
			r.Bias[o] = rng.Int64N(9) << (s - 1)
			continue
		}
		s := min(60-24, width+24-rng.IntN(12))
		if rng.IntN(40) == 0 {
			s = 32 + rng.IntN(4)
		}
		r.Shift[o] = uint8(s)
		for i, codes := range terms {
			m := (rng.Int64N(1<<23) | 1<<23) * int64(1-2*rng.IntN(2))
			if codes {
				m <<= max(0, s-32)
				if r.Zero%4 > 0 { // as scales are
					m = max(m, -m)
				}
			}
			if rng.IntN(50) == 0 {
				m = 0
			}
			r.M[i][o] = m
		}
		r.Bias[o] = rng.Int64N(1<<(s+6)) - 1<<(s+5)
		if len(terms) == 1 {
			r.AccBias[o] = rng.Int32N(8)
		}
	}
	return e, tensors
}

// gather runs all tiles of a plan with own accumulators for each output, the last tile first, and puts the accumulators in
// one array, own × rows × channels.
func gather(t *testing.T, p kernel.Plan, c kernel.Conv, own int, x []uint8, batch int, front bool) []int32 {
	t.Helper()
	rows := batch * c.Pixels()
	all, done := make([]int32, own*rows*c.OutC), make([]bool, own*rows*c.OutC)
	needs := p.Needs()
	s := &kernel.Scratch{Wide: guarded[int32](t, needs.Wide, front), Sums: guarded[int64](t, needs.Sums, front), Bytes: guarded[uint8](t, needs.Bytes, front), Words: make([]uint64, needs.Words)}
	for i := range s.Bytes {
		s.Bytes[i] = 0xa5 // what an operator before left
	}
	for i := range s.Words {
		s.Words[i] = 0xa5a5
	}
	for i := p.Tiles(batch) - 1; i >= 0; i-- {
		tile := p.Tile(i, batch)
		if tile.Channel%16 != 0 {
			t.Fatalf("%+v of %+v does not start at a multiple of 16 channels", tile, c)
		}
		if own*tile.Rows*tile.Stride > p.MaxTile() || tile.Stride < tile.Channels {
			t.Fatalf("%+v exceeds %d accumulators", tile, p.MaxTile())
		}
		acc := guarded[int32](t, own*tile.Rows*tile.Stride, front)
		p.Accumulate(acc, x, tile, s)
		for k := range own {
			for r := range tile.Rows {
				for o := range tile.Channels {
					at := (k*rows+tile.Row+r)*c.OutC + tile.Channel + o
					if done[at] {
						t.Fatalf("%+v computes number %d again", tile, at)
					}
					all[at], done[at] = acc[(k*tile.Rows+r)*tile.Stride+o], true
				}
			}
		}
	}
	if slices.Contains(done, false) {
		t.Fatalf("tiles of %+v leave out number %d", c, slices.Index(done, false))
	}
	return all
}

// drawEpilogue returns a random epilogue of the given terms, each true for codes, of which the first are own accumulators,
// rows × channels for each, and the tensors it is about: the other terms and then the output.
func drawEpilogue(t *testing.T, rng *rand.Rand, channels, rows, own int, terms []bool, front bool) (kernel.Epilogue, []int32, []kernel.Tensor) {
	r := &fixed.Requantizer{Hi: 1<<(1+rng.IntN(8)) - 1, Bias: make([]int64, channels), AccBias: make([]int32, channels), Shift: make([]uint8, channels)}
	r.Zero = rng.Int32N(r.Hi + 1)
	e := kernel.Epilogue{Channels: channels, R: r}
	var acc []int32
	var tensors []kernel.Tensor
	bounds := make([][]int64, len(terms))
	for i, codes := range terms {
		reach := int32(1) << (4 + rng.IntN(26))
		term := kernel.Term{Codes: codes, Bits: bits.Len32(uint32(reach)) + 1}
		if codes {
			reach = 255
			term.Zero = rng.Int32N(256)
		}
		e.Terms = append(e.Terms, term)
		for range channels {
			bounds[i] = append(bounds[i], int64(reach))
		}
		x := kernel.Tensor{Zero: term.Zero}
		if codes {
			x.Codes = guarded[uint8](t, rows*channels, front)
			drawCodes(rng, x.Codes, 255)
		} else {
			x.Wide = guarded[int32](t, rows*channels, front)
			for k := range x.Wide {
				x.Wide[k] = rng.Int32N(2*reach+1) - reach
			}
		}
		if i < own {
			acc = append(acc, x.Wide...)
			continue
		}
		e.Others = append(e.Others, len(tensors))
		tensors = append(tensors, x)
	}
	e.Output = len(tensors)
	if rng.IntN(4) == 0 {
		r.Lo, r.Hi = -1<<30, 1<<30
		tensors = append(tensors, kernel.Tensor{Wide: guarded[int32](t, rows*channels, front)})
	} else {
		tensors = append(tensors, kernel.Tensor{Codes: guarded[uint8](t, rows*channels, front)})
	}

	least, most := 0, 62
	switch rng.IntN(3) {
	case 0: // small enough for ties
		most = 6
	case 1: // those of real networks
		least, most = 20, 34
	}
	for i := range terms {
		r.M = append(r.M, make([]int64, channels))
		for c := range channels {
			for { // multipliers that keep the sum within bounds
				if i == 0 {
					r.Shift[c] = uint8(least + rng.IntN(most-least+1))
				}
				spread := min(int64(1)<<r.Shift[c]/bounds[i][c], 1<<52)*int64(1+rng.IntN(300)) + 1
				r.M[i][c] = (rng.Int64N(spread) + 1) * int64(1-2*rng.IntN(2))
				if rng.IntN(20) == 0 {
					r.M[i][c] = 0
				}
				if n := bits.Len64(uint64(max(r.M[i][c], -r.M[i][c]))); terms[i] && n > 24 { // as of a float32, at the shift of another
					r.M[i][c] = r.M[i][c] >> (n - 24) << (n - 24)
				}
				if i == 0 {
					r.Bias[c] = rng.Int64N(int64(1)<<min(60, r.Shift[c]+8)) - int64(1)<<min(59, r.Shift[c]+7)
					if len(terms) == 1 {
						r.AccBias[c] = rng.Int32N(1<<10) - 1<<9
					}
				}
				m, limits := []int64{}, []int64{}
				for k := range i + 1 {
					m, limits = append(m, r.M[k][c]), append(limits, bounds[k][c]+1<<10)
				}
				if _, ok := fixed.SumBound(m, limits, r.Bias[c]); ok {
					break
				}
			}
		}
	}
	return e, acc, tensors
}

// TestFinishersAgree compares every fast epilogue with the reference.
func TestFinishersAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range rounds(600) {
		finishersAgree(t, rng, n)
	}
}

// finishersAgree draws an epilogue, n choosing its terms, and compares every fast finisher with the reference, and then
// with thresholds instead of the requantizer.
func finishersAgree(t *testing.T, rng *rand.Rand, n int) {
	t.Helper()
	forms := []struct {
		own   int
		terms []bool
	}{
		{1, []bool{false}}, {1, []bool{false, true}}, {1, []bool{false, false}}, {0, []bool{true, true}},
		{0, []bool{true, false}}, {0, []bool{false, false}}, {1, []bool{false, true, false}}, {0, []bool{true, true, true}},
		{2, []bool{false, false}}, {3, []bool{false, false, false}}, {2, []bool{false, false, true}}, {0, []bool{true}}, {0, []bool{false}},
	}
	form := forms[n%len(forms)]
	channels, rows, front := 1+rng.IntN(40), 1+rng.IntN(9), rng.IntN(2) == 0
	if rng.IntN(8) == 0 { // many rows or channels
		channels, rows = 1+rng.IntN(300), 1+rng.IntN(100)
	}
	if rng.IntN(8) == 0 { // whole registers of channels
		channels = 16 << rng.IntN(3)
	}
	e, acc, tensors := drawEpilogue(t, rng, channels, rows, form.own, form.terms, front)
	compareFinishers(t, e, rows, acc, tensors, front, func(set kernel.Set) kernel.Finisher { return set.Finish(e) })
	byImage, withSteps := drawSteps(rng, e, rows, tensors)
	compareFinishers(t, byImage, rows, acc, withSteps, front, func(set kernel.Set) kernel.Finisher { return set.Finish(byImage) })
	e.T, e.R, tensors[e.Output] = drawThresholds(rng, &e, rows, acc, tensors), nil, kernel.Tensor{Codes: guarded[uint8](t, rows*channels, front)}
	compareFinishers(t, e, rows, acc, tensors, front, func(set kernel.Set) kernel.Finisher { return set.Compare(e) })
}

// drawSteps returns the epilogue with steps of their own for the images of some terms, and the tensors with those.
func drawSteps(rng *rand.Rand, e kernel.Epilogue, rows int, tensors []kernel.Tensor) (kernel.Epilogue, []kernel.Tensor) {
	r := *e.R
	r.AccBias, r.Divisors = make([]int32, e.Channels), make([]int32, len(e.Terms))
	e.R, e.Pixels, e.Steps = &r, 1+rng.IntN(rows), make([]int, len(e.Terms))
	tensors = slices.Clone(tensors)
	for i := range e.Terms {
		if e.Steps[i] = -1; i > 0 && rng.IntN(2) == 0 {
			continue
		}
		r.Divisors[i], e.Steps[i] = 1+rng.Int32N(255), len(tensors)
		var x kernel.Tensor
		for range (rows + e.Pixels - 1) / e.Pixels {
			x.Steps = append(x.Steps, fixed.Step{N: rng.Int32() >> rng.IntN(31), D: min(255, r.Divisors[i]+rng.Int32N(8))})
		}
		tensors = append(tensors, x)
	}
	return e, tensors
}

// compareFinishers compares every fast finisher with the reference.
func compareFinishers(t *testing.T, e kernel.Epilogue, rows int, acc []int32, tensors []kernel.Tensor, front bool, prepare func(set kernel.Set) kernel.Finisher) {
	t.Helper()
	channels, out := e.Channels, &tensors[e.Output]
	run := func(set kernel.Set) ([]uint8, []int32) {
		for i := range out.Codes {
			out.Codes[i] = 0xa5
		}
		clear(out.Wide)
		f := prepare(set)
		s := kernel.NewScratch(f.Needs())
		for i := range s.Sums {
			s.Sums[i] = -1 // what an operator before left
		}
		for first := 0; first < rows; {
			tile := kernel.Tile{Row: first, Rows: min(4+first, rows-first), Channels: channels, Stride: channels + first%3}
			part := guarded[int32](t, e.Own()*tile.Rows*tile.Stride, front)
			for k := range e.Own() {
				for r := range tile.Rows {
					copy(part[(k*tile.Rows+r)*tile.Stride:], acc[(k*rows+first+r)*channels:][:channels])
				}
			}
			for tile.Channel = 0; tile.Channel < channels; tile.Channel += tile.Channels {
				tile.Channels = min(channels-tile.Channel, 16*(1+first%3))
				f.Finish(tile, part[min(tile.Channel, len(part)):], tensors, s)
			}
			first += tile.Rows
		}
		return slices.Clone(out.Codes), slices.Clone(out.Wide)
	}
	sets, reference := fast()
	codes, wide := run(reference)
	for _, set := range sets {
		if gotCodes, gotWide := run(set); !slices.Equal(gotCodes, codes) || !slices.Equal(gotWide, wide) {
			t.Fatalf("set %s, %+v: %d %d, want %d %d", set.Name, e, gotCodes, gotWide, codes, wide)
		}
	}
}

// drawThresholds returns thresholds at the sums of some outputs of an epilogue, or one above.
func drawThresholds(rng *rand.Rand, e *kernel.Epilogue, rows int, acc []int32, tensors []kernel.Tensor) *fixed.Thresholds {
	h := &fixed.Thresholds{M: e.R.M}
	for range 1 + rng.IntN(4) {
		h.T = append(h.T, make([]int64, e.Channels))
	}
	for c := range e.Channels {
		for _, levels := range h.T {
			i := rng.IntN(rows)*e.Channels + c
			for k, m := range h.M {
				if k < e.Own() {
					levels[c] += int64(acc[k*rows*e.Channels+i]) * m[c]
				} else {
					levels[c] += tensors[e.Others[k-e.Own()]].Value(i) * m[c]
				}
			}
			levels[c] += rng.Int64N(2)
		}
	}
	return h
}

// TestFinishersRoundTies feeds the only accumulator of each channel that leads to a tie, and its neighbours, with real
// multipliers, to the fast epilogues: half of the ties round up.
func TestFinishersRoundTies(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	sets, reference := fast()
	const channels = 48
	for n := range rounds(200) {
		r := &fixed.Requantizer{Zero: rng.Int32N(200), Hi: 255, M: [][]int64{make([]int64, channels)}, Bias: make([]int64, channels), AccBias: make([]int32, channels), Shift: make([]uint8, channels)}
		acc := make([]int32, 3*channels)
		for c := range channels {
			s := 28 + rng.IntN(12)
			m := (rng.Int64N(1<<23) | 1<<23 | 1) * int64(1-2*rng.IntN(2)) >> rng.IntN(2)
			x, whole := rng.Int32N(1<<21)-1<<20, rng.Int64N(20)-10
			r.Shift[c], r.M[0][c] = uint8(s), m
			r.AccBias[c] = rng.Int32N(1<<10) - 1<<9
			r.Bias[c] = whole<<s + 1<<(s-1) - (int64(x)+int64(r.AccBias[c]))*m
			for k := range 3 {
				acc[k*channels+c] = x + int32(k) - 1
			}
		}
		e := kernel.Epilogue{Channels: channels, R: r, Terms: []kernel.Term{{Bits: 22}}}
		run := func(set kernel.Set) []uint8 {
			f, tensors := set.Finish(e), []kernel.Tensor{{Codes: make([]uint8, len(acc))}}
			f.Finish(kernel.Tile{Rows: 3, Channels: channels, Stride: channels}, acc, tensors, kernel.NewScratch(f.Needs()))
			return tensors[0].Codes
		}
		want := run(reference)
		for _, set := range sets {
			if got := run(set); !slices.Equal(got, want) {
				t.Fatalf("%d: set %s, %+v on %d: %d, want %d", n, set.Name, r, acc, got, want)
			}
		}
	}
}

// TestPoolsAgree compares every fast pooling with the reference.
func TestPoolsAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range rounds(300) {
		poolsAgree(t, rng)
	}
}

// poolsAgree draws a window and compares every fast pooling with the reference.
func poolsAgree(t *testing.T, rng *rand.Rand) {
	t.Helper()
	sets, reference := fast()
	c := drawConv(rng, true)
	c.OutC, c.Groups = c.InC, 0
	batch, front := 1+rng.IntN(2), rng.IntN(2) == 0
	x := guarded[uint8](t, batch*c.InLen(), front)
	drawCodes(rng, x, c.Max)
	rows := batch * c.Pixels()
	most := func(set kernel.Set, c kernel.Conv) []uint8 {
		out := guarded[uint8](t, rows*c.OutC, front)
		for first := 0; first < rows; first += 7 {
			set.MaxPool(kernel.NewWindow(c), out, x, first, min(7, rows-first))
		}
		return out
	}
	inner := c // without padding
	inner.Top, inner.Left = 0, 0
	inner.KH, inner.KW = min(c.KH, c.InH), min(c.KW, c.InW)
	inner.OutH, inner.OutW = (c.InH-inner.KH)/c.StrideH+1, (c.InW-inner.KW)/c.StrideW+1
	sum := func(set kernel.Set, c kernel.Conv) []int32 {
		rows := batch * c.Pixels()
		out := guarded[int32](t, rows*c.OutC, front)
		for first := 0; first < rows; first += 5 {
			n := min(5, rows-first)
			set.SumPool(kernel.NewWindow(c), out[first*c.OutC:][:n*c.OutC], x, first, n)
		}
		return out
	}
	for _, set := range sets {
		if got, want := most(set, c), most(reference, c); !slices.Equal(got, want) {
			t.Fatalf("set %s, maximum of %+v: %d, want %d", set.Name, c, got, want)
		}
		if got, want := sum(set, inner), sum(reference, inner); !slices.Equal(got, want) {
			t.Fatalf("set %s, sum of %+v: %d, want %d", set.Name, inner, got, want)
		}
	}
}
