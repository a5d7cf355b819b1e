// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const lanes = 8

// Predicates of VCMPPS; all are false of NaN but notLessEqual.
const (
	notLessEqual = 0x16
	ordered      = 0x07
	less         = 0x11
	lessEqual    = 0x12
)

func text(name, arguments, doc string) {
	TEXT(name, NOSPLIT, "func("+arguments+")")
	Doc(doc)
	Pragma("noescape")
}

// broadcast loads a float32 argument into every lane.
func broadcast(name string) VecVirtual {
	address, err := Param(name).Resolve()
	if err != nil {
		panic(err)
	}
	v := YMM()
	VBROADCASTSS(address.Addr, v)
	return v
}

// elementwise generates a loop over n elements, a multiple of 8, of the named
// slices. The body gets the address of a vector in each.
func elementwise(name string, slices []string, arguments, doc string, prepare func() func(at []Mem)) {
	text(name, strings.Join(slices, ", ")+" *float32, n int"+arguments, doc)
	var base []Register
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
	}
	n := Load(Param("n"), GP64())
	body := prepare()
	address := func(vector int) (at []Mem) {
		for _, b := range base {
			at = append(at, Mem{Base: b, Disp: 4 * lanes * vector})
		}
		return at
	}
	advance := func(vectors int) {
		for _, b := range base {
			ADDQ(Imm(uint64(4*lanes*vectors)), b)
		}
	}
	const unroll = 4
	SUBQ(Imm(lanes*unroll), n)
	JLT(LabelRef("rest"))
	Label("many")
	for i := range unroll {
		body(address(i))
	}
	advance(unroll)
	SUBQ(Imm(lanes*unroll), n)
	JGE(LabelRef("many"))
	Label("rest")
	ADDQ(Imm(lanes*unroll), n)
	JE(LabelRef("done"))
	Label("single")
	body(address(0))
	advance(1)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("single"))
	Label("done")
	VZEROUPPER()
	RET()
}

func elementwiseKernels() {
	elementwise("addAVX2", []string{"dst", "a", "b"}, "", "addAVX2 is Add.", func() func([]Mem) {
		return func(at []Mem) {
			v := YMM()
			VMOVUPS(at[1], v)
			VADDPS(at[2], v, v)
			VMOVUPS(v, at[0])
		}
	})
	// The second source of VMAXPS and VMINPS (the first operand here) is the
	// result if one is NaN, or both are zero.
	elementwise("reluClampAVX2", []string{"dst", "src"}, ", hi float32", "reluClampAVX2 is ReLUClamp.", func() func([]Mem) {
		zero, hi := YMM(), broadcast("hi")
		VXORPS(zero, zero, zero)
		return func(at []Mem) {
			v := YMM()
			VMAXPS(at[1], zero, v)
			VMINPS(v, hi, v)
			VMOVUPS(v, at[0])
		}
	})
	elementwise("reluClampBackwardAVX2", []string{"dx", "src", "dy"}, ", hi float32", "reluClampBackwardAVX2 is ReLUClampBackward.", func() func([]Mem) {
		zero, hi := YMM(), broadcast("hi")
		VXORPS(zero, zero, zero)
		return func(at []Mem) {
			v, above, below := YMM(), YMM(), YMM()
			VMOVUPS(at[1], v)
			VCMPPS(Imm(less), v, zero, above)
			VCMPPS(Imm(less), hi, v, below)
			VANDPS(above, below, v)
			VANDPS(at[2], v, v)
			VMOVUPS(v, at[0])
		}
	})
	// Bits 0 to 3 of VROUNDPS: nearest even, without the inexact exception.
	const nearestEven = 8
	elementwise("fakeQuantizeAVX2", []string{"dst", "src"}, ", scale, lo, hi float32", "fakeQuantizeAVX2 is FakeQuantize.", func() func([]Mem) {
		scale, lo, hi := broadcast("scale"), broadcast("lo"), broadcast("hi")
		return func(at []Mem) {
			v := YMM()
			VMOVUPS(at[1], v)
			VDIVPS(scale, v, v)
			VROUNDPS(Imm(nearestEven), v, v)
			VMAXPS(v, lo, v)
			VMINPS(v, hi, v)
			VMULPS(scale, v, v)
			VMOVUPS(v, at[0])
		}
	})
	elementwise("fakeQuantizeBackwardAVX2", []string{"dx", "src", "dy"}, ", scale, lo, hi float32", "fakeQuantizeBackwardAVX2 is FakeQuantizeBackward.", func() func([]Mem) {
		scale, lo, hi := broadcast("scale"), broadcast("lo"), broadcast("hi")
		return func(at []Mem) {
			v, above, below := YMM(), YMM(), YMM()
			VMOVUPS(at[1], v)
			VDIVPS(scale, v, v)
			VROUNDPS(Imm(nearestEven), v, v)
			VCMPPS(Imm(lessEqual), v, lo, above)
			VCMPPS(Imm(lessEqual), hi, v, below)
			VANDPS(above, below, v)
			VANDPS(at[2], v, v)
			VMOVUPS(v, at[0])
		}
	})
}

func minMax() {
	text("minMaxAVX2", "src *float32, n int) (lo, hi float32", "minMaxAVX2 is MinMax of n elements, a positive multiple of 8.")
	src, n := Load(Param("src"), GP64()), Load(Param("n"), GP64())
	lo, hi, v := YMM(), YMM(), YMM()
	bits := GP32()
	for _, start := range []struct {
		bits uint32
		r    VecVirtual
	}{{0x7f800000, lo}, {0xff800000, hi}} {
		MOVL(U32(start.bits), bits)
		VMOVD(bits, start.r.AsX())
		VBROADCASTSS(start.r.AsX(), start.r)
	}
	Label("loop")
	VMOVUPS(Mem{Base: src}, v)
	VMINPS(lo, v, lo)
	VMAXPS(hi, v, hi)
	ADDQ(Imm(4*lanes), src)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("loop"))
	for _, fold := range []struct {
		name string
		r    VecVirtual
		op   func(...Op)
	}{{"lo", lo, VMINPS}, {"hi", hi, VMAXPS}} {
		x, half := fold.r.AsX(), XMM()
		VEXTRACTF128(Imm(1), fold.r, half)
		fold.op(half, x, x)
		VPERMILPS(Imm(0b1110), x, half)
		fold.op(half, x, x)
		VPERMILPS(Imm(0b01), x, half)
		fold.op(half, x, x)
		Store(x, Return(fold.name))
	}
	VZEROUPPER()
	RET()
}

func takeGreater() {
	text("takeGreaterAVX2", "best *float32, taps *uint8, x *float32, n int, tap uint8", "takeGreaterAVX2 is takeGreater of n elements, a positive multiple of 8.")
	best, taps, x, n := Load(Param("best"), GP64()), Load(Param("taps"), GP64()), Load(Param("x"), GP64()), Load(Param("n"), GP64())
	tap := XMM()
	tapByte := GP32()
	Load(Param("tap"), tapByte)
	VMOVD(tapByte, tap)
	VPBROADCASTB(tap, tap)
	old, v, take, keep, high, bytes := YMM(), YMM(), YMM(), YMM(), XMM(), XMM()
	Label("loop")
	VMOVUPS(Mem{Base: best}, old)
	VMOVUPS(Mem{Base: x}, v)
	VCMPPS(Imm(notLessEqual), old, v, take)
	VCMPPS(Imm(ordered), old, old, keep)
	VANDPS(keep, take, take)
	VBLENDVPS(take, v, old, old)
	VMOVUPS(old, Mem{Base: best})
	VEXTRACTF128(Imm(1), take, high)
	VPACKSSDW(high, take.AsX(), high)
	VPACKSSWB(high, high, high)
	VMOVQ(Mem{Base: taps}, bytes)
	VPBLENDVB(high, tap, bytes, bytes)
	VMOVQ(bytes, Mem{Base: taps})
	ADDQ(Imm(4*lanes), best)
	ADDQ(Imm(4*lanes), x)
	ADDQ(Imm(lanes), taps)
	SUBQ(Imm(lanes), n)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// byRow generates a loop over rows of n channels, each coefficient being a
// slice per channel; n modulo 8 channels at the end are left alone. The body
// gets the address of a vector in each slice.
func byRow(name string, slices, coefficients []string, doc string, body func(at, coefficient []Mem)) {
	text(name, strings.Join(append(append([]string{}, slices...), coefficients...), ", ")+" *float32, rows, n int", doc)
	var base, per []Register
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
	}
	for _, s := range coefficients {
		per = append(per, Load(Param(s), GP64()))
	}
	rows, n := Load(Param("rows"), GP64()), Load(Param("n"), GP64())
	whole, c := GP64(), GP64()
	SHLQ(Imm(2), n)
	MOVQ(n, whole)
	ANDQ(I32(-4*lanes), whole)
	Label("row")
	XORQ(c, c)
	Label("column")
	var at, coefficient []Mem
	for _, b := range base {
		at = append(at, Mem{Base: b, Index: c, Scale: 1})
	}
	for _, b := range per {
		coefficient = append(coefficient, Mem{Base: b, Index: c, Scale: 1})
	}
	body(at, coefficient)
	ADDQ(Imm(4*lanes), c)
	CMPQ(c, whole)
	JLT(LabelRef("column"))
	for _, b := range base {
		ADDQ(n, b)
	}
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

func channelKernels() {
	scaled := func(at, coefficient []Mem) VecVirtual {
		v := YMM()
		VMOVUPS(at[1], v)
		VMULPS(coefficient[0], v, v)
		VADDPS(coefficient[1], v, v)
		return v
	}
	byRow("scaleShiftAVX2", []string{"dst", "src"}, []string{"a", "b"}, "scaleShiftAVX2 is ScaleShift of whole vectors of channels.", func(at, coefficient []Mem) {
		VMOVUPS(scaled(at, coefficient), at[0])
	})
	byRow("addScaleShiftAVX2", []string{"dst", "src"}, []string{"a", "b"}, "addScaleShiftAVX2 is AddScaleShift of whole vectors of channels.", func(at, coefficient []Mem) {
		v := scaled(at, coefficient)
		VADDPS(at[0], v, v)
		VMOVUPS(v, at[0])
	})
	byRow("combineAVX2", []string{"dst", "x", "y"}, []string{"a", "b", "s"}, "combineAVX2 is Combine of whole vectors of channels.", func(at, coefficient []Mem) {
		x, y := YMM(), YMM()
		VMOVUPS(at[1], x)
		VMULPS(coefficient[0], x, x)
		VMOVUPS(at[2], y)
		VMULPS(coefficient[1], y, y)
		VADDPS(y, x, x)
		VADDPS(coefficient[2], x, x)
		VMOVUPS(x, at[0])
	})
}

// sums generates two sums per channel over rows, of 16 channels or of 8. The
// body adds one vector of a row to both sums.
func sums(name string, slices []string, shift bool, doc string, body func(at []Mem, shift, first, second VecVirtual)) {
	arguments := "s *[2][16]float32, " + strings.Join(slices, ", ")
	if shift {
		arguments += ", shift"
	}
	text(name, arguments+" *float32, rows, n, wide int", doc)
	var base []Register
	for _, s := range slices {
		base = append(base, Load(Param(s), GP64()))
	}
	rows, n, wide := Load(Param("rows"), GP64()), Load(Param("n"), GP64()), Load(Param("wide"), GP64())
	out := Load(Param("s"), GP64())
	SHLQ(Imm(2), n)
	CMPQ(wide, Imm(lanes))
	JEQ(LabelRef("narrow"))
	for vectors := 2; vectors > 0; vectors-- {
		if vectors == 1 {
			Label("narrow")
		}
		var shifts, first, second [2]VecVirtual
		for i := range vectors {
			first[i], second[i], shifts[i] = YMM(), YMM(), YMM()
			VXORPS(first[i], first[i], first[i])
			VXORPS(second[i], second[i], second[i])
			if shift {
				at := Load(Param("shift"), GP64())
				VMOVUPS(Mem{Base: at, Disp: 4 * lanes * i}, shifts[i])
			}
		}
		loop := fmt.Sprintf("rows%d", vectors)
		Label(loop)
		for i := range vectors {
			var at []Mem
			for _, b := range base {
				at = append(at, Mem{Base: b, Disp: 4 * lanes * i})
			}
			body(at, shifts[i], first[i], second[i])
		}
		for _, b := range base {
			ADDQ(n, b)
		}
		DECQ(rows)
		JNE(LabelRef(loop))
		for i := range vectors {
			VMOVUPS(first[i], Mem{Base: out, Disp: 4 * lanes * i})
			VMOVUPS(second[i], Mem{Base: out, Disp: 4 * (16 + lanes*i)})
		}
		VZEROUPPER()
		RET()
	}
}

func sumKernels() {
	sums("channelMomentsAVX2", []string{"src"}, true, "channelMomentsAVX2 sums src-shift and its square over rows, per channel.", func(at []Mem, shift, first, second VecVirtual) {
		d := YMM()
		VMOVUPS(at[0], d)
		VSUBPS(shift, d, d)
		VADDPS(d, first, first)
		VMULPS(d, d, d)
		VADDPS(d, second, second)
	})
	sums("channelDotsAVX2", []string{"dy", "x"}, false, "channelDotsAVX2 sums dy and dy*x over rows, per channel.", func(at []Mem, _, first, second VecVirtual) {
		d := YMM()
		VMOVUPS(at[0], d)
		VADDPS(d, first, first)
		VMULPS(at[1], d, d)
		VADDPS(d, second, second)
	})
}

// transpose generates the transposition of 16 rows of src, stride elements
// apart, into a panel of k rows of 16, 8 x 8 elements at a time.
func transpose() {
	text("transposeAVX2", "panel, src *float32, stride, k int", "transposeAVX2 is transpose of 16 columns and k steps, a positive multiple of 8.")
	panel, src, stride, k := Load(Param("panel"), GP64()), Load(Param("src"), GP64()), Load(Param("stride"), GP64()), Load(Param("k"), GP64())
	SHLQ(Imm(2), stride)
	three, half := GP64(), GP64()
	LEAQ(Mem{Base: stride, Index: stride, Scale: 2}, three)
	Label("loop")
	for block := range 2 {
		// Rows 0 to 3 in the low halves, rows 4 to 7 in the high ones.
		low := GP64()
		if block == 0 {
			MOVQ(src, low)
		} else {
			LEAQ(Mem{Base: half, Index: stride, Scale: 4}, low)
		}
		half = GP64()
		LEAQ(Mem{Base: low, Index: stride, Scale: 4}, half)
		row := func(base Register, i, column int) Mem {
			m := Mem{Base: base, Disp: 4 * column}
			switch i {
			case 1:
				m.Index, m.Scale = stride, 1
			case 2:
				m.Index, m.Scale = stride, 2
			case 3:
				m.Index, m.Scale = three, 1
			}
			return m
		}
		for _, column := range []int{0, 4} {
			var in [4]VecVirtual
			for i := range in {
				in[i] = YMM()
				VBROADCASTF128(row(low, i, column), in[i])
				VINSERTF128(Imm(1), row(half, i, column), in[i], in[i])
			}
			a, b, c, d := YMM(), YMM(), YMM(), YMM()
			VUNPCKLPS(in[1], in[0], a) // 00 10 01 11
			VUNPCKHPS(in[1], in[0], b) // 02 12 03 13
			VUNPCKLPS(in[3], in[2], c)
			VUNPCKHPS(in[3], in[2], d)
			for i, pair := range [][2]VecVirtual{{a, c}, {b, d}} {
				even, odd := YMM(), YMM()
				VUNPCKLPD(pair[1], pair[0], even)
				VUNPCKHPD(pair[1], pair[0], odd)
				VMOVUPS(even, Mem{Base: panel, Disp: 4 * (16*(column+2*i) + 8*block)})
				VMOVUPS(odd, Mem{Base: panel, Disp: 4 * (16*(column+2*i+1) + 8*block)})
			}
		}
	}
	ADDQ(Imm(4*8), src)
	ADDQ(U32(4*8*16), panel)
	SUBQ(Imm(8), k)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

// copyRows generates a copy of rows of n elements between two pitches.
func copyRows() {
	text("copyRowsAVX2", "dst *float32, dstPitch int, src *float32, srcPitch, n, rows int", "copyRowsAVX2 is copyRows of n elements, a positive multiple of 16.")
	dst, src := Load(Param("dst"), GP64()), Load(Param("src"), GP64())
	dstPitch, srcPitch := Load(Param("dstPitch"), GP64()), Load(Param("srcPitch"), GP64())
	n, rows := Load(Param("n"), GP64()), Load(Param("rows"), GP64())
	SHLQ(Imm(2), dstPitch)
	SHLQ(Imm(2), srcPitch)
	SHLQ(Imm(2), n)
	at, low, high := GP64(), YMM(), YMM()
	Label("row")
	XORQ(at, at)
	Label("line")
	VMOVUPS(Mem{Base: src, Index: at, Scale: 1}, low)
	VMOVUPS(Mem{Base: src, Index: at, Scale: 1, Disp: 32}, high)
	VMOVUPS(low, Mem{Base: dst, Index: at, Scale: 1})
	VMOVUPS(high, Mem{Base: dst, Index: at, Scale: 1, Disp: 32})
	ADDQ(Imm(64), at)
	CMPQ(at, n)
	JLT(LabelRef("line"))
	ADDQ(dstPitch, dst)
	ADDQ(srcPitch, src)
	DECQ(rows)
	JNE(LabelRef("row"))
	VZEROUPPER()
	RET()
}

// peak generates a loop of 12 independent multiply-adds, 192 operations.
func peak() {
	text("peakAVX2", "rounds int", "peakAVX2 is Peak of a positive number of rounds of 12 vectors.")
	rounds := Load(Param("rounds"), GP64())
	var sums [12]VecVirtual
	for i := range sums {
		sums[i] = YMM()
		VXORPS(sums[i], sums[i], sums[i])
	}
	x := YMM()
	VXORPS(x, x, x)
	Label("loop")
	for _, s := range sums {
		VFMADD231PS(x, x, s)
	}
	DECQ(rounds)
	JNE(LabelRef("loop"))
	VZEROUPPER()
	RET()
}

func main() {
	ConstraintExpr("!purego")
	elementwiseKernels()
	minMax()
	takeGreater()
	channelKernels()
	sumKernels()
	transpose()
	copyRows()
	peak()
	Generate()
}
