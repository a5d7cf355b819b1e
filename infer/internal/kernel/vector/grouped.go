// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// grouped is a convolution of groups of channels as convolutions of one group, each of several groups that are next to each
// other: their outputs share a panel, in which weights of 0 keep them apart. A convolution reads a band with its padding, and
// of each pixel the channels of its groups.
type grouped struct {
	Band        // of the channels of one convolution
	in, out int // channels of all
	plans   []kernel.Plan
	needs   kernel.Needs // of one of the plans
	tile    int          // accumulators of a tile of one of the plans
}

// newGrouped prepares a convolution of groups by convolutions of one, of at most so many output channels if that can be.
func newGrouped(c kernel.Conv, weights []int8, most int, dot func(c kernel.Conv, weights []int8) kernel.Plan) kernel.Plan {
	together := 1
	for n := 2; n <= c.Groups && n*c.OutC/c.Groups <= most; n++ {
		if c.Groups%n == 0 {
			together = n
		}
	}
	b := c
	b.InC, b.OutC, b.Groups = c.InC/c.Groups*together, c.OutC/c.Groups*together, 1
	size := len(weights) / c.OutC * b.OutC
	if together == c.Groups {
		return dot(b, spread(b, weights, together))
	}
	p := &grouped{Band: Band{C: b, Width: 1}, in: c.InC, out: c.OutC}
	p.Limit(min(TileWork/(c.KH*c.KW*b.InC), TileAcc)/c.OutC, TileBuffer)
	b.InH, b.InW, b.OutH, b.Top, b.Left = p.Height(p.Lines), p.Pitch()/b.InC, p.Lines, 0, 0
	for ; len(weights) > 0; weights = weights[size:] {
		plan := dot(b, spread(b, weights[:size], together))
		p.plans = append(p.plans, plan)
		p.needs = p.needs.Max(plan.Needs())
		p.tile = max(p.tile, plan.MaxTile())
	}
	return p
}

// spread returns the weights of so many groups as those of one.
func spread(c kernel.Conv, weights []int8, groups int) []int8 {
	if groups == 1 {
		return weights
	}
	in, out, taps := c.InC/groups, c.OutC/groups, c.KH*c.KW
	wide := make([]int8, c.OutC*taps*c.InC)
	for o := range c.OutC {
		for tap := range taps {
			copy(wide[(o*taps+tap)*c.InC+o/out*in:], weights[(o*taps+tap)*in:][:in])
		}
	}
	return wide
}

func (p *grouped) Name() string { return kernel.NameOf(p.plans[0], "") }

func (p *grouped) Tiles(batch int) int { return batch * p.PerImage() }

func (p *grouped) Tile(i, _ int) kernel.Tile {
	t := kernel.Tile{Channels: p.out, Stride: p.out}
	t.Row, t.Rows = p.Band.Tile(i)
	return t
}

func (p *grouped) MaxTile() int { return p.Lines * p.C.OutW * p.out }

func (p *grouped) Needs() kernel.Needs {
	n := p.needs
	n.Bytes += p.Height(p.Lines) * p.Pitch()
	n.Wide += p.tile
	return n
}

func (p *grouped) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	band, sums := s.Bytes[p.needs.Bytes:], s.Wide[p.needs.Wide:]
	pixels := p.C.InH * p.C.InW
	x = x[t.Row/p.C.Pixels()*pixels*p.in:][:pixels*p.in]
	for k, plan := range p.plans {
		p.CopyLines(band, t.Row, t.Rows, func(line []uint8, first, columns int) {
			gather(line, x[first*p.in+k*p.C.InC:], p.C.InC, p.in)
		})
		for i := range plan.Tiles(1) {
			u := plan.Tile(i, 1)
			if u.Rows = min(u.Rows, t.Rows-u.Row); u.Rows <= 0 { // the last band of an image can have fewer lines
				continue
			}
			plan.Accumulate(sums, band, u, s)
			for r := range u.Rows {
				copy(acc[(u.Row+r)*p.out+k*p.C.OutC+u.Channel:], sums[r*u.Stride:][:u.Channels])
			}
		}
	}
}

// gather fills dst with the first n of every so many codes.
func gather(dst, codes []uint8, n, every int) {
	if n == 16 {
		for ; len(dst) >= 16; dst = dst[16:] {
			*(*[16]uint8)(dst) = [16]uint8(codes)
			codes = codes[min(every, len(codes)):]
		}
		return
	}
	for ; len(dst) > 0; dst = dst[n:] {
		copy(dst[:n], codes)
		codes = codes[min(every, len(codes)):]
	}
}
