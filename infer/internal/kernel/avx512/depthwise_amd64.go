// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"bytes"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// depthwisePlan is a depthwise convolution that ends in codes where it can: blocks of codes next to each other, four
// taps at a time by VPDPBUSD, are requantized in registers.
type depthwisePlan struct {
	*vector.DepthwiseRows
	weights []int8 // [channel][tap]
}

func newDepthwise(c kernel.Conv, weights []int8) kernel.Plan {
	return &depthwisePlan{processor.NewDepthwise(c, weights), weights}
}

// depthwiseCodes is the product with its end.
type depthwiseCodes struct {
	*vector.Band
	finish               *finisher
	width                int // of a block, in codes
	blocks, pixels, step int // of a line, see depthwise64
	product              depthwiseFunc
	square               [3]squareFunc // [lines at a time], nil unless the kernel is 3 × 3
	edges                [3]edgesFunc  // the same for images without padding, nil for none
	outside              []uint8       // for these a line of zero points
	offsets              []int32
	weights              []int8
	table                []int64
	shifts, clamps       int // as of an End; shifts are -1 for a short end
}

// The products by the width of a block.
var (
	depthwiseBlocks = map[int]depthwiseFunc{16: depthwise16, 32: depthwise32, 64: depthwise64}
	squareBlocks    = [3]map[int]squareFunc{ // [lines at a time]
		1: {16: depthwise3x3Lines1x16, 32: depthwise3x3Lines1x32, 64: depthwise3x3Lines1x64},
		2: {16: depthwise3x3Lines2x16, 32: depthwise3x3Lines2x32, 64: depthwise3x3Lines2x64},
	}
	slidingBlocks = [3]map[int]squareFunc{ // of pixels next to each other
		1: {16: depthwise3x3Slides1x16, 32: depthwise3x3Slides1x32, 64: depthwise3x3Slides1x64},
		2: {16: depthwise3x3Slides2x16, 32: depthwise3x3Slides2x32, 64: depthwise3x3Slides2x64},
	}
)

// edgesBlocks are the products of the image itself, by the lines at a time.
var edgesBlocks = [3]edgesFunc{1: depthwise3x3Edges1x64, 2: depthwise3x3Edges2x64}

type (
	edgesFunc     = func(dst *uint8, dstLine, dstStep int, x, outside *uint8, pitch, tap, times, top, height, pixels, step, blocks int, weights *int8, table *int64, shifts, clamps, least, most int)
	depthwiseFunc = func(dst, x *uint8, offsets *int32, groups, lines, line, pixels, step, blocks int, weights *int8, table *int64, shifts, clamps, least, most int)
	squareFunc    = func(dst *uint8, dstLine, dstStep int, x *uint8, pitch, tap, times, line, pixels, step, blocks int, weights *int8, table *int64, shifts, clamps, least, most int)
)

// Fuse implements Fuser, for 16 channels and multiples.
func (p *depthwisePlan) Fuse(f kernel.Finisher) kernel.Fused {
	c := &p.C
	finish, ok := f.(*finisher)
	if !ok || len(finish.terms) != 1 || c.OutC%lanes != 0 || c.KH*c.KW*255*128 >= 1<<31 {
		return nil
	}
	d := &depthwiseCodes{Band: &p.Band, finish: finish}
	d.cut()
	square := c.KH == 3 && c.KW == 3
	d.product = depthwiseBlocks[d.width]
	for n := 1; square && n <= 2; n++ {
		d.square[n] = squareBlocks[n][d.width]
		if d.step == c.InC {
			d.square[n] = slidingBlocks[n][d.width]
		}
	}
	if d.edges = d.edged(); d.edges[1] != nil {
		d.outside = bytes.Repeat([]byte{uint8(c.Zero)}, c.InW*c.InC)
	}
	taps := c.KH * c.KW
	for k := range (taps + 3) / 4 * 4 {
		tap := min(k, taps-1) // those after the last meet weights of 0
		d.offsets = append(d.offsets, int32(tap/c.KW*p.Pitch()+tap%c.KW*c.InC))
	}
	shorts := finish.Shorts(p.Start)
	if shorts != nil {
		d.shifts = -1
	}
	for first := 0; first < d.blocks*d.width; first += d.width {
		if square {
			for line := range 2 {
				for column := range 3 {
					d.addWeights(p.weights, first, [4]int{column - 3*line, column + 3 - 3*line, column + 6 - 3*line, column + 9 - 3*line})
				}
			}
		} else {
			for k := 0; k < taps; k += 4 {
				d.addWeights(p.weights, first, [4]int{k, k + 1, k + 2, k + 3})
			}
		}
		if shorts != nil {
			d.addShorts(shorts, first)
		} else if !d.addConstants(p.Start, first) {
			return nil
		}
	}
	return d
}

func (d *depthwiseCodes) Name() string { return "avx512vnni 8-bit" }

// cut chooses the blocks: of channels, or where these are few, of channels of pixels next to each other.
func (d *depthwiseCodes) cut() {
	c := &d.C
	for d.width = 64; ; d.width /= 2 {
		switch {
		case d.pairs():
			d.blocks, d.pixels, d.step = 1, c.OutW/2, 2*c.StrideW*c.InC
			return
		case c.OutC%d.width == 0:
			d.blocks, d.pixels, d.step = c.OutC/d.width, c.OutW, c.StrideW*c.InC
			return
		case c.StrideW == 1 && d.width%c.OutC == 0 && c.OutW*c.OutC%d.width == 0:
			d.blocks, d.pixels, d.step = 1, c.OutW*c.OutC/d.width, d.width
			return
		}
	}
}

// around says whether a layer is 3 × 3 with a pixel around the image, of which each line and column after has its own, or each second.
func (d *depthwiseCodes) around() bool {
	c := &d.C
	return c.KH == 3 && c.KW == 3 && c.Top == 1 && c.Left == 1 && c.StrideH == c.StrideW && c.StrideW <= 2 && c.InW == c.OutW*c.StrideW && (c.InH-1)/c.StrideH+1 == c.OutH
}

// pairs says whether blocks are two pixels that are not next to each other.
func (d *depthwiseCodes) pairs() bool {
	return d.around() && d.C.StrideW == 2 && d.C.OutC == 32 && d.C.OutW%2 == 0
}

// edged returns the products of the image itself, if there are any.
func (d *depthwiseCodes) edged() (list [3]edgesFunc) {
	switch {
	case d.pairs():
		list[1] = depthwise3x3Pairs
	case d.width < 64 || d.C.OutC%64 > 0 || !d.around():
	case d.C.StrideW == 2:
		list[1] = depthwise3x3Strided
	default:
		list = edgesBlocks
	}
	return list
}

// channel returns the channel of a lane of vector v of the block of codes from first.
func (d *depthwiseCodes) channel(first, v, lane int) int {
	return (first + lane/4*16 + 4*v + lane%4) % d.C.OutC
}

// addWeights adds those of four taps for the block from first, 0 for taps that the kernel does not have.
func (d *depthwiseCodes) addWeights(weights []int8, first int, taps [4]int) {
	each := d.C.KH * d.C.KW
	for v := range 4 {
		for lane := range d.width / 4 {
			for _, k := range taps {
				w := int8(0)
				if k >= 0 && k < each {
					w = weights[d.channel(first, v, lane)*each+k]
				}
				d.weights = append(d.weights, w)
			}
		}
	}
}

// addConstants adds the table of the block of codes from first, and says whether there is one.
func (d *depthwiseCodes) addConstants(start []int32, first int) bool {
	each := d.width / 4 // lanes of a vector
	var shifts, deep [4][]int64
	for v := range 4 {
		var even, odd, constants []int64
		for lane := range each {
			c := d.channel(first, v, lane)
			n, ok := d.finish.numbers(c, start[c])
			if !ok || n.power > 0 {
				return false
			}
			d.clamps |= n.clamps
			even, constants, shifts[v] = append(even, n.sum), append(constants, n.constant), append(shifts[v], n.shift)
			deep[v], d.shifts = append(deep[v], n.deep), max(d.shifts, n.shifts())
		}
		for lane := range even {
			odd = append(odd, even[lane|1])
		}
		d.table = appendNarrow(d.table, even)
		d.table = appendNarrow(d.table, odd)
		d.table = appendEvenOdd(d.table, constants)
	}
	for v := 0; v < 4; v += 2 {
		d.table = appendWords(d.table, shifts[v], shifts[v+1])
	}
	for _, vector := range deep {
		d.table = appendNarrow(d.table, vector)
	}
	return true
}

// addShorts adds the table of the block of codes from first, of short forms of the channels.
func (d *depthwiseCodes) addShorts(forms []kernel.Short, first int) {
	const vectors = 22 // of a table
	each := d.width / 4
	end := len(d.table) + vectors*d.width/8
	for v := 0; v < 4; v += 2 {
		for _, number := range shortNumbers {
			var words [2][]int64
			for i := range words {
				for lane := range each {
					words[i] = append(words[i], number(&forms[d.channel(first, v+i, lane)]))
				}
			}
			d.table = appendWords(d.table, words[0], words[1])
		}
	}
	d.table = append(d.table, make([]int64, end-len(d.table))...)
}

func (d *depthwiseCodes) Needs() kernel.Needs {
	if d.outside != nil {
		return kernel.Needs{}
	}
	return kernel.Needs{Bytes: d.Height(d.Lines)*d.Pitch() + PadSlack}
}

func (d *depthwiseCodes) Run(t kernel.Tile, x []uint8, tensors []kernel.Tensor, s *kernel.Scratch) {
	c, f := &d.C, d.finish
	dst := tensors[f.Output].Codes[t.Row*c.OutC:][:t.Rows*c.OutC]
	if d.outside != nil {
		d.runEdges(t, x, dst)
		return
	}
	Pad(d.Band, s.Bytes, x, t.Row, t.Rows)
	shifts, clamps, least, most := d.shifts, d.clamps, int(f.R.Lo), int(f.R.Hi)
	lines, line := t.Rows/c.OutW, c.StrideH*d.Pitch()
	if d.square[1] == nil {
		d.product(&dst[0], &s.Bytes[0], &d.offsets[0], len(d.offsets)/4, lines, line, d.pixels, d.step, d.blocks, &d.weights[0], &d.table[0], shifts, clamps, least, most)
		return
	}
	together, dstStep, dstLine := 2, d.width, c.OutW*c.OutC // lines at a time
	if c.StrideH > 1 {
		together = 1
	}
	if d.blocks > 1 {
		dstStep = c.OutC
	}
	done := 0
	for n := together; done < lines; n = 1 {
		if times := (lines - done) / n; times > 0 {
			d.square[n](&dst[done*dstLine], dstLine, dstStep, &s.Bytes[done*line], d.Pitch(), c.InC, times, n*line, d.pixels, d.step, d.blocks, &d.weights[0], &d.table[0], shifts, clamps, least, most)
			done += times * n
		}
	}
}

// runEdges is Run on the image itself.
func (d *depthwiseCodes) runEdges(t kernel.Tile, x, dst []uint8) {
	c, r := &d.C, d.finish.R
	x = x[t.Row/c.Pixels()*c.InLen():][:c.InLen()]
	pitch, dstLine, lines, first := c.InW*c.InC, c.OutW*c.OutC, t.Rows/c.OutW, t.Row%c.Pixels()/c.OutW
	together, dstStep := 2, d.width
	if d.edges[2] == nil {
		together = 1
	}
	if d.blocks > 1 {
		dstStep = c.OutC
	}
	done := 0
	for n := together; done < lines; n = 1 {
		if times := (lines - done) / n; times > 0 {
			top := (first+done)*c.StrideH - 1
			d.edges[n](&dst[done*dstLine], dstLine, dstStep, &x[0], &d.outside[0], pitch, c.InC, times, top, c.InH, d.pixels, d.step, d.blocks, &d.weights[0], &d.table[0], d.shifts, d.clamps, int(r.Lo), int(r.Hi))
			done += times * n
		}
	}
}
