// SPDX-License-Identifier: Apache-2.0

package kernel_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// TestPooledAgree compares plans that take a max pooling with the reference's plan, finisher and pooling.
func TestPooledAgree(t *testing.T) {
	rng := rand.New(rand.NewPCG(13, 14))
	poolers, pooled := 0, 0
	for range rounds(120) {
		n, m := pooledAgree(t, rng)
		poolers, pooled = poolers+n, pooled+m
	}
	if 8*pooled < poolers {
		t.Errorf("%d of %d plans that can take poolings did", pooled, poolers)
	}
}

func FuzzPooled(f *testing.F) {
	fuzz(f, func(t *testing.T, rng *rand.Rand, _ int) { pooledAgree(t, rng) })
}

// pooledAgree draws a convolution whose lines and columns are pairs, its end and a max pooling of 2 × 2, or now and then of another
// kind, which no plan may take, and compares every plan with an end that takes the pooling with the reference. It returns how many can
// take some, and how many took this one.
func pooledAgree(t *testing.T, rng *rand.Rand) (poolers, pooled int) {
	t.Helper()
	sets, reference := fast()
	c := drawConv(rng, false)
	c.InC, c.OutC = min(c.InC, 20), 32*(1+rng.IntN(3))
	if rng.IntN(10) == 0 {
		c.InC, c.OutC = min(c.InC, 4), 288
	}
	c.OutH, c.OutW = 2*(1+rng.IntN(9)), 2*(1+rng.IntN(17))
	c.InH, c.InW = (c.OutH-1)*c.StrideH+c.KH-c.Top, (c.OutW-1)*c.StrideW+c.KW-c.Left
	batch, front := 1+rng.IntN(3), rng.IntN(2) == 0
	weights := drawWeights(rng, c.OutC*c.KH*c.KW*c.InC)
	x := guarded[uint8](t, batch*c.InLen(), front)
	drawCodes(rng, x, c.Max)
	e, tensors := drawFusion(t, rng, c, weights, batch*c.Pixels(), []bool{false}, front)
	if rng.IntN(8) > 0 { // else most ends have multipliers of both signs
		for o, m := range e.R.M[0] {
			e.R.M[0][o] = max(m, -m)
		}
	}
	w := c
	w.InH, w.InW, w.InC = c.OutH, c.OutW, c.OutC
	w.KH, w.KW, w.StrideH, w.StrideW, w.Top, w.Left = 2, 2, 2, 2, 0, 0
	w.OutH, w.OutW = c.OutH/2, c.OutW/2
	switch rng.IntN(16) {
	case 0:
		w.KH, w.Top = 3, 1
	case 1:
		w.StrideW, w.OutW = 1, c.OutW-1
	case 2:
		w.OutH = max(1, w.OutH-1)
	}
	window, output := kernel.NewWindow(w), len(tensors)
	tensors = append(tensors, kernel.Tensor{Codes: guarded[uint8](t, batch*w.Pixels()*w.OutC, front)})
	out := tensors[output].Codes

	finish := reference.Finish(e)
	acc := gather(t, reference.Plan(c, weights), c, 1, x, batch, front)
	finish.Finish(kernel.Tile{Rows: batch * c.Pixels(), Channels: c.OutC, Stride: c.OutC}, acc, tensors, kernel.NewScratch(finish.Needs()))
	kernel.MaxPool(window, out, tensors[e.Output].Codes, 0, batch*w.Pixels())
	want := slices.Clone(out)
	tensors[e.Output].Codes = nil // is not to be touched
	for _, set := range sets {
		p, ok := set.Plan(c, weights).(kernel.Fuser)
		if !ok {
			continue
		}
		whole, ok := p.Fuse(set.Finish(e)).(kernel.Pooler)
		if !ok {
			continue
		}
		poolers++
		f := whole.Pool(window, output)
		if f == nil {
			continue
		}
		pooled++
		for i := range out {
			out[i] = 0xa5
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
		if !slices.Equal(out, want) {
			t.Fatalf("set %s, %+v, %+v, %+v: %d, want %d", set.Name, c, e, w, out, want)
		}
	}
	return poolers, pooled
}
