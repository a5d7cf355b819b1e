// SPDX-License-Identifier: Apache-2.0

package neon

import (
	"fmt"

	. "github.com/goqat/goqat/infer/internal/kernel/_asm/arm64"
)

// pool generates the pooling.
func pool(f *File) {
	maximum(f, 16)
	maximum(f, 32)
	sumRow(f)
}

// loops generates the loops over pixels, over blocks of channels, the last of which ends with the channels and can
// overlap the one before, and over the taps of the window. first begins a block, next gets the address of a
// tap's, last the index of the block. dst goes on by so many bytes a channel, as a shift.
func loops(f *File, block int, dst R, size int, first func(), next, last func(R)) {
	x, channels, pixels, step := f.Param("x"), f.Param("channels"), f.Param("pixels"), f.Param("step")
	end, channel, row, offsets, offset, taps := f.GP(), f.GP(), f.GP(), f.GP(), f.GP(), f.GP()
	f.Op("SUB $%d, %v, %v", block, channels, end) // the last block
	f.Label("pixel")
	f.Op("MOVD ZR, %v", channel)
	f.Label("block")
	f.Load("taps", taps)
	f.Load("offsets", offsets)
	f.Op("ADD %v, %v, %v", channel, x, row)
	first()
	f.Label("tap")
	f.Op("MOVW.P 4(%v), %v", offsets, offset)
	f.Op("ADD %v, %v", row, offset)
	next(offset)
	f.Op("SUBS $1, %v, %v", taps, taps)
	f.Op("BNE tap")
	last(channel)
	f.Op("CMP %v, %v", end, channel)
	f.Op("BGE done")
	f.Op("ADD $%d, %v", block, channel)
	f.Op("CMP %v, %v", end, channel)
	f.Op("CSEL LT, %v, %v, %v", channel, end, channel)
	f.Op("B block")
	f.Label("done")
	f.Op("ADD %v, %v", step, x)
	f.Op("ADD %v<<%d, %v", channels, size, dst)
	f.Op("SUBS $1, %v, %v", pixels, pixels)
	f.Op("BNE pixel")
	f.Op("RET")
}

func maximum(f *File, block int) {
	name := fmt.Sprintf("maxRow%d", block)
	f.Func(name, "dst *uint8, x *uint8, offsets *int32, taps int, channels int, pixels int, step int",
		fmt.Sprintf("%s is, for c < channels, of which there are at least %d, and p < pixels,", name, block), "",
		"\tdst[p·channels+c] = max over taps of x[p·step+offsets[tap]+c]")
	const most, codes = V(0), V(2)
	dst, to := f.Param("dst"), f.GP()
	n := block / 16
	loops(f, block, dst, 0,
		func() {
			for i := range V(n) {
				f.Op("VEOR %v.B16, %v.B16, %v.B16", most+i, most+i, most+i)
			}
		},
		func(from R) {
			f.Op("VLD1 (%v), %s", from, Vs(codes, n, "B16"))
			for i := range V(n) {
				f.Op("VUMAX %v.B16, %v.B16, %v.B16", codes+i, most+i, most+i)
			}
		},
		func(channel R) {
			f.Op("ADD %v, %v, %v", channel, dst, to)
			f.Op("VST1 %s, (%v)", Vs(most, n, "B16"), to)
		})
}

func sumRow(f *File) {
	f.Func("sumRow", "acc *int32, x *uint8, offsets *int32, taps int, channels int, pixels int, step int, start int",
		"sumRow is, for c < channels, of which there are at least 8, and p < pixels,", "",
		"\tacc[p·channels+c] = start + Σ over taps of x[p·step+offsets[tap]+c]")
	const sums, start, codes = V(0), V(2), V(3)
	acc, to := f.Param("acc"), f.GP()
	f.Load("start", to)
	f.Op("VDUP %v, %v.S4", to, start)
	loops(f, 8, acc, 2,
		func() {
			for i := range V(2) {
				f.Op("VORR %v.B16, %v.B16, %v.B16", start, start, sums+i)
			}
		},
		func(from R) {
			f.Op("VLD1 (%v), %s", from, Vs(codes, 1, "B8"))
			f.Op("VUXTL %v.B8, %v.H8", codes, codes)
			f.Op("VUADDW %v.H4, %v.S4, %v.S4", codes, sums, sums)
			f.Op("VUADDW2 %v.H8, %v.S4, %v.S4", codes, sums+1, sums+1)
		},
		func(channel R) {
			f.Op("ADD %v<<2, %v, %v", channel, acc, to)
			f.Op("VST1 %s, (%v)", Vs(sums, 2, "S4"), to)
		})
}
