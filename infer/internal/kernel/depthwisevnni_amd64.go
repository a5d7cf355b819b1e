// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

//go:generate sh -c "cd _asm && ./generate.sh depthwisevnni"

// depthwiseVNNI is a depthwise convolution that ends in codes where it can: blocks of codes next to each other, four
// taps at a time by VPDPBUSD, are requantized in registers.
type depthwiseVNNI struct {
	*depthwiseAVX2
	weights []int8 // [channel][tap]
}

func newDepthwiseVNNI(c Conv, weights []int8) Plan {
	return &depthwiseVNNI{newDepthwiseAVX2(c, weights).(*depthwiseAVX2), weights}
}

// depthwiseCodes is the product with its end.
type depthwiseCodes struct {
	*band
	finish               *vnniFinish
	width                int // of a block, in codes
	blocks, pixels, step int // of a line, see depthwiseVNNI64
	offsets              []int32
	weights              []int8
	table                []int64
}

// Fuse implements Fuser, for 16 channels and multiples.
func (p *depthwiseVNNI) Fuse(f Finisher) Fused {
	c := &p.c
	finish, ok := f.(*vnniFinish)
	if !ok || finish.ties || len(finish.terms) != 1 || c.OutC%vnniLanes != 0 || c.KH*c.KW*255*128 >= 1<<31 {
		return nil
	}
	d := &depthwiseCodes{band: &p.band, finish: finish}
	d.cut()
	taps := c.KH * c.KW
	for k := range (taps + 3) / 4 * 4 {
		tap := min(k, taps-1) // those behind the last meet weights of 0
		d.offsets = append(d.offsets, int32(tap/c.KW*p.pitch()+tap%c.KW*c.InC))
	}
	for first := 0; first < d.blocks*d.width; first += d.width {
		for group := 0; group < taps; group += 4 {
			for v := range 4 {
				for lane := range d.width / 4 {
					for k := group; k < group+4; k++ {
						w := int8(0)
						if k < taps {
							w = p.weights[d.channel(first, v, lane)*taps+k]
						}
						d.weights = append(d.weights, w)
					}
				}
			}
		}
		for v := range 4 {
			d.addConstants(p.start, func(lane int) int { return d.channel(first, v, lane) })
		}
	}
	return d
}

// cut chooses the blocks: of channels, or where these are few, of channels of pixels next to each other.
func (d *depthwiseCodes) cut() {
	c := &d.c
	for d.width = 64; ; d.width /= 2 {
		switch {
		case c.OutC%d.width == 0:
			d.blocks, d.pixels, d.step = c.OutC/d.width, c.OutW, c.StrideW*c.InC
			return
		case c.StrideW == 1 && d.width%c.OutC == 0 && c.OutW*c.OutC%d.width == 0:
			d.blocks, d.pixels, d.step = 1, c.OutW*c.OutC/d.width, d.width
			return
		}
	}
}

// channel returns the channel of a lane of vector v of the block of codes from first.
func (d *depthwiseCodes) channel(first, v, lane int) int {
	return (first + lane/4*16 + 4*v + lane%4) % d.c.OutC
}

// addConstants adds a vector's constants to the table, for lanes of the given channels.
func (d *depthwiseCodes) addConstants(start []int32, channel func(lane int) int) {
	lanes := d.width / 4
	var even, odd, constants, shift []int64
	for lane := range lanes {
		c := channel(lane)
		b, i := &d.finish.blocks[c/vnniLanes], c%vnniLanes
		m := b.multipliers[0][i]
		even, shift = append(even, m), append(shift, int64(b.shift[i])-32)
		constants = append(constants, b.constant[i]-b.down[i]+int64(start[c])*m)
	}
	for lane := range lanes {
		odd = append(odd, even[lane|1])
	}
	d.table = appendNarrow(d.table, even)
	d.table = appendNarrow(d.table, odd)
	d.table = appendEvenOdd(d.table, constants)
	d.table = appendNarrow(d.table, shift)
}

func (d *depthwiseCodes) Needs() Needs { return Needs{Bytes: d.height(d.lines)*d.pitch() + padSlack} }

func (d *depthwiseCodes) Run(t Tile, x []uint8, tensors []Tensor, s *Scratch) {
	c, f := &d.c, d.finish
	d.pad(s.Bytes, x, t.Row, t.Rows)
	dst := tensors[f.Output].Codes[t.Row*c.OutC:][:t.Rows*c.OutC]
	zero, least, most := int(f.R.Zero), int(f.R.Lo), int(f.R.Hi)
	lines, line := t.Rows/c.OutW, c.StrideH*d.pitch()
	switch d.width {
	case 64:
		depthwiseVNNI64(&dst[0], &s.Bytes[0], &d.offsets[0], len(d.offsets)/4, lines, line, d.pixels, d.step, d.blocks, &d.weights[0], &d.table[0], zero, least, most)
	case 32:
		depthwiseVNNI32(&dst[0], &s.Bytes[0], &d.offsets[0], len(d.offsets)/4, lines, line, d.pixels, d.step, d.blocks, &d.weights[0], &d.table[0], zero, least, most)
	case 16:
		depthwiseVNNI16(&dst[0], &s.Bytes[0], &d.offsets[0], len(d.offsets)/4, lines, line, d.pixels, d.step, d.blocks, &d.weights[0], &d.table[0], zero, least, most)
	}
}
