// SPDX-License-Identifier: Apache-2.0

package neon

import (
	"fmt"

	. "github.com/goqat/goqat/infer/internal/kernel/_asm/arm64"
)

// depthwise generates the depthwise convolution.
func depthwise(f *File) {
	l := &depthwiseLoops{File: f}
	l.Func("depthwiseRow", "acc *int32, x *uint8, offsets *int32, pairs int, channels int, pixels int, step int, w *int16, start *int32",
		"depthwiseRow is, for c < channels, of which there are at least 16, and p < pixels,", "",
		"\tacc[p·channels+c] = start[c] + Σ over 2·pairs taps of x[p·step+offsets[tap]+c]·w[tap][c]", "",
		"The weights are in blocks of 16 channels, the last of which ends with the channels and can overlap the one before:",
		"[block][2·pairs][16].")
	l.acc, l.x, l.channels, l.pixels, l.step = l.Param("acc"), l.Param("x"), l.Param("channels"), l.Param("pixels"), l.Param("step")
	l.channel, l.last, l.offsets, l.pairs, l.w, l.at, l.offset = l.GP(), l.GP(), l.GP(), l.GP(), l.GP(), l.GP(), l.GP()
	for i := range l.rows {
		l.rows[i] = l.GP()
	}
	l.Op("SUB $16, %v, %v", l.channels, l.last)
	l.together(4)
	l.together(1)
	l.Op("RET")
}

// depthwiseLoops are those over pixels, blocks of channels and pairs of taps.
type depthwiseLoops struct {
	*File
	acc, x, channels, pixels, step               R
	channel, last, offsets, pairs, w, at, offset R
	rows                                         [4]R // of codes
}

// together generates the loop over n pixels at a time, which share the weights that are loaded, as long as there are n.
func (l *depthwiseLoops) together(n int) {
	const sums, weights, codes = V(0), V(16), V(18)
	name := func(s string) string { return fmt.Sprintf("%s%d", s, n) }
	l.Label(name("pixels"))
	l.Op("CMP $%d, %v", n, l.pixels)
	l.Op("BLT %s", name("less"))
	l.Op("MOVD ZR, %v", l.channel)
	l.Load("w", l.w)
	l.Label(name("block"))
	l.Load("start", l.at)
	l.Op("ADD %v<<2, %v", l.channel, l.at)
	l.Op("VLD1 (%v), %s", l.at, Vs(sums, 4, "S4"))
	for i := V(4); i < V(4*n); i++ {
		l.Op("VORR %v.B16, %v.B16, %v.B16", sums+i%4, sums+i%4, sums+i)
	}
	l.Op("ADD %v, %v, %v", l.channel, l.x, l.rows[0])
	for i := 1; i < n; i++ {
		l.Op("ADD %v, %v, %v", l.step, l.rows[i-1], l.rows[i])
	}
	l.Load("offsets", l.offsets)
	l.Load("pairs", l.pairs)
	l.Label(name("pair"))
	for range 2 {
		l.Op("MOVW.P 4(%v), %v", l.offsets, l.offset)
		l.Op("VLD1.P 32(%v), %s", l.w, Vs(weights, 2, "H8"))
		for i := range n {
			l.Op("ADD %v, %v, %v", l.offset, l.rows[i], l.at)
			l.Op("VLD1 (%v), %s", l.at, Vs(codes+V(2*i), 1, "B16"))
		}
		for i := range n {
			l.Op("VUXTL2 %v.B16, %v.H8", codes+V(2*i), codes+V(2*i+1))
			l.Op("VUXTL %v.B8, %v.H8", codes+V(2*i), codes+V(2*i))
		}
		for i := range n {
			for k := range V(4) {
				l.SMLAL(sums+V(4*i)+k, codes+V(2*i)+k/2, weights+k/2, 1, k%2 == 1)
			}
		}
	}
	l.Op("SUBS $1, %v, %v", l.pairs, l.pairs)
	l.Op("BNE %s", name("pair"))
	l.Op("ADD %v<<2, %v, %v", l.channel, l.acc, l.at)
	for i := range n {
		l.Op("VST1 %s, (%v)", Vs(sums+V(4*i), 4, "S4"), l.at)
		l.Op("ADD %v<<2, %v", l.channels, l.at)
	}
	l.Op("CMP %v, %v", l.last, l.channel)
	l.Op("BGE %s", name("done"))
	l.Op("ADD $16, %v", l.channel)
	l.Op("CMP %v, %v", l.last, l.channel)
	l.Op("CSEL LT, %v, %v, %v", l.channel, l.last, l.channel)
	l.Op("B %s", name("block"))
	l.Label(name("done"))
	for range n {
		l.Op("ADD %v, %v", l.step, l.x)
		l.Op("ADD %v<<2, %v", l.channels, l.acc)
	}
	l.Op("SUB $%d, %v", n, l.pixels)
	l.Op("B %s", name("pixels"))
	l.Label(name("less"))
}
