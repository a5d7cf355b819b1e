// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// A layer is a convolution of bundled networks: of size × size pixels and a kernel of as many lines as columns.
type layer struct {
	name                        string
	size, in, out, kernel, step int
	batch                       int
	residual                    bool
	few                         bool // codes and weights of 4 bits
}

var layers = append(wide, few...)

// few are layers of codes and weights of 4 bits, one for each blocking of a short end.
var few = []layer{
	{name: "resnet20 3x3x16, 4 bits", size: 32, in: 16, out: 16, kernel: 3, step: 1, batch: 1, few: true},
	{name: "resnet20 3x3x32, 4 bits", size: 16, in: 32, out: 32, kernel: 3, step: 1, batch: 1, few: true},
	{name: "resnet20 3x3x64, 4 bits", size: 8, in: 64, out: 64, kernel: 3, step: 1, batch: 1, few: true},
	{name: "3x3x48, 4 bits", size: 8, in: 16, out: 48, kernel: 3, step: 1, batch: 1, few: true},
	{name: "mobilenet 1x1 16 to 32, 4 bits", size: 32, in: 16, out: 32, kernel: 1, step: 1, batch: 1, few: true},
	{name: "mobilenet 1x1x64, 4 bits", size: 16, in: 64, out: 64, kernel: 1, step: 1, batch: 1, few: true},
	{name: "mobilenet 1x1x256, 4 bits", size: 4, in: 256, out: 256, kernel: 1, step: 1, batch: 1, few: true},
}

var wide = []layer{
	{"resnet20 first", 32, 3, 16, 3, 1, 1, false, false},
	{"resnet20 3x3x16", 32, 16, 16, 3, 1, 1, false, false},
	{"resnet20 3x3x16 residual", 32, 16, 16, 3, 1, 1, true, false},
	{"resnet20 3x3x32", 16, 32, 32, 3, 1, 1, false, false},
	{"resnet20 3x3x32 residual", 16, 32, 32, 3, 1, 1, true, false},
	{"resnet20 3x3x64", 8, 64, 64, 3, 1, 1, false, false},
	{"resnet20 3x3x64 residual", 8, 64, 64, 3, 1, 1, true, false},
	{"resnet20 16 to 32", 32, 16, 32, 3, 2, 1, false, false},
	{"resnet20 32 to 64", 16, 32, 64, 3, 2, 1, false, false},
	{"lenet conv1", 28, 1, 32, 5, 1, 1, false, false},
	{"lenet conv2", 14, 32, 64, 5, 1, 1, false, false},
	{"lenet fc1", 1, 3136, 512, 1, 1, 1, false, false},
	{"lenet fc1, 7 images", 1, 3136, 512, 1, 1, 7, false, false},
	{"lenet fc1, 32 images", 1, 3136, 512, 1, 1, 32, false, false},
	{"lenet fc2", 1, 512, 10, 1, 1, 32, false, false},
	{"mobilenet 1x1 16 to 32", 32, 16, 32, 1, 1, 1, false, false},
	{"mobilenet 1x1x64", 16, 64, 64, 1, 1, 1, false, false},
	{"mobilenet 1x1x256", 4, 256, 256, 1, 1, 1, false, false},
	{"3x3 56x56x64", 56, 64, 64, 3, 1, 1, false, false},
	{"matrix 1024", 32, 1024, 1024, 1, 1, 1, false, false},
}

func (l *layer) conv() kernel.Conv {
	return kernel.Conv{
		InH: l.size, InW: l.size, InC: l.in, OutH: l.size / l.step, OutW: l.size / l.step, OutC: l.out, KH: l.kernel, KW: l.kernel,
		StrideH: l.step, StrideW: l.step, Top: l.kernel / 2, Left: l.kernel / 2, Groups: 1, Max: 255,
	}
}

// A run is a layer prepared by a set, with what it reads and writes.
type run struct {
	c       kernel.Conv
	batch   int
	plan    kernel.Plan
	finish  kernel.Finisher
	fused   kernel.Fused
	x       []uint8
	tensors []kernel.Tensor
	scratch *kernel.Scratch
}

// prepare draws the layer, the same for every set.
func (l *layer) prepare(set kernel.Set) *run {
	c, rng := l.conv(), rand.New(rand.NewPCG(1, 1))
	r := &run{c: c, batch: l.batch, x: make([]uint8, l.batch*c.InLen())}
	weights := make([]int8, c.OutC*c.KH*c.KW*c.InC)
	for i := range r.x {
		r.x[i] = uint8(rng.Uint32())
	}
	for i := range weights {
		weights[i] = int8(rng.Uint32())
	}
	q := &fixed.Requantizer{Zero: 128, Hi: 255, M: [][]int64{make([]int64, c.OutC)}, Bias: make([]int64, c.OutC), AccBias: make([]int32, c.OutC), Shift: slices.Repeat([]uint8{36}, c.OutC)}
	e := kernel.Epilogue{Channels: c.OutC, R: q, Terms: []kernel.Term{{Bits: 28}}}
	if l.few {
		l.draw4(rng, r.x, weights, &e)
	}
	n := l.batch * c.Pixels() * c.OutC
	if l.residual {
		q.M = append(q.M, slices.Repeat([]int64{1<<34 + 1<<4}, c.OutC))
		e.Terms, e.Others = append(e.Terms, kernel.Term{Codes: true}), []int{0}
		r.tensors = append(r.tensors, kernel.Tensor{Codes: make([]uint8, n)})
		for i := range n {
			r.tensors[0].Codes[i] = uint8(rng.Uint32())
		}
	}
	e.Output = len(r.tensors)
	r.tensors = append(r.tensors, kernel.Tensor{Codes: make([]uint8, n)})
	for o := range c.OutC {
		if q.M[0][o] == 0 {
			q.M[0][o] = 1<<23 + 2*rng.Int64N(1<<22) + 1
		}
	}
	r.plan, r.finish = set.Plan(c, weights), set.Finish(e)
	needs := r.plan.Needs().Max(r.finish.Needs()).Max(kernel.Needs{Acc: r.plan.MaxTile()})
	if p, ok := r.plan.(kernel.Fuser); ok {
		if r.fused = p.Fuse(r.finish); r.fused != nil {
			needs = needs.Max(r.fused.Needs())
		}
	}
	r.scratch = kernel.NewScratch(needs)
	return r
}

// draw4 draws codes and weights of 4 bits, and multipliers by which most sums become codes within the limits.
func (l *layer) draw4(rng *rand.Rand, x []uint8, weights []int8, e *kernel.Epilogue) {
	for i := range x {
		x[i] = uint8(rng.IntN(16))
	}
	for i := range weights {
		weights[i] = int8(rng.IntN(15) - 7)
	}
	root := int64(1)
	for root*root < int64(len(weights)/l.out) {
		root++
	}
	e.R.Zero, e.R.Hi, e.Terms[0].Bits = 0, 15, 17
	for o := range l.out {
		e.R.M[0][o], e.R.Shift[o] = 1<<32/(8*root)+2*rng.Int64N(1<<24)+1, 32
		e.R.Bias[o] = rng.Int64N(4<<32) - 2<<32
	}
}

// out is what codes writes.
func (r *run) out() []uint8 { return r.tensors[len(r.tensors)-1].Codes }

// codes runs the layer.
func (r *run) codes() {
	for i := range r.plan.Tiles(r.batch) {
		t := r.plan.Tile(i, r.batch)
		if r.fused != nil {
			r.fused.Run(t, r.x, r.tensors, r.scratch)
			continue
		}
		r.plan.Accumulate(r.scratch.Acc, r.x, t, r.scratch)
		r.finish.Finish(t, r.scratch.Acc, r.tensors, r.scratch)
	}
}

// sums computes the sums of the layer alone.
func (r *run) sums() {
	for i := range r.plan.Tiles(r.batch) {
		r.plan.Accumulate(r.scratch.Acc, r.x, r.plan.Tile(i, r.batch), r.scratch)
	}
}

// TestGains checks which layers take tiles: those that were measured to gain by them.
func TestGains(t *testing.T) {
	without := []string{"lenet fc2"}
	for _, l := range layers {
		if got, want := gains(l.conv()), !slices.Contains(without, l.name); got != want {
			t.Errorf("%s: gains %t, want %t", l.name, got, want)
		}
	}
	for _, width := range []int{17, 19, 23} { // whose lines are not cut in tiles of several rows
		l := layer{size: width, in: 64, out: 64, kernel: 3, step: 1}
		if gains(l.conv()) {
			t.Errorf("lines of %d pixels take tiles of %d rows", width, tall(l.conv()))
		}
	}
}

// TestWithoutPermission proves that no plan of the set is of tiles where they are not permitted.
func TestWithoutPermission(t *testing.T) {
	if permit() == nil {
		t.Skip("the tiles of AMX are permitted here")
	}
	for _, l := range layers {
		c := l.conv()
		weights := make([]int8, c.OutC*c.KH*c.KW*c.InC)
		for _, plan := range []kernel.Plan{Set.Plan(c, weights), Set.Packed(c, weights)} {
			if p, ok := plan.(*dotPlan); ok {
				t.Errorf("%s has the plan %s", l.name, p.Name())
			}
		}
	}
	if sets := TestSets(); len(sets) != 1 || sets[0].Name != "amx, emulated" {
		t.Errorf("%d sets for tests", len(sets))
	}
}

// macs is the work of a layer.
func (l *layer) macs() int {
	c := l.conv()
	return l.batch * c.Pixels() * c.OutC * c.KH * c.KW * c.InC
}

// TestLayersAgree compares layers of networks with portable Go.
func TestLayersAgree(t *testing.T) {
	for _, l := range layers {
		if l.macs() > 1<<26 { // takes long in Go
			continue
		}
		want := l.prepare(kernel.Generic)
		want.codes()
		for _, set := range TestSets() {
			got := l.prepare(set)
			if got.fused == nil && l.out%lanes == 0 {
				t.Errorf("set %s: %s writes sums", set.Name, l.name)
			}
			if d, ok := got.fused.(*dotCodes); ok && d.end.Short != l.few {
				t.Errorf("set %s: the end of %s is short: %t", set.Name, l.name, d.end.Short)
			}
			got.codes()
			if !slices.Equal(got.out(), want.out()) {
				t.Errorf("set %s: %s differs", set.Name, l.name)
			}
		}
	}
}

// TestGreatMultipliers feeds signs, whose few and small sums can be many codes each: powers of two are left out of multipliers.
func TestGreatMultipliers(t *testing.T) {
	c := kernel.Conv{InH: 8, InW: 8, InC: 16, OutH: 8, OutW: 8, OutC: 32, KH: 3, KW: 3, StrideH: 1, StrideW: 1, Top: 1, Left: 1, Groups: 1, Max: 1}
	rng := rand.New(rand.NewPCG(3, 3))
	x, weights, other := make([]uint8, c.InLen()), make([]int8, c.OutC*c.KH*c.KW*c.InC), make([]uint8, c.Pixels()*c.OutC)
	for i := range x {
		x[i] = uint8(rng.IntN(2))
	}
	for i := range weights {
		weights[i] = int8(1 - 2*rng.IntN(2))
	}
	for i := range other {
		other[i] = uint8(rng.Uint32())
	}
	for terms := 1; terms <= 2; terms++ {
		for _, shift := range [3][]uint8{1: {14, 18, 24}, 2: {24, 26}}[terms] {
			q := &fixed.Requantizer{Zero: 121, Hi: 255, Bias: make([]int64, c.OutC), AccBias: make([]int32, c.OutC), Shift: slices.Repeat([]uint8{shift}, c.OutC)}
			e := kernel.Epilogue{Channels: c.OutC, Output: 1, R: q, Terms: []kernel.Term{{Bits: 9}, {Codes: true, Zero: 121}}[:terms], Others: []int{0}[:terms-1]}
			for i := range terms {
				q.M = append(q.M, make([]int64, c.OutC))
				for o := range c.OutC {
					q.M[i][o] = 1<<23 + 2*rng.Int64N(1<<22) + 1
				}
			}
			if terms > 1 {
				for o := range c.OutC {
					q.M[0][o] <<= 6 // those of the codes of a residual are less
				}
			}
			codes := func(set kernel.Set) ([]uint8, kernel.Fused) {
				plan, finish := set.Plan(c, weights), set.Finish(e)
				tensors := []kernel.Tensor{{Codes: other, Zero: 121}, {Codes: make([]uint8, len(other)), Zero: 121}}
				s := kernel.NewScratch(plan.Needs().Max(finish.Needs()))
				p, ok := plan.(kernel.Fuser)
				if !ok {
					acc := make([]int32, plan.MaxTile())
					for i := range plan.Tiles(1) {
						plan.Accumulate(acc, x, plan.Tile(i, 1), s)
						finish.Finish(plan.Tile(i, 1), acc, tensors, s)
					}
					return tensors[1].Codes, nil
				}
				fused := p.Fuse(finish)
				if fused == nil {
					t.Fatalf("set %s, %d terms, shift %d: no end", set.Name, terms, shift)
				}
				s = kernel.NewScratch(fused.Needs())
				for i := range plan.Tiles(1) {
					fused.Run(plan.Tile(i, 1), x, tensors, s)
				}
				return tensors[1].Codes, fused
			}
			want, _ := codes(kernel.Generic)
			for _, set := range TestSets() {
				got, fused := codes(set)
				if !slices.Equal(got, want) {
					t.Errorf("set %s, %d terms, shift %d: codes differ", set.Name, terms, shift)
				}
				if d := fused.(*dotCodes); d.end.Powers == 0 {
					t.Errorf("set %s, %d terms, shift %d: multipliers fit", set.Name, terms, shift)
				}
			}
		}
	}
}

// TestColumns compares layers of few channels, whose lines become columns, with portable Go: kernels of 4 to 8 lines, padding on
// all sides or none, steps, and lines that pairs of pixels fill.
func TestColumns(t *testing.T) {
	for _, c := range []kernel.Conv{
		{InH: 9, InW: 16, InC: 1, OutH: 8, OutW: 16, OutC: 16, KH: 4, KW: 3, StrideH: 1, StrideW: 1, Top: 1, Left: 1},
		{InH: 32, InW: 32, InC: 3, OutH: 32, OutW: 32, OutC: 16, KH: 5, KW: 3, StrideH: 1, StrideW: 1, Top: 2, Left: 1},
		{InH: 33, InW: 21, InC: 2, OutH: 15, OutW: 10, OutC: 32, KH: 5, KW: 3, StrideH: 2, StrideW: 2, Top: 1, Left: 0},
		{InH: 20, InW: 17, InC: 1, OutH: 13, OutW: 14, OutC: 48, KH: 8, KW: 4, StrideH: 1, StrideW: 1},
		{InH: 12, InW: 12, InC: 8, OutH: 9, OutW: 11, OutC: 16, KH: 4, KW: 2, StrideH: 1, StrideW: 1},
		{InH: 40, InW: 40, InC: 3, OutH: 40, OutW: 40, OutC: 64, KH: 4, KW: 5, StrideH: 1, StrideW: 1, Top: 2, Left: 2},
	} {
		c.Groups, c.Zero, c.Max = 1, 77, 255
		if !columns(c) {
			t.Errorf("%+v has no columns", c)
		}
		rng := rand.New(rand.NewPCG(5, 5))
		x, weights := make([]uint8, 2*c.InLen()), make([]int8, c.OutC*c.KH*c.KW*c.InC)
		for i := range x {
			x[i] = uint8(rng.Uint32())
		}
		for i := range weights {
			weights[i] = int8(rng.Uint32())
		}
		sums := func(set kernel.Set) []int32 {
			p := set.Plan(c, weights)
			s, acc, all := kernel.NewScratch(p.Needs()), make([]int32, p.MaxTile()), make([]int32, 2*c.Pixels()*c.OutC)
			for i := range p.Tiles(2) {
				tile := p.Tile(i, 2)
				p.Accumulate(acc, x, tile, s)
				for r := range tile.Rows {
					copy(all[(tile.Row+r)*c.OutC+tile.Channel:][:tile.Channels], acc[r*tile.Stride:])
				}
			}
			return all
		}
		want := sums(kernel.Generic)
		for _, set := range TestSets() {
			if !slices.Equal(sums(set), want) {
				t.Errorf("set %s: %+v differs", set.Name, c)
			}
		}
	}
}

// TestNothingIsAllocated runs the smaller layers, of every blocking and end.
func TestNothingIsAllocated(t *testing.T) {
	for _, l := range layers {
		if l.macs() > 1<<22 {
			continue
		}
		for _, set := range TestSets() {
			r := l.prepare(set)
			if n := testing.AllocsPerRun(10, r.codes) + testing.AllocsPerRun(10, r.sums); n > 0 {
				t.Errorf("set %s: %s allocates %v times", set.Name, l.name, n)
			}
		}
	}
}

// TestLargeSums feeds weights whose sums fit int32 with their start and not without.
func TestLargeSums(t *testing.T) {
	c := kernel.Conv{InH: 1, InW: 1, InC: 66000, OutH: 1, OutW: 1, OutC: 16, KH: 1, KW: 1, StrideH: 1, StrideW: 1, Groups: 1, Zero: 128, Max: 255}
	x, weights := slices.Repeat([]uint8{255}, c.InC), slices.Repeat([]int8{-128}, c.OutC*c.InC)
	want := -127 * 128 * int32(c.InC)
	for _, set := range TestSets() {
		p := set.Plan(c, weights).(*dotPlan)
		if p.fits {
			t.Errorf("set %s: sums to %d fit", set.Name, 255*128*c.InC)
		}
		r := &fixed.Requantizer{Hi: 255, M: [][]int64{slices.Repeat([]int64{1<<23 + 1}, c.OutC)}, Bias: make([]int64, c.OutC), AccBias: make([]int32, c.OutC), Shift: slices.Repeat([]uint8{40}, c.OutC)}
		if p.Fuse(set.Finish(kernel.Epilogue{Channels: c.OutC, R: r, Terms: []kernel.Term{{Bits: 31}}})) != nil {
			t.Errorf("set %s: such sums become codes at once", set.Name)
		}
		acc := make([]int32, p.MaxTile())
		p.Accumulate(acc, x, p.Tile(0, 1), kernel.NewScratch(p.Needs()))
		if acc[0] != want || acc[15] != want {
			t.Errorf("set %s: %d and %d, want %d", set.Name, acc[0], acc[15], want)
		}
	}
}
