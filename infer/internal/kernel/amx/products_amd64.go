// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"unsafe"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
)

// A target is where the sums of a tile go, from its row first on: to acc, or by an end to dst and with the codes of other, or the
// greatest of each four to dst.
type target struct {
	first      int
	acc        []int32
	end        *avx512.End
	dst, other []uint8
	scratch    *int32 // of the end, see args
	pools      bool
}

// signs says whether the end makes signs.
func (t *target) signs() bool { return t.end != nil && t.end.Signs }

// short says whether the end is in words of 16 bits.
func (t *target) short() bool { return t.end != nil && t.end.Short }

// A blocking is how many tiles of rows, and of channels, are multiplied at a time.
type blocking struct{ m, n int }

// products computes the sums of a tile, the codes under which are x. With an end, rows are left that make no block of tiles:
// it returns the first of them.
func (p *dotPlan) products(to target, x []uint8, t kernel.Tile) (left int) {
	if p.Flat && t.Rows == 1 { // is no tile
		if to.end == nil {
			p.singly(to, x, t, 0)
		}
		return 0
	}
	b := p.blocking(t, to.other != nil)
	tiles := t.Rows / p.tall
	if tiles >= b.m {
		p.multiply(to, x, t, b, p.tall, p.offsets, 0, tiles/b.m)
	}
	row := tiles / b.m * b.m * p.tall
	switch {
	case row == t.Rows:
	case !p.Flat && tiles >= b.m: // the last tiles again, with those before them
		first := tiles - b.m
		p.multiply(to, x, t, b, p.tall, p.offsets[first:], first*p.tall, 1)
		return t.Rows
	case p.Flat && tiles >= b.m: // tiles of fewer rows, the first of which can be there already
		rows := (t.Rows - row + b.m - 1) / b.m
		p.multiplyFlat(to, x, t, b, rows, t.Rows-b.m*rows)
		return t.Rows
	case p.Flat && t.Rows >= b.m:
		rows := t.Rows / b.m
		p.multiplyFlat(to, x, t, b, rows, 0)
		row = b.m * rows
	}
	if to.end == nil && row < t.Rows {
		p.singly(to, x, t, row)
	}
	return row
}

// singly computes the sums of a tile from a row on by one tile of rows and one of channels at a time, or those of one row.
func (p *dotPlan) singly(to target, x []uint8, t kernel.Tile, row int) {
	switch {
	case p.Flat && t.Rows-row == 1:
		p.multiplyRow(to.acc[(row-to.first)*t.Stride:][:t.Stride], x[row*p.Pixel:][:p.Line], t)
	case p.Flat:
		p.multiplyFlat(to, x, t, blocking{1, 1}, t.Rows-row, row)
	default:
		p.multiply(to, x, t, blocking{1, 1}, p.tall, p.offsets[row/p.tall:], row, (t.Rows-row)/p.tall)
	}
}

// blocking chooses that of a tile. Two by two needs the fewest loads for a product; one by four serves few rows best.
func (p *dotPlan) blocking(t kernel.Tile, codes bool) blocking {
	switch n := t.Stride / lanes; {
	case n%4 == 0 && p.Flat && t.Rows < 2*p.tall && !codes:
		return blocking{1, 4}
	case n%2 == 0:
		return blocking{2, 2}
	default:
		return blocking{4, 1}
	}
}

// multiplyFlat multiplies one block of tiles of so many rows, one after the other from a row on.
func (p *dotPlan) multiplyFlat(to target, x []uint8, t kernel.Tile, b blocking, rows, row int) {
	var offsets [4]int32
	for i := range b.m {
		offsets[i] = int32((row + i*rows) * p.Pixel)
	}
	p.multiply(to, x, t, b, rows, offsets[:b.m], row, 1)
}

// multiply multiplies blocks of tiles of so many rows, which are at offsets in x, from a row of the plan's tile on.
func (p *dotPlan) multiply(to target, x []uint8, t kernel.Tile, b blocking, rows int, offsets []int32, row, blocks int) {
	last := int(offsets[blocks*b.m-1]) + (rows-1)*p.Pixel + (p.C.KH-1)*p.Line + p.each*p.depth - 1
	_ = x[last]
	row -= to.first
	a := args{
		config: &p.configs[codeTiles[b.m]][rows], x: &x[0], xStride: p.Pixel, offsets: &offsets[0], blocks: blocks,
		w: &p.weights[t.Channel/lanes*p.pitch], pitch: p.pitch, deltas: &p.deltas[0], slices: len(p.deltas),
		start: &p.start[t.Channel], panels: t.Stride / lanes / b.n, wTile: p.depth * lanes,
	}
	if f := to.end; f != nil {
		sums, vectors := 1, 4 // of a code; of a quad
		if to.pools {
			sums, vectors = 4, 2
		}
		at := row/sums*p.C.OutC + t.Channel
		_ = to.dst[at+(blocks*b.m*rows/sums-1)*p.C.OutC+t.Channels-1]
		a.dst, a.dstStride = &to.dst[at], p.C.OutC
		if to.other != nil {
			_ = to.other[at+(blocks*b.m*rows-1)*p.C.OutC+t.Channels-1]
			a.other = &to.other[at]
		}
		a.table, a.tableStep = &f.Table[t.Channel/lanes*f.Block], 8*b.n*f.Block
		a.shifts, a.powers, a.clamps = f.Shifts, f.Powers, f.Clamps
		if !f.Signs {
			a.least, a.most = int(f.R.Lo), int(f.R.Hi)
		}
		a.scratch, a.quads, a.scratchTile = to.scratch, b.m*b.n*rows/sums/vectors, 4*lanes*b.n*rows
	} else {
		_ = to.acc[(row+blocks*b.m*rows)*t.Stride-1]
		a.acc, a.accStride, a.accTile = &to.acc[row*t.Stride], 4*t.Stride, 4*t.Stride*rows
	}
	if p.emulated {
		a.emulate(b, &to)
	} else {
		a.run(b, &to)
	}
}

// run calls the function of a blocking and an end. A table of functions would have the arguments in the heap.
func (a *args) run(b blocking, to *target) {
	switch {
	case to.pools && to.short():
		dotBytesShortPooled2x2(a)
	case to.pools:
		dotBytesPooled2x2(a)
	case to.signs() && b == blocking{4, 1}:
		dotBytesSigns4x1(a)
	case to.signs() && b == blocking{2, 2}:
		dotBytesSigns2x2(a)
	case to.signs():
		dotBytesSigns1x4(a)
	case to.short() && b == blocking{4, 1}:
		dotBytesShort4x1(a)
	case to.short() && b == blocking{2, 2}:
		dotBytesShort2x2(a)
	case to.short():
		dotBytesShort1x4(a)
	case b == blocking{4, 1} && a.table == nil:
		dotBytes4x1(a)
	case b == blocking{4, 1} && a.other == nil:
		dotBytesWide4x1(a)
	case b == blocking{4, 1}:
		dotBytesWideCodes4x1(a)
	case b == blocking{2, 2} && a.table == nil:
		dotBytes2x2(a)
	case b == blocking{2, 2} && a.other == nil:
		dotBytesWide2x2(a)
	case b == blocking{2, 2}:
		dotBytesWideCodes2x2(a)
	case b == blocking{1, 4} && a.table == nil:
		dotBytes1x4(a)
	case b == blocking{1, 4}:
		dotBytesWide1x4(a)
	default:
		dotBytes1x1(a)
	}
}

// dotCodes is the plan with its end.
type dotCodes struct {
	*dotPlan
	end    *avx512.End
	finish kernel.Finisher // of the rows that are left
}

// endOf returns the end that a finisher of AVX-512 is, a short one where it can be.
func endOf(f kernel.Finisher, start []int32) *avx512.End {
	if end := avx512.ShortOf(f, start); end != nil {
		return end
	}
	return avx512.EndOf(f, start)
}

// Fuse implements kernel.Fuser.
func (p *dotPlan) Fuse(f kernel.Finisher) kernel.Fused {
	if !p.fits {
		return nil
	}
	finisher := f
	if e, ok := f.(*emulatedFinisher); ok {
		finisher = e.tables
	}
	end := endOf(finisher, p.start[:p.C.OutC/p.pixels])
	if end == nil {
		return nil
	}
	if p.pixels == 2 {
		end.Table = append(end.Table, end.Table...)
	}
	return &dotCodes{p, end, f}
}

// The scratch of an end, of three blocks of at most 64 vectors, see args.
const (
	scratchLen   = 15 << 10 / 4
	scratchAlign = 64
)

func (d *dotCodes) Needs() kernel.Needs {
	n := kernel.Needs{Acc: scratchLen + scratchAlign/4 + 3*d.tall*d.Channels} // sums of a block less a tile of rows
	return n.Max(d.finish.Needs()).Max(d.dotPlan.Needs())
}

func (d *dotCodes) Run(t kernel.Tile, x []uint8, tensors []kernel.Tensor, s *kernel.Scratch) {
	u := d.inner(t)
	rows := func(tensor int) []uint8 {
		return tensors[tensor].Codes[t.Row*d.end.Channels:][:t.Rows*d.end.Channels]
	}
	codes := d.Codes(x, u, s.Bytes)
	to := target{end: d.end, dst: rows(d.end.Output), scratch: alignedScratch(s)}
	if len(d.end.Others) > 0 {
		to.other = rows(d.end.Others[0])
	}
	if first := d.products(to, codes, u); first < u.Rows {
		acc := s.Acc[scratchLen+scratchAlign/4:][:(u.Rows-first)*u.Stride]
		d.singly(target{first: first, acc: acc}, codes, u, first)
		u.Row, u.Rows = u.Row+first, u.Rows-first
		d.finish.Finish(d.outer(u), acc, tensors, s)
	}
}

// alignedScratch returns the scratch of an end.
func alignedScratch(s *kernel.Scratch) *int32 {
	return &s.Acc[-uintptr(unsafe.Pointer(&s.Acc[0]))%scratchAlign/4]
}
