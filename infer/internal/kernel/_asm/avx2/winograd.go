// SPDX-License-Identifier: Apache-2.0

package avx2

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// winograd generates the convolution of 3 × 3 taps by products at the points 0, ±1, ±2 and ∞ of polynomials, in lines and
// in columns; see vector.Winograd for what the transforms are.
func winograd() {
	transformCodes()
	packWeights()
	transformWeights()
	transformSums()
	for n := 1; n <= maxRows; n++ {
		dotPoints(n)
	}
}

// sum returns a + b, of numbers of the size that add takes.
func sum(add func(ops ...Op), a, b Op) VecVirtual {
	y := YMM()
	add(b, a, y)
	return y
}

// timesWords returns a·2^power.
func timesWords(a VecVirtual, power uint64) VecVirtual {
	y := YMM()
	VPSLLW(Imm(power), a, y)
	return y
}

// timesSums is timesWords for numbers of 32 bits.
func timesSums(a VecVirtual, power uint64) VecVirtual {
	y := YMM()
	VPSLLD(Imm(power), a, y)
	return y
}

// spreadCodes returns the values at six points of six codes.
func spreadCodes(d [6]VecVirtual) [6]VecVirtual {
	a := sum(VPSUBW, timesWords(d[2], 2), d[4])
	b := sum(VPSUBW, timesWords(d[1], 2), d[3])
	c := sum(VPSUBW, d[4], d[2])
	e := sum(VPSUBW, d[3], d[1])
	twice := sum(VPADDW, e, e)
	first := sum(VPADDW, c, timesWords(sum(VPSUBW, d[0], d[2]), 2))
	last := sum(VPSUBW, sum(VPSUBW, d[5], d[3]), timesWords(twice, 1))
	return [6]VecVirtual{first, sum(VPADDW, a, b), sum(VPSUBW, a, b), sum(VPADDW, c, twice), sum(VPSUBW, c, twice), last}
}

// spreadWeights returns the values at six points of three weights.
func spreadWeights(g [3]VecVirtual) [6]VecVirtual {
	three := func(x VecVirtual) VecVirtual { return sum(VPADDW, x, sum(VPADDW, x, x)) }
	even, odd := sum(VPADDW, g[0], timesWords(g[2], 2)), sum(VPADDW, g[1], g[1])
	outer := sum(VPADDW, g[0], g[2])
	return [6]VecVirtual{
		three(g[0]), sum(VPADDW, outer, g[1]), sum(VPSUBW, outer, g[1]), sum(VPADDW, even, odd), sum(VPSUBW, even, odd), three(g[2]),
	}
}

// collectSums returns four sums, times 24, from the products at six points.
func collectSums(m [6]VecVirtual) [4]VecVirtual {
	s, d := sum(VPADDD, m[1], m[2]), sum(VPSUBD, m[1], m[2])
	t, e := sum(VPADDD, m[3], m[4]), sum(VPSUBD, m[3], m[4])
	first := sum(VPADDD, t, timesSums(sum(VPADDD, m[0], sum(VPADDD, s, s)), 1))
	second := timesSums(sum(VPADDD, e, sum(VPADDD, d, d)), 1)
	third := timesSums(sum(VPADDD, s, t), 2)
	outer := sum(VPADDD, e, m[5])
	return [4]VecVirtual{first, second, third, timesSums(sum(VPADDD, d, sum(VPADDD, outer, outer)), 2)}
}

// A lattice is six lines of places in memory, step bytes apart, from a register on.
type lattice struct{ at, middle, step GPVirtual }

// newLattice returns a lattice from an address on; it moves where the address does, by move.
func newLattice(at, step GPVirtual) lattice {
	l := lattice{at, GP64(), step}
	LEAQ(Mem{Base: step, Index: step, Scale: 2}, l.middle)
	ADDQ(at, l.middle)
	return l
}

// line returns the start of line i.
func (l lattice) line(i int) Mem {
	base := l.at
	if i >= 3 {
		base = l.middle
	}
	switch i % 3 {
	case 1:
		return Mem{Base: base, Index: l.step, Scale: 1}
	case 2:
		return Mem{Base: base, Index: l.step, Scale: 2}
	default:
		return Mem{Base: base}
	}
}

// move moves the lattice by so many bytes.
func (l lattice) move(bytes Op) {
	ADDQ(bytes, l.at)
	ADDQ(bytes, l.middle)
}

func transformCodes() {
	TEXT("transformCodes", NOSPLIT, "func(points *uint8, point int, codes *uint8, pitch, channels, tiles int)")
	Doc("transformCodes writes the 6 × 6 points of tiles of 6 × 6 pixels, each four pixels after the one before. Lines of",
		"the codes are pitch bytes apart, points are [tile][36][channels] words, those of a point so many bytes after those of",
		"the one before. The channels are a multiple of 16.")
	Pragma("noescape")
	points, codes := Load(Param("points"), GP64()).(GPVirtual), Load(Param("codes"), GP64()).(GPVirtual)
	pitch, channels := Load(Param("pitch"), GP64()).(GPVirtual), Load(Param("channels"), GP64()).(GPVirtual)
	word, line := Load(Param("point"), GP64()).(GPVirtual), GP64()
	IMUL3Q(Imm(6), word, line)
	Label("tile")
	channel := GP64()
	XORQ(channel, channel)
	Label("block")
	x, to := GP64(), GP64()
	LEAQ(Mem{Base: codes, Index: channel, Scale: 1}, x)
	LEAQ(Mem{Base: points, Index: channel, Scale: 2}, to)
	from, columns := newLattice(x, pitch), newLattice(to, line)
	for range 6 {
		var d [6]VecVirtual
		for i := range d {
			d[i] = YMM()
			VPMOVZXBW(from.line(i), d[i])
		}
		for i, y := range spreadCodes(d) {
			VMOVDQU(y, columns.line(i))
		}
		from.move(channels)
		columns.move(word)
	}
	LEAQ(Mem{Base: points, Index: channel, Scale: 2}, to)
	lines := newLattice(to, word)
	for range 6 {
		var d [6]VecVirtual
		for i := range d {
			d[i] = YMM()
			VMOVDQU(lines.line(i), d[i])
		}
		for i, y := range spreadCodes(d) {
			VMOVDQU(y, lines.line(i))
		}
		lines.move(line)
	}
	ADDQ(Imm(16), channel)
	CMPQ(channel, channels)
	JLT(LabelRef("block"))
	LEAQ(Mem{Base: codes, Index: channels, Scale: 4}, codes)
	LEAQ(Mem{Base: line, Index: line, Scale: 2}, x)
	LEAQ(Mem{Base: points, Index: x, Scale: 2}, points)
	tiles := Load(Param("tiles"), GP64())
	DECQ(tiles)
	Store(tiles, Param("tiles"))
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// rowsOf8 returns the places of eight rows, stride bytes apart, from a register on.
func rowsOf8(at, stride GPVirtual) func(i int) Mem {
	odd := [4]GPVirtual{stride, GP64(), GP64(), GP64()} // 1, 3, 5 and 7 strides
	for i := 1; i < len(odd); i++ {
		LEAQ(Mem{Base: odd[i-1], Index: stride, Scale: 2}, odd[i])
	}
	return func(i int) Mem {
		if i == 0 {
			return Mem{Base: at}
		}
		scale := i & -i
		return Mem{Base: at, Index: odd[i/scale/2], Scale: uint8(scale)}
	}
}

// transpose8 returns the columns of eight rows of eight words, in either half of registers.
func transpose8(rows [8]VecVirtual) [8]VecVirtual {
	unpack := func(low, high func(ops ...Op), a, b VecVirtual) [2]VecVirtual {
		y := [2]VecVirtual{YMM(), YMM()}
		low(b, a, y[0])
		high(b, a, y[1])
		return y
	}
	var words, pairs [4][2]VecVirtual
	for i := range words {
		words[i] = unpack(VPUNPCKLWD, VPUNPCKHWD, rows[2*i], rows[2*i+1])
	}
	var columns [8]VecVirtual
	for half := range 2 {
		for i := range 2 {
			pairs[2*half+i] = unpack(VPUNPCKLDQ, VPUNPCKHDQ, words[2*i][half], words[2*i+1][half])
		}
		for i := range 2 {
			four := unpack(VPUNPCKLQDQ, VPUNPCKHQDQ, pairs[2*half][i], pairs[2*half+1][i])
			copy(columns[4*half+2*i:], four[:])
		}
	}
	return columns
}

func packWeights() {
	TEXT("packWeights", NOSPLIT, "func(dst *uint8, w *int8, channels, steps int)")
	Doc("packWeights writes the weights [16][9][channels] of 16 outputs, from w on, as [steps][9][16][2]. The steps are a",
		"multiple of 8.")
	Pragma("noescape")
	dst, w := Load(Param("dst"), GP64()).(GPVirtual), Load(Param("w"), GP64()).(GPVirtual)
	channels, stride, tap := Load(Param("channels"), GP64()).(GPVirtual), GP64(), GP64()
	LEAQ(Mem{Base: channels, Index: channels, Scale: 8}, stride)
	second, at, to, left := GP64(), GP64(), GP64(), GP64()
	upper, lower := rowsOf8(at, stride), GP64()
	MOVQ(stride, second)
	SHLQ(Imm(3), second)
	MOVQ(U32(9), tap)
	Label("tap")
	MOVQ(w, at)
	MOVQ(dst, to)
	Load(Param("steps"), left)
	Label("block")
	LEAQ(Mem{Base: at, Index: second, Scale: 1}, lower)
	var rows [8]VecVirtual
	for i := range rows {
		rows[i] = YMM()
		from := upper(i)
		VBROADCASTI128(from, rows[i])
		from.Base = lower
		VINSERTI128(Imm(1), from, rows[i], rows[i])
	}
	for i, column := range transpose8(rows) {
		VMOVDQU(column, Mem{Base: to, Disp: i * 9 * 32})
	}
	ADDQ(Imm(16), at)
	ADDQ(U32(8*9*32), to)
	SUBQ(Imm(8), left)
	JNZ(LabelRef("block"))
	ADDQ(Imm(32), dst)
	ADDQ(channels, w)
	DECQ(tap)
	JNZ(LabelRef("tap"))
	VZEROUPPER()
	RET()
}

func transformWeights() {
	TEXT("transformWeights", NOSPLIT, "func(points *uint8, pitch int, w *uint8, steps int)")
	Doc("transformWeights writes the 6 × 6 points of kernels of 3 × 3 weights. The weights are [steps][3][3][16][2], the",
		"points [6][6][steps][16][2] words, those of a point pitch bytes after those of the one before.")
	Pragma("noescape")
	points, w, steps := Load(Param("points"), GP64()).(GPVirtual), Load(Param("w"), GP64()).(GPVirtual), Load(Param("steps"), GP64())
	pitch, line := Load(Param("pitch"), GP64()).(GPVirtual), GP64()
	IMUL3Q(Imm(6), pitch, line)
	Label("step")
	for half := range 2 {
		to := GP64()
		MOVQ(points, to)
		lines := newLattice(to, pitch)
		put := func(g [3]VecVirtual) {
			for i, y := range spreadWeights(g) {
				m := lines.line(i)
				m.Disp = 32 * half
				VMOVDQU(y, m)
			}
			lines.move(line)
		}
		tap := func(line, column int) VecVirtual {
			g := YMM()
			VPMOVSXBW(Mem{Base: w, Disp: (3*line+column)*32 + 16*half}, g)
			return g
		}
		three := func(line int) (g [3]VecVirtual) { // three times a line
			for i := range g {
				x := tap(line, i)
				g[i] = sum(VPADDW, x, sum(VPADDW, x, x))
			}
			return g
		}
		pair := func(power uint64) (plus, minus [3]VecVirtual) { // even and odd terms at a point, and at its negative
			for i := range plus {
				even, odd := tap(2, i), tap(1, i)
				if power > 0 {
					even, odd = timesWords(even, 2*power), timesWords(odd, power)
				}
				even = sum(VPADDW, tap(0, i), even)
				plus[i], minus[i] = sum(VPADDW, even, odd), sum(VPSUBW, even, odd)
			}
			return plus, minus
		}
		put(three(0))
		for power := range uint64(2) {
			plus, minus := pair(power)
			put(plus)
			put(minus)
		}
		put(three(2))
	}
	ADDQ(U32(9*32), w)
	ADDQ(Imm(64), points)
	DECQ(steps)
	JNZ(LabelRef("step"))
	VZEROUPPER()
	RET()
}

func transformSums() {
	const inverse, shift = 0x38e38e39, 6 // of 9 modulo 2^32; 24·24 = 9·2^6
	TEXT("transformSums", NOSPLIT, "func(acc *int32, pitch int, sums *int32, tiles int, start *int32)")
	Doc("transformSums adds to start the 4 × 4 sums of 16 channels of tiles, each four pixels before the one before it. Lines of",
		"acc are pitch bytes apart, pixels 64; sums are those at the points, [tile][6][6][16], the last tile first and lost.")
	Pragma("noescape")
	acc, sums := Load(Param("acc"), GP64()).(GPVirtual), Load(Param("sums"), GP64()).(GPVirtual)
	pitch, tiles, start := Load(Param("pitch"), GP64()).(GPVirtual), Load(Param("tiles"), GP64()), Load(Param("start"), GP64())
	ninth := YMM()
	number := GP32()
	MOVL(U32(inverse), number)
	VMOVD(number, ninth.AsX())
	VPBROADCASTD(ninth.AsX(), ninth)
	Label("tile")
	for half := range 2 {
		at := func(line, column int) Mem { return Mem{Base: sums, Disp: (line*6+column)*64 + half*32} }
		for column := range 6 {
			var m [6]VecVirtual
			for i := range m {
				m[i] = YMM()
				VMOVDQU(at(i, column), m[i])
			}
			for i, y := range collectSums(m) {
				VMOVDQU(y, at(i, column))
			}
		}
		to := GP64()
		MOVQ(acc, to)
		for line := range 4 {
			var m [6]VecVirtual
			for i := range m {
				m[i] = YMM()
				VMOVDQU(at(line, i), m[i])
			}
			for i, y := range collectSums(m) {
				VPMULLD(ninth, y, y)
				VPSRAD(Imm(shift), y, y)
				VPADDD(Mem{Base: start, Disp: 32 * half}, y, y)
				VMOVDQU(y, Mem{Base: to, Disp: 64*i + 32*half})
			}
			ADDQ(pitch, to)
		}
	}
	SUBQ(U32(36*64), sums)
	SUBQ(U32(4*64), acc)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	VZEROUPPER()
	RET()
}

// dotPoints generates the products at all points, two channels of the input a step.
func dotPoints(n int) {
	TEXT(fmt.Sprintf("dotPoints%d", n), NOSPLIT, "func(sums *int32, x *uint8, stride, point, tiles int, w *uint8, pitch, steps int, more bool)")
	Doc(fmt.Sprintf("dotPoints%d is the products of words at 36 points, %d rows at a time:", n, n), "",
		"\tsums[r][p][c] = Σ x[r][p][k]·w[p][k][c]", "",
		"modulo 2^32 for tiles × "+fmt.Sprint(n)+" rows and 16 columns, or adds that to sums. Rows of x are stride bytes apart, of 36",
		"points, point bytes apart, with 2·steps words; w is [36][steps][16][2], points pitch bytes apart.")
	Pragma("noescape")
	sums, x, stride := Load(Param("sums"), GP64()).(GPVirtual), Load(Param("x"), GP64()).(GPVirtual), Load(Param("stride"), GP64()).(GPVirtual)
	w, points := Load(Param("w"), GP64()).(GPVirtual), AllocLocal(8)
	MOVQ(U32(36), points)
	Label("point")
	to, tiles, tile := GP64(), GP64(), GP64()
	MOVQ(sums, to)
	Load(Param("tiles"), tiles)
	MOVQ(x, tile)
	Label("tile")
	row := GP64()
	MOVQ(tile, row)
	rows := newLattice(row, stride)
	acc := startPoints(n, to)
	from, left := GP64(), GP64()
	MOVQ(w, from)
	Load(Param("steps"), left)
	loopLabel("step")
	w0, w1, q, product := YMM(), YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: from}, w0)
	VMOVDQU(Mem{Base: from, Disp: 32}, w1)
	for i := range n {
		VPBROADCASTD(rows.line(i), q)
		VPMADDWD(q, w0, product)
		VPADDD(product, acc[i][0], acc[i][0])
		VPMADDWD(q, w1, q)
		VPADDD(q, acc[i][1], acc[i][1])
	}
	rows.move(Imm(4))
	ADDQ(Imm(64), from)
	DECQ(left)
	JNZ(LabelRef("step"))
	for i, a := range acc {
		VMOVDQU(a[0], Mem{Base: to, Disp: 36 * 64 * i})
		VMOVDQU(a[1], Mem{Base: to, Disp: 36*64*i + 32})
	}
	ADDQ(U32(uint32(36*64*n)), to)
	IMUL3Q(Imm(uint64(n)), stride, left)
	ADDQ(left, tile)
	DECQ(tiles)
	JNZ(LabelRef("tile"))
	ADDQ(Imm(64), sums)
	ADDQ(Load(Param("pitch"), GP64()), w)
	ADDQ(Load(Param("point"), GP64()), x)
	DECQ(points)
	JNZ(LabelRef("point"))
	VZEROUPPER()
	RET()
}

// startPoints returns registers for the sums of n rows, of zeros or of what is there.
func startPoints(n int, at Register) [][2]VecVirtual {
	acc := make([][2]VecVirtual, n)
	for i := range acc {
		acc[i] = [2]VecVirtual{YMM(), YMM()}
		VPXOR(acc[i][0], acc[i][0], acc[i][0])
		VPXOR(acc[i][1], acc[i][1], acc[i][1])
	}
	more := Load(Param("more"), GP8())
	TESTB(more, more)
	JZ(LabelRef("start"))
	for i, a := range acc {
		VMOVDQU(Mem{Base: at, Disp: 36 * 64 * i}, a[0])
		VMOVDQU(Mem{Base: at, Disp: 36*64*i + 32}, a[1])
	}
	Label("start")
	return acc
}
