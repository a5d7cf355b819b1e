// SPDX-License-Identifier: Apache-2.0

package vector

import (
	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
)

// A Winograd is the loops of convolutions of 3 × 3 taps by minimal filtering: 4 × 4 sums from 36 products for each input
// channel, where 144 are multiplied otherwise (S. Winograd, Arithmetic Complexity of Computations, 1980; A. Lavin and
// S. Gray, Fast Algorithms for Convolutional Neural Networks, 2016, F(4×4, 3×3)).
//
// Codes d and weights g of a line are taken as polynomials, and their values at the points 0, 1, -1, 2, -2 and ∞ are
// multiplied:
//
//	4d₀-5d₂+d₄, 4d₁+4d₂-d₃-d₄, 4d₂-4d₁+d₃-d₄, 2d₃-2d₁+d₄-d₂, 2d₁-2d₃+d₄-d₂, 4d₁-5d₃+d₅
//	3g₀, g₀+g₁+g₂, g₀-g₁+g₂, g₀+2g₁+4g₂, g₀-2g₁+4g₂, 3g₂
//
// The products m, summed over the channels, give four sums times 24: 2m₀+4s+t, 4d+2e, 4s+4t, 4d+8e+8m₅ with s = m₁+m₂,
// d = m₁-m₂, t = m₃+m₄, e = m₃-m₄. All that is done in lines and in columns.
//
// It is exact: values at points fit int16, of codes up to 68·255 and of weights up to 49·128, and what follows is computed
// modulo 2^32. There 24·24 = 9·2^6 times a sum is the sum times 2^6 after a multiplication by the inverse of 9, and an
// arithmetic shift returns each sum that fits 26 bits, which the weights prove.
type Winograd struct {
	Name string
	// Codes writes the points of tiles of 6 × 6 pixels, each four pixels after the one before, in lines pitch bytes apart,
	// as [tile][36][channels] words, point bytes from a point to the next. The channels are a multiple of 16.
	Codes func(points *uint8, point int, codes *uint8, pitch, channels, tiles int)
	// Pack writes the weights [16][9][channels] of 16 outputs, from w on, as [steps][9][16][2]. The steps are a multiple of 8.
	Pack func(dst *uint8, w *int8, channels, steps int)
	// Weights writes the points of weights [steps][3][3][16][2] as [36][steps][16][2] words, points pitch bytes apart.
	Weights func(points *uint8, pitch int, w *uint8, steps int)
	// Sums adds to start the 4 × 4 sums of 16 channels of tiles, each four pixels before the one before, in lines pitch bytes
	// apart: from the sums at points, [tile][36][16], the last tile first. It overwrites these.
	Sums func(acc *int32, pitch int, sums *int32, tiles int, start *int32)
	// Products, by the number of rows at a time, from 1 on, are sums[r][p][c] = Σ x[r][p][k]·w[p][k][c] for tiles times so
	// many rows, stride bytes apart, of points as Codes and Weights write them; or add that to sums.
	Products []PointsProduct
}

// A PointsProduct is one of Winograd.Products.
type PointsProduct = func(sums *int32, x *uint8, stride, point, tiles int, w *uint8, pitch, steps int, more bool)

const (
	winogradPart   = 128     // input channels whose points of weights are in the cache
	winogradTile   = 4       // pixels of a side of a tile
	winogradPoints = 36      // of a tile
	winogradSum    = 1 << 25 // sums are below, and not below its negative
)

// Limits of the points of a band of lines: with what is multiplied with them, they stay in the second cache. An image of few
// tiles, for which transforming weights is much of the work, is one band where it can; one of more is several, which threads
// share.
const (
	bandPoints = 1 << 18 // bytes
	fewPoints  = 3 << 17
	manyTiles  = 32
	mostPoints = 1 << 20 // of a line of tiles, beyond which other products are taken
)

// winogradPlan is a convolution by minimal filtering.
type winogradPlan struct {
	Tiling
	loops   *Winograd
	columns int     // tiles of a line of tiles
	lines   int     // lines of tiles of a band, at most
	weights []int8  // [channel][3][3][InC], zeros after the channels; nil where they are packed
	packed  []uint8 // [panel][InC/2][3][3][16][2]; nil where they are packed when a panel is multiplied
	start   []int32 // [channel]: -zero·Σ w; zeros after the channels
}

// NewWinograd prepares a convolution by minimal filtering, nil where that cannot be or would take longer. With small, it
// keeps no copy of the weights but reads those that it gets.
func (p *Processor) NewWinograd(c kernel.Conv, weights []int8, small bool) kernel.Plan {
	if p.Winograd == nil || c.KH != 3 || c.KW != 3 || c.StrideH != 1 || c.StrideW != 1 || c.Groups != 1 || c.InC%16 != 0 {
		return nil
	}
	d := &winogradPlan{Tiling: NewTiling(c, 1, Panel), loops: p.Winograd, columns: tilesOf(c.OutW)}
	if !d.cut() || !d.pays() || !d.fits(weights) {
		return nil
	}
	d.keep(weights, small)
	return d
}

// tilesOf returns the tiles of a side of so many pixels.
func tilesOf(pixels int) int { return (pixels + winogradTile - 1) / winogradTile }

// cut chooses the size of bands, and says whether one fits.
func (p *winogradPlan) cut() bool {
	p.Channels = min(p.Padded(p.C.OutC), 128)
	line, lines := p.columns*p.pointBytes(), tilesOf(p.C.OutH)
	most := max(1, fewPoints/line)
	if lines*p.columns >= manyTiles {
		most = max(1, min(bandPoints/line, (lines+1)/2))
	}
	bands := (lines + most - 1) / most
	p.lines = (lines + bands - 1) / bands
	p.Lines = min(p.lines*winogradTile, p.C.OutH)
	p.Rows = p.Lines * p.C.OutW
	return line <= mostPoints
}

// pays says whether minimal filtering takes less time than the products of all taps, in cycles of a Zen 3.
func (p *winogradPlan) pays() bool {
	c := &p.C
	bands, tiles := p.PerImage(), tilesOf(c.OutH)*p.columns
	taps := c.Pixels() * 9 * c.InC * p.Padded(c.OutC) / 28
	points := c.InC*p.Padded(c.OutC)*(47*bands+10*tiles)/10 + tiles*(300+5*c.InC*p.beside()+10*p.Padded(c.OutC))
	return points < taps
}

// fits says whether all sums of codes with weights fit.
func (p *winogradPlan) fits(weights []int8) bool {
	taps := 9 * p.C.InC
	for o := range p.C.OutC {
		if fixed.DotBound(weights[o*taps:][:taps], 0, p.C.Max) >= winogradSum {
			return false
		}
	}
	return true
}

// keep keeps the weights, packed or as they are.
func (p *winogradPlan) keep(weights []int8, small bool) {
	n, padded := 9*p.C.InC, p.Padded(p.C.OutC)
	p.start = make([]int32, padded)
	for o := range p.C.OutC {
		for _, w := range weights[o*n:][:n] {
			p.start[o] -= p.C.Zero * int32(w)
		}
	}
	if p.weights = weights; padded > p.C.OutC {
		p.weights = append(make([]int8, 0, padded*n), weights...)[:padded*n]
	}
	if small {
		return
	}
	packed := make([]uint8, padded*n)
	for first := 0; first < padded; first += Panel {
		p.loops.Pack(&packed[first*n], &p.weights[first*n], p.C.InC, p.C.InC/2)
	}
	p.weights, p.packed = nil, packed
}

// panelPart returns the packed weights of a panel for so many steps from an input channel on, which it can pack in memory.
func (p *winogradPlan) panelPart(first, channel, steps int, memory []uint8) []uint8 {
	at := first * 9 * p.C.InC
	if p.packed != nil {
		return p.packed[at+9*Panel*channel:][:9*2*Panel*steps]
	}
	p.loops.Pack(&memory[0], &p.weights[at+channel], p.C.InC, steps)
	return memory
}

func (p *winogradPlan) Name() string { return p.loops.Name }

// point returns the bytes from a point of codes to the next.
func (p *winogradPlan) point() int {
	if p.C.InC < 256 {
		return 2 * p.C.InC
	}
	return 2*p.C.InC + line
}

// pointBytes returns the bytes of the points of a tile.
func (p *winogradPlan) pointBytes() int { return winogradPoints * p.point() }

// part returns the input channels that are multiplied at a time.
func (p *winogradPlan) part() int { return min(p.C.InC, winogradPart) }

// pitch returns the bytes from a point of weights to the next.
func (p *winogradPlan) pitch() int { return 2*Panel*p.part() + line }

// A winogradMemory is the parts of a scratch: of bytes the codes under a band, their points, a panel
// of weights and its points, of int32
// the sums at points, and of a panel.
type winogradMemory struct{ codes, points, packed, weights, sums, acc int }

func (p *winogradPlan) memory() winogradMemory {
	tiles := p.lines * p.columns
	return winogradMemory{
		codes:   aligned((p.lines*winogradTile+2)*p.Pitch() + winogradTile*p.C.InC), // the last tiles can read after the last line
		points:  tiles * p.pointBytes(),
		packed:  9 * Panel * p.part(),
		weights: winogradPoints * p.pitch(),
		sums:    tiles * winogradPoints * Panel,
		acc:     (p.lines*winogradTile*p.C.OutW + winogradTile) * Panel, // the last tiles can write after the last row
	}
}

// line is the bytes of a line of caches.
const line = 64

// aligned rounds up to whole lines of caches.
func aligned(bytes int) int { return (bytes + line - 1) / line * line }

func (p *winogradPlan) Needs() kernel.Needs {
	m := p.memory()
	return kernel.Needs{Bytes: m.codes + m.points + m.packed + m.weights, Wide: m.sums + m.acc}
}

func (p *winogradPlan) Accumulate(acc []int32, x []uint8, t kernel.Tile, s *kernel.Scratch) {
	p.panels(x, t, s, func(sums []int32, part kernel.Tile) {
		at := acc[part.Channel-t.Channel:]
		for r := range t.Rows {
			copy(at[r*t.Stride:][:Panel], sums[r*Panel:])
		}
	})
}

// Fuse implements kernel.Fuser: each panel goes to its end while it is in the cache.
func (p *winogradPlan) Fuse(f kernel.Finisher) kernel.Fused { return &winogradCodes{p, f} }

// winogradCodes is a convolution by minimal filtering with its end.
type winogradCodes struct {
	*winogradPlan
	finish kernel.Finisher
}

func (p *winogradCodes) Needs() kernel.Needs { return p.winogradPlan.Needs().Max(p.finish.Needs()) }

func (p *winogradCodes) Run(t kernel.Tile, x []uint8, tensors []kernel.Tensor, s *kernel.Scratch) {
	p.panels(x, t, s, func(sums []int32, part kernel.Tile) { p.finish.Finish(part, sums, tensors, s) })
}

// panels computes the sums of a tile, panel by panel.
func (p *winogradPlan) panels(x []uint8, t kernel.Tile, s *kernel.Scratch, put func(sums []int32, part kernel.Tile)) {
	m := p.memory()
	codes, bytes := s.Bytes[:m.codes], s.Bytes[m.codes:]
	points, packed, weights := bytes[:m.points], bytes[m.points:][:m.packed], bytes[m.points+m.packed:][:m.weights]
	sums, acc := s.Wide[:m.sums], s.Wide[m.sums:][:m.acc]
	p.Copy(codes, x, t.Row, t.Rows)
	lines := tilesOf(t.Rows / p.C.OutW)
	for line := range lines {
		p.loops.Codes(&points[line*p.columns*p.pointBytes()], p.point(), &codes[line*winogradTile*p.Pitch()], p.Pitch(), p.C.InC, p.columns)
	}
	for first := 0; first < t.Channels; first += Panel {
		at := t.Channel + first
		for channel := 0; channel < p.C.InC; channel += winogradPart {
			steps := min(winogradPart, p.C.InC-channel) / 2
			p.loops.Weights(&weights[0], p.pitch(), &p.panelPart(at, channel, steps, packed)[0], steps)
			p.products(sums, points[2*channel:], weights, lines*p.columns, steps, channel > 0)
		}
		pitch := p.C.OutW * Panel
		for line := range lines {
			last := (line+1)*p.columns - 1
			p.loops.Sums(&acc[line*winogradTile*pitch+(p.columns-1)*winogradTile*Panel], 4*pitch, &sums[last*winogradPoints*Panel], p.columns, &p.start[at])
		}
		part := kernel.Tile{Row: t.Row, Rows: t.Rows, Channel: at, Channels: min(Panel, t.Channels-first), Stride: Panel}
		put(acc[:t.Rows*Panel], part)
	}
}

// products computes the sums of tiles at all points, of so many steps, or adds them.
func (p *winogradPlan) products(sums []int32, points, weights []uint8, tiles, steps int, more bool) {
	most, size := len(p.loops.Products)-1, p.pointBytes()
	whole := tiles / most * most
	if whole > 0 {
		p.loops.Products[most](&sums[0], &points[0], size, p.point(), whole/most, &weights[0], p.pitch(), steps, more)
	}
	if rest := tiles - whole; rest > 0 {
		p.loops.Products[rest](&sums[whole*winogradPoints*Panel], &points[whole*size], size, p.point(), 1, &weights[0], p.pitch(), steps, more)
	}
}
