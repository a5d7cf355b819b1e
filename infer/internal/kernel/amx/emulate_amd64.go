// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package amx

import (
	"unsafe"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/avx512"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// TestSets returns sets whose plans of one group are all products of tiles, whether that gains anything or not: with the
// processor's tiles, where there are any, and in Go, which touches the same memory.
func TestSets() []kernel.Set {
	emulated := kernel.Generic
	emulated.Name, emulated.Plan, emulated.Finish = "amx, emulated", tilesOnly(true), newEmulatedFinisher
	emulated.SignCodes = func(kernel.Conv) bool { return true }
	if !supported || permit() != nil {
		return []kernel.Set{emulated}
	}
	tiles := Set
	tiles.SignCodes = emulated.SignCodes
	tiles.Name, tiles.Plan, tiles.Packed = "amx, tiles only", tilesOnly(false), nil
	return []kernel.Set{tiles, emulated}
}

func tilesOnly(emulated bool) func(c kernel.Conv, weights []int8) kernel.Plan {
	return func(c kernel.Conv, weights []int8) kernel.Plan {
		if c.Groups > 1 {
			return kernel.NewGeneric(c, weights)
		}
		return newDot(c, weights, emulated)
	}
}

// emulatedFinisher is a finisher in portable Go, with the tables of AVX-512.
type emulatedFinisher struct {
	kernel.Finisher
	tables kernel.Finisher
}

func newEmulatedFinisher(e kernel.Epilogue) kernel.Finisher {
	return &emulatedFinisher{kernel.NewFinish(e), avx512.Set.Finish(e)}
}

// at returns element i of what p points to.
func at[T any](p *T, i int) *T {
	var zero T
	return (*T)(unsafe.Add(unsafe.Pointer(p), i*int(unsafe.Sizeof(zero))))
}

// emulate does what run does, in Go.
func (a *args) emulate(b blocking, to *target) {
	rows := int(a.config[48])
	for panel := range a.panels {
		for tile := range a.blocks * b.m {
			for r := range rows {
				for j := range b.n {
					if to.pools {
						a.emulatePooled(b, to, tile, r, panel, j)
					} else {
						a.emulateRow(b, to, tile*rows+r, a.emulateSums(b, tile, r, panel, j), panel, j)
					}
				}
			}
		}
	}
}

// emulateSums computes 16 channels, tile j of a panel's, of row r of a tile.
func (a *args) emulateSums(b blocking, tile, r, panel, j int) (sums [lanes]int32) {
	x := int(*at(a.offsets, tile)) + r*a.xStride
	if a.table == nil {
		copy(sums[:], unsafe.Slice(at(a.start, (panel*b.n+j)*lanes), lanes))
	}
	depth := a.wTile / lanes
	for s := range a.slices {
		x += int(*at(a.deltas, s))
		codes := unsafe.Slice(at(a.x, x), depth)
		weights := unsafe.Slice(at(a.w, (panel*b.n+j)*a.pitch+s*a.wTile), a.wTile)
		for k := 0; k < depth; k += 4 {
			q := (*[4]uint8)(codes[k:])
			w := (*[4 * lanes]int8)(weights[k*lanes:])
			for lane := range sums {
				sums[lane] += int32(q[0])*int32(w[4*lane]) + int32(q[1])*int32(w[4*lane+1]) + int32(q[2])*int32(w[4*lane+2]) + int32(q[3])*int32(w[4*lane+3])
			}
		}
	}
	return sums
}

// emulatePooled writes the codes of the greatest sums of two rows in two tiles, at the last of these rows.
func (a *args) emulatePooled(b blocking, to *target, tile, r, panel, j int) {
	if tile%2 == 0 || r%2 == 0 {
		return
	}
	greatest := a.emulateSums(b, tile, r, panel, j)
	for _, before := range [][2]int{{tile, r - 1}, {tile - 1, r}, {tile - 1, r - 1}} {
		for lane, sum := range a.emulateSums(b, before[0], before[1], panel, j) {
			greatest[lane] = max(greatest[lane], sum)
		}
	}
	rows := int(a.config[48])
	a.emulateRow(b, to, (tile/2*rows+r)/2, greatest, panel, j)
}

// emulateRow writes sums of 16 channels, tile j of a panel's, or their codes or signs, to a row.
func (a *args) emulateRow(b blocking, to *target, row int, sums [lanes]int32, panel, j int) {
	channel := (panel*b.n + j) * lanes
	if a.table == nil {
		copy(unsafe.Slice(at(a.acc, row*a.accStride/4+channel), lanes), sums[:])
		return
	}
	block := at(a.table, panel*a.tableStep/8+j*a.tableStep/8/b.n)
	for lane, sum := range sums {
		place := row*a.dstStride + channel + lane
		if to.signs() {
			*at(a.dst, place) = emulateSign(sum, block, lane)
			continue
		}
		if to.short() {
			*at(a.dst, place) = a.emulateShort(sum, block, lane)
			continue
		}
		var other *uint8
		if a.other != nil {
			other = at(a.other, place)
		}
		*at(a.dst, place) = a.emulateEnd(sum, block, lane, other)
	}
}

// emulateSign makes a sign of a sum, by the table of 16 channels.
func emulateSign(sum int32, table *int64, lane int) uint8 {
	bounds := unsafe.Slice((*int32)(unsafe.Pointer(table)), 2*lanes)
	if uint32(bounds[lane]-sum) <= uint32(bounds[lanes+lane]) {
		return 1
	}
	return 0
}

// emulateShort makes a code of a sum in words of 16 bits, by the table of 16 channels.
func (a *args) emulateShort(sum int32, table *int64, lane int) uint8 {
	numbers := unsafe.Slice((*int32)(unsafe.Pointer(table)), 4*lanes)
	form := kernel.Short{Before: int16(numbers[lane]), Multiplier: int16(numbers[lanes+lane]), After: int16(numbers[2*lanes+lane]), Shift: uint8(numbers[3*lanes+lane])}
	return uint8(form.Code(int64(sum), int32(a.most)))
}

// emulateEnd makes a code of a sum, by the table of 16 channels.
func (a *args) emulateEnd(sum int32, table *int64, lane int, other *uint8) uint8 {
	const vector, shift, deep, multiplier, power, code = 8, 2, 3, 4, 5, 6 // numbers of a vector; vectors of the table
	wide := func(v int) int64 { return *at(table, vector*(v+lane%2)+lane/2) }
	narrow := func(v int) int64 { return int64(*at((*int32)(unsafe.Pointer(table)), 2*vector*v+lane)) }
	if a.powers != 0 {
		sum <<= narrow(power)
	}
	y := int64(sum)*narrow(multiplier) + wide(0)
	if other != nil {
		y += int64(*other) * wide(code)
	}
	rounded := max(0, min(y>>32>>narrow(deep), 1<<16-1)) >> narrow(shift)
	if rounded = min(rounded, 255); a.clamps != 0 {
		rounded = max(int64(a.least), min(rounded, int64(a.most)))
	}
	return uint8(rounded)
}

// emulatePadSigns does what avx512.PadSigns does, in Go.
func emulatePadSigns(b *vector.Band, buffer, x []uint8, row, rows int, bounds *avx512.SignBounds) {
	x = x[row/b.C.Pixels()*b.C.InLen():]
	b.CopyLines(buffer, row, rows, func(line []uint8, first, _ int) {
		for i := range line {
			at := i % (len(bounds) / 2)
			line[i] = 0
			if bounds[at]-x[first*b.C.InC+i] <= bounds[len(bounds)/2+at] {
				line[i] = 1
			}
		}
	})
}
