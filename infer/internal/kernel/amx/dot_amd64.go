// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"unsafe"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

const (
	lanes    = 16 // channels of a tile of sums
	mostTall = 16 // rows of a tile
	mostDeep = 64 // bytes of a row of codes in a tile
	mostAcc  = 1 << 15
)

// dotPlan is a convolution as products of tiles. Rows of a tile of codes are neighbours in a line of the output, read where
// they lie in the padded image: as many bytes apart as the kernel moves, whether they overlap or not. A line of the kernel is
// one slice of a sum, or several of equal depth; what a slice has too much meets weights of 0.
type dotPlan struct {
	vector.Layout
	emulated bool
	pixels   int     // of the output in a row of the products, see merge
	depth    int     // bytes of a slice, a multiple of 4
	each     int     // slices of a line of the kernel
	tall     int     // rows of a tile; lines of the output are whole tiles
	deltas   []int32 // see args
	offsets  []int32 // of tiles of rows
	weights  []int8  // [channel/16][slice][depth/4][16][4], zeros after the taps and the channels
	pitch    int     // of weights of 16 channels
	start    []int32 // [channel]: -zero·Σ w; zeros after the channels
	fits     bool    // sums fit int32 without their start, too
	configs  [4][mostTall + 1][64]byte
}

// newDot prepares a convolution of one group, of two pixels at a time where that is better.
func newDot(c kernel.Conv, weights []int8, emulated bool) *dotPlan {
	p := &dotPlan{emulated: emulated, pixels: 1}
	if merges(c) {
		c, weights = merge(c, weights)
		p.pixels = 2
	}
	lying := c
	if columns(c) {
		c, weights = stand(c), standing(c, weights)
	}
	p.depth, p.each = sliced(c)
	p.Layout = vector.NewLayout(c, 1, lanes, p.each*p.depth, !columns(lying))
	p.Slack += mostDeep // the last slice can read after the last tap
	if !emulated {
		p.Slack, p.Fill = avx512.PadSlack+mostDeep, avx512.Pad
	}
	p.tall = tall(c)
	p.pack(weights)
	p.cut()
	if columns(lying) {
		u := newUpright(lying, p.Lines, emulated)
		p.Slack, p.Fill = u.slack(), u.fill
	}
	p.offsets = p.Offsets(p.tall)
	p.place()
	p.configure()
	return p
}

// sliced returns the bytes of a slice and the number of slices of a line of the kernel.
func sliced(c kernel.Conv) (depth, each int) {
	taps := c.KW * c.InC
	each = (taps + mostDeep - 1) / mostDeep
	return ((taps+each-1)/each + 3) / 4 * 4, each
}

// tall returns the rows of a tile: the greatest divisor of a line, since tiles of fewer rows take less time. Where every
// output row has its own input row, lines do not matter.
func tall(c kernel.Conv) int {
	if t := vector.NewTiling(c, 1, lanes); t.Flat {
		return mostTall
	}
	rows := min(mostTall, c.OutW)
	for c.OutW%rows > 0 {
		rows--
	}
	return rows
}

func (p *dotPlan) pack(weights []int8) {
	c, taps := &p.C, p.C.KW*p.C.InC
	padded := p.Padded(c.OutC)
	tile := p.depth * lanes
	p.pitch = c.KH * p.each * tile
	p.weights = aligned(padded / lanes * p.pitch)
	p.start = make([]int32, padded)
	p.fits = true
	for o := range c.OutC {
		to := p.weights[o/lanes*p.pitch+o%lanes*4:]
		sum, size := int32(0), int64(0) // of all weights of the channel, and of their absolute values
		for range c.KH {
			line := weights[:taps]
			weights = weights[taps:]
			for range p.each {
				n := min(p.depth, len(line))
				part, partSize := packSlice(to, line[:n])
				sum, size = sum+part, size+int64(partSize)
				line, to = line[n:], to[min(tile, len(to)):]
			}
		}
		p.start[o] = -c.Zero * sum
		p.fits = p.fits && size*int64(c.Max) < 1<<31
	}
}

// packSlice packs a channel's weights of a slice, four of them every 64 bytes, and returns their sum and that of their absolute
// values.
func packSlice(to, weights []int8) (sum, size int32) {
	for _, w := range weights {
		v := int32(w)
		sum, size = sum+v, size+max(v, -v)
	}
	k := 0
	for ; k+4 <= len(weights); k += 4 {
		*(*[4]int8)(to[k*lanes:]) = [4]int8(weights[k:])
	}
	if k < len(weights) {
		copy(to[k*lanes:], weights[k:])
	}
	return sum, size
}

// aligned returns n bytes that begin with a line of the cache, as tiles are loaded fastest.
func aligned(n int) []int8 {
	const line = 64
	b := make([]int8, n+line-1)
	skip := int(-uintptr(unsafe.Pointer(&b[0])) % line)
	return b[skip : skip+n : skip+n]
}

// cut chooses the size of the plan's tiles.
func (p *dotPlan) cut() {
	p.Channels = min(p.Padded(p.C.OutC), 512)
	rows := mostAcc / p.Channels
	if p.Flat {
		p.Rows = max(128, rows/64*64)
		return
	}
	p.Limit(rows, vector.TileBuffer)
	if p.C.OutH%2 == 0 {
		p.Lines += p.Lines % 2 // for poolings
	}
	p.Rows = p.Lines * p.C.OutW
}

// place computes where the codes of slices are.
func (p *dotPlan) place() {
	last := 0
	for ky := range p.C.KH {
		for part := range p.each {
			at := ky*p.Line + part*p.depth
			p.deltas = append(p.deltas, int32(at-last))
			last = at
		}
	}
}

// codeTiles are the tile registers of codes, after four of sums and before those of weights, for blocks of so many tiles of rows.
var codeTiles = [5]int{1: 1, 2: 2, 4: 3}

// configure computes the configurations of tiles: by the number of those of codes, and by rows.
func (p *dotPlan) configure() {
	const sums, columns, rows = 4, 16, 48 // registers of sums; where a configuration has bytes of a row, of 16 bits, and rows
	for codes := 1; codes < len(p.configs); codes++ {
		for r := 1; r <= mostTall; r++ {
			g := &p.configs[codes][r]
			g[0] = 1 // the palette
			for t := range 8 {
				g[columns+2*t] = 4 * lanes
				switch {
				case t < sums:
					g[rows+t] = uint8(r)
				case t < sums+codes:
					g[columns+2*t], g[rows+t] = uint8(p.depth), uint8(r)
				default:
					g[rows+t] = uint8(p.depth / 4)
				}
			}
		}
	}
}

func (p *dotPlan) Name() string { return "amx 8-bit" }

func (p *dotPlan) Tile(i, batch int) kernel.Tile { return p.outer(p.Tiling.Tile(i, batch)) }

func (p *dotPlan) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	t = p.inner(t)
	p.products(target{acc: acc[:t.Rows*t.Stride]}, p.Codes(x, t, s.Bytes), t)
}
