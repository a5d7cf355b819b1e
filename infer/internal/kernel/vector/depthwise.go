// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// DepthwiseRows is a depthwise convolution of at least 16 channels, 16 at a time.
type DepthwiseRows struct {
	Band
	loop    *Depthwise
	offsets []int32 // in the buffer, of the taps; an even number, the last one repeated
	weights []int16 // see Depthwise
	Start   []int32 // [channel]: -zero·Σ w
}

// NewDepthwise prepares a depthwise convolution of at least 16 channels.
func (p *Processor) NewDepthwise(c kernel.Conv, weights []int8) *DepthwiseRows {
	d := &DepthwiseRows{Band: Band{C: c, Width: 1}, loop: &p.Depthwise, Start: make([]int32, c.OutC)}
	d.Limit(min(TileWork/(c.KH*c.KW), TileAcc)/c.OutC, TileBuffer)
	taps := c.KH * c.KW
	for k := range (taps + 1) / 2 * 2 {
		tap := min(k, taps-1)
		d.offsets = append(d.offsets, int32(tap/c.KW*d.Pitch()+tap%c.KW*c.InC))
	}
	for first := 0; first < c.OutC; first += 16 {
		block := min(first, c.OutC-16)
		for k := 0; k < taps; k += 2 {
			var pair [2][16]int16
			for lane := range pair[0] {
				o := block + lane
				pair[0][lane] = int16(weights[o*taps+k])
				if k+1 < taps {
					pair[1][lane] = int16(weights[o*taps+k+1])
				}
			}
			d.weights = p.Depthwise.AppendPair(d.weights, &pair)
		}
	}
	for i, w := range weights {
		d.Start[i/taps] -= c.Zero * int32(w)
	}
	return d
}

func (p *DepthwiseRows) Name() string { return p.loop.Name }

func (p *DepthwiseRows) Tiles(batch int) int { return batch * p.PerImage() }

func (p *DepthwiseRows) Tile(i, _ int) kernel.Tile {
	t := kernel.Tile{Channels: p.C.OutC, Stride: p.C.OutC}
	t.Row, t.Rows = p.Band.Tile(i)
	return t
}

func (p *DepthwiseRows) MaxTile() int { return p.Lines * p.C.OutW * p.C.OutC }

func (p *DepthwiseRows) Needs() kernel.Needs {
	return kernel.Needs{Bytes: p.Height(p.Lines) * p.Pitch()}
}

func (p *DepthwiseRows) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	p.Copy(s.Bytes, x, t.Row, t.Rows)
	c := &p.C
	step := c.StrideW * c.InC
	for line := range t.Rows / c.OutW {
		out := acc[line*c.OutW*c.OutC:][:c.OutW*c.OutC]
		codes := s.Bytes[line*c.StrideH*p.Pitch():]
		_ = codes[(c.OutW-1)*step+int(p.offsets[len(p.offsets)-1])+c.InC-1]
		p.loop.Row(&out[0], &codes[0], &p.offsets[0], len(p.offsets)/2, c.OutC, c.OutW, step, &p.weights[0], &p.Start[0])
	}
}
