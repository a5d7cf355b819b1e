// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

// DepthwiseRows is a depthwise convolution of at least 16 channels, 16 at a time.
type DepthwiseRows struct {
	Band
	loop    *Depthwise
	offsets []int32 // in the buffer, of the taps; an even number, the last one repeated
	line    bool    // Line computes them
	weights []int16 // see Depthwise
	Start   []int32 // [channel]: -zero·Σ w
}

// IsDepthwise says whether a convolution can be one of DepthwiseRows.
func IsDepthwise(c kernel.Conv) bool { return c.Groups == c.InC && c.Groups == c.OutC && c.InC >= 16 }

// NewDepthwise prepares a depthwise convolution of at least 16 channels.
func (p *Processor) NewDepthwise(c kernel.Conv, weights []int8) *DepthwiseRows {
	d := &DepthwiseRows{Band: Band{C: c, Width: 1}, loop: &p.Depthwise, Start: make([]int32, c.OutC)}
	d.Limit(min(TileWork/(c.KH*c.KW), TileAcc)/c.OutC, TileBuffer)
	taps := c.KH * c.KW
	pairs := linePairs
	if d.line = p.Depthwise.Line != nil && c.KH == 3 && c.KW == 3 && c.StrideW == 1; !d.line {
		pairs = d.rowPairs()
	}
	for first := 0; first < c.OutC; first += 16 {
		block := min(first, c.OutC-16)
		for _, pair := range pairs {
			var words [2][16]int16
			for i, tap := range pair {
				for lane := range words[i] {
					if tap >= 0 {
						words[i][lane] = int16(weights[(block+lane)*taps+tap])
					}
				}
			}
			d.weights = p.Depthwise.AppendPair(d.weights, &words)
		}
	}
	for i, w := range weights {
		d.Start[i/taps] -= c.Zero * int32(w)
	}
	return d
}

// linePairs are the taps of the pairs of Depthwise.Line, -1 for none.
var linePairs = [][2]int{{0, 3}, {1, 4}, {2, 5}, {6, 7}, {-1, 8}}

// rowPairs returns the taps of the pairs of Depthwise.Row, and sets their offsets.
func (p *DepthwiseRows) rowPairs() (pairs [][2]int) {
	taps := p.C.KH * p.C.KW
	for k := range (taps + 1) / 2 * 2 {
		tap := min(k, taps-1)
		p.offsets = append(p.offsets, int32(tap/p.C.KW*p.Pitch()+tap%p.C.KW*p.C.InC))
		if k%2 == 1 {
			pairs = append(pairs, [2]int{k - 1, k})
		}
	}
	if taps%2 == 1 {
		pairs[len(pairs)-1][1] = -1
	}
	return pairs
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
		if p.line {
			_ = codes[2*p.Pitch()+(c.OutW+2)*c.InC-1]
			p.loop.Line(&out[0], &codes[0], p.Pitch(), c.OutC, c.OutW, &p.weights[0], &p.Start[0])
			continue
		}
		_ = codes[(c.OutW-1)*step+int(p.offsets[len(p.offsets)-1])+c.InC-1]
		p.loop.Row(&out[0], &codes[0], &p.offsets[0], len(p.offsets)/2, c.OutC, c.OutW, step, &p.weights[0], &p.Start[0])
	}
}
