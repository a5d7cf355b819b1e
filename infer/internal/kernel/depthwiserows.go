// SPDX-License-Identifier: Apache-2.0

//go:build (amd64 || arm64) && !purego

package kernel

//go:generate sh -c "cd _asm && ./generate.sh depthwise"
//go:generate sh -c "cd _asm && ./generate.sh depthwiseneon arm64"

// depthwiseRows is a depthwise convolution of at least 16 channels, 16 at a time.
type depthwiseRows struct {
	band
	offsets []int32 // in the buffer, of the taps; an even number, the last one repeated
	weights []int16 // see depthwiseRow
	start   []int32 // [channel]: -zero·Σ w
}

func newDepthwiseRows(c Conv, weights []int8) Plan {
	p := &depthwiseRows{band: band{c: c, width: 1}, start: make([]int32, c.OutC)}
	p.limit(min(tileWork/(c.KH*c.KW), tileAcc)/c.OutC, tileBuffer)
	taps := c.KH * c.KW
	for k := range (taps + 1) / 2 * 2 {
		tap := min(k, taps-1)
		p.offsets = append(p.offsets, int32(tap/c.KW*p.pitch()+tap%c.KW*c.InC))
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
			p.weights = appendPair(p.weights, &pair)
		}
	}
	for i, w := range weights {
		p.start[i/taps] -= c.Zero * int32(w)
	}
	return p
}

func (p *depthwiseRows) Name() string { return depthwiseName }

func (p *depthwiseRows) Tiles(batch int) int { return batch * p.perImage() }

func (p *depthwiseRows) Tile(i, _ int) Tile {
	t := Tile{Channels: p.c.OutC, Stride: p.c.OutC}
	t.Row, t.Rows = p.tile(i)
	return t
}

func (p *depthwiseRows) MaxTile() int { return p.lines * p.c.OutW * p.c.OutC }

func (p *depthwiseRows) Needs() Needs { return Needs{Bytes: p.height(p.lines) * p.pitch()} }

func (p *depthwiseRows) Accumulate(acc []int32, x []uint8, t Tile, s *Scratch) {
	p.copy(s.Bytes, x, t.Row, t.Rows)
	c := &p.c
	step := c.StrideW * c.InC
	for line := range t.Rows / c.OutW {
		out := acc[line*c.OutW*c.OutC:][:c.OutW*c.OutC]
		codes := s.Bytes[line*c.StrideH*p.pitch():]
		_ = codes[(c.OutW-1)*step+int(p.offsets[len(p.offsets)-1])+c.InC-1]
		depthwiseRow(&out[0], &codes[0], &p.offsets[0], len(p.offsets)/2, c.OutC, c.OutW, step, &p.weights[0], &p.start[0])
	}
}
