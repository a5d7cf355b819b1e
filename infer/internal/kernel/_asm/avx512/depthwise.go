// SPDX-License-Identifier: Apache-2.0

package avx512

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// depthwise generates the depthwise convolutions.
func depthwise() {
	for _, w := range []width{{64, ZMM}, {32, YMM}, {16, XMM}} {
		w.depthwise()
		for lines := 1; lines <= 2; lines++ {
			w.square(lines, false)
			w.square(lines, true)
		}
	}
	widest := width{64, ZMM}
	for lines := 1; lines <= 2; lines++ {
		widest.edges(lines)
	}
	widest.strided(false)
	widest.strided(true)
}

// A width is the bytes of a block and its registers.
type width struct {
	bytes    int
	register func() VecVirtual
}

func (w width) depthwise() {
	name := fmt.Sprintf("depthwise%d", w.bytes)
	TEXT(name, NOSPLIT, "func(dst, x *uint8, offsets *int32, groups, lines, line, pixels, step, blocks int, weights *int8, table *int64, shifts, clamps, least, most int)")
	Doc(fmt.Sprintf("%s writes codes of a depthwise convolution one after the other, %d at a time: of blocks next to each other in", name, w.bytes),
		"x, for pixels step bytes apart in x, for lines line bytes apart:", "",
		"\tdst = clamp(RNE((Σ x[offsets[tap]]·w[tap]·M + constant) · 2^-shift), least, most)", "",
		"The taps are in groups of 4. Weights are [block][group][4 vectors][lane][4 taps], and the table of a block is [4 vectors] of M,",
		"M of odd lanes, and the constants of even and of odd lanes, which have the zero point, then [2 vectors] of the shifts of words and",
		"[4 vectors] of those before. Vector v has the codes 4v to 4v+3 of each 16 of a block. Shifts is 0 where there are none, 1 where",
		"there are but of words, and else 2. Clamps is 0 where no code is beyond the limits, 1 where none is less than least, and else -1.",
		"Where shifts is -1 the ends are short, see kernel.Short: the table begins with [2 vectors] of its numbers, in words, in its order.")
	Pragma("noescape")
	lanes, limits := evenLanes(), w.newBounds()
	dst := Load(Param("dst"), GP64())
	lineAt, pixelAt := Load(Param("x"), GP64()), GP64()
	lines, pixels := AllocLocal(8), GP64()
	n := Load(Param("lines"), GP64())
	MOVQ(n, lines)
	Label("line")
	Load(Param("pixels"), pixels)
	MOVQ(lineAt, pixelAt)
	Label("pixel")
	weights, table := Load(Param("weights"), GP64()), Load(Param("table"), GP64())
	blocks, x := Load(Param("blocks"), GP64()), GP64()
	MOVQ(pixelAt, x)
	Label("block")
	var sums [4]VecVirtual
	for v := range sums {
		sums[v] = w.register()
		VPXORD(sums[v], sums[v], sums[v])
	}
	offsets, groups := Load(Param("offsets"), GP64()), Load(Param("groups"), GP64())
	Label("group")
	var taps [4]VecVirtual
	for i := range taps {
		offset := GP64()
		MOVLQSX(Mem{Base: offsets, Disp: 4 * i}, offset)
		taps[i] = w.register()
		VMOVDQU32(Mem{Base: x, Index: offset, Scale: 1}, taps[i])
	}
	var codes [4]Register
	for v := range codes {
		codes[v] = w.register()
	}
	w.interleave(taps, codes)
	for v, q := range codes {
		VPDPBUSD(Mem{Base: weights, Disp: v * w.bytes}, q, sums[v])
	}
	ADDQ(Imm(16), offsets)
	ADDQ(U32(uint32(4*w.bytes)), weights)
	DECQ(groups)
	JNZ(LabelRef("group"))
	w.either("block", func() {
		w.short(sums, table, limits, Mem{Base: dst})
	}, func() {
		for v, sum := range sums {
			w.requantize(sum, w.constants(table, v), lanes)
		}
		w.store(sums, table, limits, Mem{Base: dst}, "block")
	})
	ADDQ(U32(uint32(22*w.bytes)), table)
	ADDQ(Imm(uint64(w.bytes)), dst)
	ADDQ(Imm(uint64(w.bytes)), x)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	step := Load(Param("step"), GP64())
	ADDQ(step, pixelAt)
	DECQ(pixels)
	JNZ(LabelRef("pixel"))
	line := Load(Param("line"), GP64())
	ADDQ(line, lineAt)
	DECQ(lines)
	JNZ(LabelRef("line"))
	VZEROUPPER()
	RET()
}

// interleave has the four bytes of each code next to each other: vector v those of the codes 4v to 4v+3 of each 16.
func (w width) interleave(taps [4]VecVirtual, vectors [4]Register) {
	var pairs [2][2]VecVirtual // [half of each 16][taps 0, 1 or 2, 3]
	for i := range 2 {
		pairs[0][i], pairs[1][i] = w.register(), w.register()
		VPUNPCKLBW(taps[2*i+1], taps[2*i], pairs[0][i])
		VPUNPCKHBW(taps[2*i+1], taps[2*i], pairs[1][i])
	}
	for half, p := range pairs {
		VPUNPCKLWD(p[1], p[0], vectors[2*half])
		VPUNPCKHWD(p[1], p[0], vectors[2*half+1])
	}
}

// constants are those of vector v in a table.
func (w width) constants(table Register, v int) (constants [4]Op) {
	for i := range constants {
		constants[i] = Mem{Base: table, Disp: (4*v + i) * w.bytes}
	}
	return constants
}

// requantize leaves the high halves of scaled sums.
func (w width) requantize(sum VecVirtual, constants [4]Op, lanes Register) {
	even := w.register()
	scale(constants[0], sum, constants[2], even)
	odd(sum, sum)
	scale(constants[1], sum, constants[3], sum)
	VPSHUFD(Imm(0xf5), even, lanes, sum)
}

// A bounds is the least and the greatest code as bytes.
type bounds struct{ least, most Register }

// newBounds loads the parameters of the same names.
func (w width) newBounds() bounds {
	least, most := w.register(), w.register()
	broadcastByte("least", least)
	broadcastByte("most", most)
	return bounds{least, most}
}

// store writes the high halves of four vectors as codes: shifted by what is before words, as words without a sign, at most
// 2^16 - 1, which are shifted by what is left of the shift. What is too much for the words is too much for the codes.
func (w width) store(numbers [4]VecVirtual, table Register, limits bounds, to Mem, label string) {
	look("shifts", 1) // and nothing changes the flags before both jumps
	JLE(LabelRef(label + "Shallow"))
	for v, n := range numbers {
		VPSRAVD(Mem{Base: table, Disp: (18 + v) * w.bytes}, n, n)
	}
	Label(label + "Shallow")
	for pair := range 2 {
		VPACKUSDW(numbers[2*pair+1], numbers[2*pair], numbers[2*pair])
	}
	JLT(LabelRef(label + "Shifted"))
	for pair := range 2 {
		VPSRLVW(Mem{Base: table, Disp: (16 + pair) * w.bytes}, numbers[2*pair], numbers[2*pair])
	}
	Label(label + "Shifted")
	codes := numbers[0]
	VPACKUSWB(numbers[2], codes, codes)
	look("clamps", 0)
	JEQ(LabelRef(label + "Clamped"))
	VPMINUB(limits.most, codes, codes)
	JGT(LabelRef(label + "Clamped"))
	VPMAXUB(limits.least, codes, codes)
	Label(label + "Clamped")
	VMOVDQU32(codes, to)
}

// either emits both kinds of ends, one of which runs.
func (w width) either(label string, short, wide func()) {
	look("shifts", 0)
	JGE(LabelRef(label + "Wide"))
	short()
	JMP(LabelRef(label + "Written"))
	Label(label + "Wide")
	wide()
	Label(label + "Written")
}

// short stores four vectors of sums as codes, by words of 16 bits.
func (w width) short(sums [4]VecVirtual, table Register, limits bounds, to Mem) {
	for pair := range 2 {
		x, number := sums[2*pair], func(i int) Mem { return Mem{Base: table, Disp: (4*pair + i) * w.bytes} }
		VPACKSSDW(sums[2*pair+1], x, x)
		VPADDSW(number(0), x, x)
		VPMULHW(number(1), x, x)
		VPADDSW(number(2), x, x)
		VPSRAVW(number(3), x, x)
	}
	codes := sums[0]
	VPACKUSWB(sums[2], codes, codes)
	VPMINUB(limits.most, codes, codes)
	VMOVDQU32(codes, to)
}

// look compares a parameter with a number.
func look(parameter string, number uint64) {
	p, err := Param(parameter).Resolve()
	if err != nil {
		panic(err)
	}
	CMPQ(p.Addr, Imm(number))
}

// A square is the state of a 3 × 3 kernel on some lines of the output.
type square struct {
	width
	lines               int
	slides, pairs       bool
	edges               bool // what is outside of the image is not in x
	lanes               Register
	bounds              bounds
	rows                []Mem // of x, from the first one
	tap, weights, table GPVirtual
	kept                [12]Op          // weights of the first line
	columns             [3][4]Register  // of x, interleaved
	sums                [][4]VecVirtual // of the lines of the output
}

func parameter(name string) GPVirtual { return Load(Param(name), GP64()).(GPVirtual) }

// square is the 3 × 3 kernel. The codes that are below each other are interleaved: three rows for one line of the output,
// or four, which serve two lines. Where blocks slide, by a column a pixel, each column is interleaved once.
func (w width) square(lines int, slides bool) {
	name := fmt.Sprintf("depthwise3x3Lines%dx%d", lines, w.bytes)
	doc := []string{
		fmt.Sprintf("%s is depthwise%d for a kernel of 3 × 3 taps, pitch and tap bytes apart in x, times over,", name, w.bytes),
		fmt.Sprintf("each time line bytes after in x and for %d lines of the output. Blocks of the output are dstStep bytes apart, in lines of", lines),
		"dstLine bytes. Weights are [block][2 lines][column of the kernel][4 vectors][lane][4 rows of x].",
	}
	if slides {
		name, doc = fmt.Sprintf("depthwise3x3Slides%dx%d", lines, w.bytes), []string{fmt.Sprintf("depthwise3x3Slides%dx%d is %s where step is tap.", lines, w.bytes, name)}
	}
	s := &square{width: w, lines: lines, slides: slides}
	s.generate(name, doc)
}

// edges is the 3 × 3 kernel on images without padding, which have a pixel around them in thought.
func (w width) edges(lines int) {
	name := fmt.Sprintf("depthwise3x3Edges%dx%d", lines, w.bytes)
	s := &square{width: w, lines: lines, slides: true, edges: true}
	s.generate(name, []string{
		fmt.Sprintf("%s is depthwise3x3Slides%dx%d for an image of height lines of pixels, of which it reads those from the line top on, -1 for", name, lines, w.bytes),
		"the one before the image. What is outside is read from a line of its own, and so are the columns before and after a line.",
	})
}

// strided is the 3 × 3 kernel on images without padding, with a stride of two.
func (w width) strided(pairs bool) {
	name, doc := "depthwise3x3Strided", []string{"depthwise3x3Strided is depthwise3x3Edges1x64 with a stride of two, for images of as many columns as twice those of the output."}
	if pairs {
		name, doc = "depthwise3x3Pairs", []string{"depthwise3x3Pairs is depthwise3x3Strided on blocks of two pixels of 32 channels each."}
	}
	s := &square{width: w, lines: 1, edges: true, pairs: pairs}
	s.generate(name, doc)
}

// generate emits the function.
func (s *square) generate(name string, doc []string) {
	w, lines, slides := s.width, s.lines, s.slides
	place := "x *uint8, pitch, tap, times, line, pixels, step, blocks int"
	if s.edges {
		place = "x, outside *uint8, pitch, tap, times, top, height, pixels, step, blocks int"
	}
	TEXT(name, NOSPLIT, fmt.Sprintf("func(dst *uint8, dstLine, dstStep int, %s, weights *int8, table *int64, shifts, clamps, least, most int)", place))
	Doc(doc...)
	Pragma("noescape")
	s.lanes, s.bounds, s.sums = evenLanes(), w.newBounds(), make([][4]VecVirtual, lines)
	dstAt, xAt, blocks, times := AllocLocal(8), AllocLocal(8), AllocLocal(8), AllocLocal(8)
	dst, x := parameter("dst"), parameter("x")
	MOVQ(dst, dstAt)
	MOVQ(x, xAt)
	MOVQ(parameter("blocks"), blocks)
	s.tap = parameter("tap")
	dstLine := parameter("dstLine")
	s.weights, s.table = parameter("weights"), parameter("table")
	var top Mem
	if s.edges {
		top = AllocLocal(8)
		for range lines + 2 {
			s.rows = append(s.rows, Mem{Base: GP64(), Scale: 1})
		}
	} else {
		s.padded()
	}
	for l := range s.sums {
		for v := range s.sums[l] {
			s.sums[l][v] = w.register()
		}
	}
	for i := range s.columns {
		for v := range s.columns[i] {
			if slides { // they stay
				s.columns[i][v] = w.register()
			}
		}
	}

	Label("block")
	for i := range s.kept {
		s.kept[i] = Mem{Base: s.weights, Disp: i * w.bytes}
		if !slides && !s.edges {
			z := w.register()
			VMOVDQU32(s.kept[i], z)
			s.kept[i] = z
		}
	}
	MOVQ(parameter("times"), times)
	if s.edges {
		MOVQ(parameter("top"), top)
	}
	Label("line")
	lineDst, lineX := GP64(), GP64()
	MOVQ(dst, lineDst)
	if s.edges {
		s.beginRows(xAt, top)
		XORQ(lineX, lineX)
		if !slides {
			SUBQ(s.tap, lineX)
		}
	} else {
		MOVQ(x, lineX)
	}
	pixels := parameter("pixels")
	if slides {
		s.slide(pixels, lineDst, lineX, dstLine)
	} else {
		Label("pixel")
		s.pixel(lineDst, lineX, dstLine)
		ADDQ(parameter("step"), lineX)
		DECQ(pixels)
		JNZ(LabelRef("pixel"))
	}
	if s.edges {
		between := lines
		if !slides {
			between *= 2
		}
		ADDQ(Imm(uint64(between)), top)
	} else {
		ADDQ(parameter("line"), x)
	}
	for range lines {
		ADDQ(dstLine, dst)
	}
	DECQ(times)
	JNZ(LabelRef("line"))
	MOVQ(dstAt, dst)
	MOVQ(xAt, x)
	ADDQ(Imm(uint64(w.bytes)), dst)
	ADDQ(Imm(uint64(w.bytes)), x)
	MOVQ(dst, dstAt)
	MOVQ(x, xAt)
	ADDQ(U32(uint32(24*w.bytes)), s.weights)
	ADDQ(U32(uint32(22*w.bytes)), s.table)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// padded has the rows in a buffer with padding.
func (s *square) padded() {
	pitch := parameter("pitch")
	s.rows = []Mem{{}, {Index: pitch, Scale: 1}, {Index: pitch, Scale: 2}}
	if s.lines > 1 {
		pitch3 := GP64()
		LEAQ(Mem{Base: pitch, Index: pitch, Scale: 2}, pitch3)
		s.rows = append(s.rows, Mem{Index: pitch3, Scale: 1})
	}
}

// beginRows turns to the rows from the line top of x on, and to what is outside for those that are not in the image.
func (s *square) beginRows(x, top Mem) {
	number, outside := GP64(), parameter("outside")
	MOVQ(top, number)
	for _, row := range s.rows {
		MOVQ(parameter("pitch"), row.Base)
		IMULQ(number, row.Base)
		ADDQ(x, row.Base)
		CMPQ(number, parameter("height"))
		CMOVQCC(outside, row.Base)
		INCQ(number)
	}
}

// outsideColumn interleaves a column that is outside.
func (s *square) outsideColumn(column int) {
	outside := parameter("outside")
	for _, z := range s.columns[column] {
		VMOVDQU32(Mem{Base: outside}, z)
	}
}

// nextColumn interleaves the column at a place in x and goes to the next; with edges that after the last one is outside.
func (s *square) nextColumn(x, pixels Register, column int, label string) {
	if s.edges {
		CMPQ(pixels, Imm(1))
		JNE(LabelRef(label + "Inside"))
		s.outsideColumn(column)
		JMP(LabelRef(label + "Ready"))
		Label(label + "Inside")
	}
	s.interleaveColumn(x, column)
	ADDQ(s.tap, x)
	if s.edges {
		Label(label + "Ready")
	}
}

// slide writes the blocks of codes of pixels next to each other, three of them a round: three registers of columns take turns.
func (s *square) slide(pixels, dst, x, dstLine Register) {
	for column := range 2 {
		if column == 0 && s.edges {
			s.outsideColumn(column)
			continue
		}
		s.interleaveColumn(x, column)
		ADDQ(s.tap, x)
	}
	Label("pixel")
	for first := range 3 {
		s.nextColumn(x, pixels, (first+2)%3, fmt.Sprintf("column%d", first))
		s.begin()
		for column := range 3 {
			s.add(s.columns[(first+column)%3], column)
		}
		s.write(dst, dstLine, fmt.Sprintf("pixel%d", first))
		DECQ(pixels)
		if first < 2 {
			JZ(LabelRef("slid"))
		} else {
			JNZ(LabelRef("pixel"))
		}
	}
	Label("slid")
}

// pixel writes a block of codes of each line of the output.
func (s *square) pixel(dst, x, dstLine Register) {
	s.begin()
	at := GP64()
	MOVQ(x, at)
	for column := range 3 {
		for v := range s.columns[column] {
			s.columns[column][v] = s.register()
		}
		if column == 0 && s.edges {
			s.firstColumn(at)
		} else {
			s.interleaveColumn(at, column)
		}
		s.add(s.columns[column], column)
		if column < 2 {
			ADDQ(s.tap, at)
		}
	}
	s.write(dst, dstLine, "pixel0")
}

// begin sets the sums of the lines of the output to 0.
func (s *square) begin() {
	for l := range s.sums {
		for _, sum := range s.sums[l] {
			VPXORD(sum, sum, sum)
		}
	}
}

// firstColumn is the first column of a block, which is outside before a line; of pairs, only that of the first pixel is.
func (s *square) firstColumn(at Register) {
	TESTQ(at, at)
	JNS(LabelRef("inside"))
	if s.pairs {
		outside := Mem{Base: parameter("outside")}
		s.interleaveRows(at, 0, func(from Mem, to VecVirtual) {
			VMOVDQU32(outside, to.AsY())
			s.second(from, to)
		})
	} else {
		s.outsideColumn(0)
	}
	JMP(LabelRef("ready"))
	Label("inside")
	s.interleaveColumn(at, 0)
	Label("ready")
}

// interleaveColumn interleaves the rows at a place in x.
func (s *square) interleaveColumn(at Register, column int) {
	s.interleaveRows(at, column, func(from Mem, to VecVirtual) {
		if !s.pairs {
			VMOVDQU32(from, to)
			return
		}
		VMOVDQU32(from, to.AsY())
		s.second(from, to)
	})
}

// second loads the second pixel of a pair.
func (s *square) second(from Mem, to VecVirtual) {
	from.Disp += 64
	VINSERTI64X4(Imm(1), from, to, to)
}

// interleaveRows interleaves what is loaded of the rows at a place in x.
func (s *square) interleaveRows(at Register, column int, load func(from Mem, to VecVirtual)) {
	var taps [4]VecVirtual
	for i, row := range s.rows {
		taps[i] = s.register()
		if s.edges {
			row.Index = at
		} else {
			row.Base = at
		}
		load(row, taps[i])
	}
	if s.lines == 1 {
		taps[3] = taps[2] // meets weights of 0
	}
	s.interleave(taps, s.columns[column])
}

// add adds the products of interleaved codes with a column of the kernel.
func (s *square) add(codes [4]Register, column int) {
	for v, q := range codes {
		VPDPBUSD(s.kept[4*column+v], q, s.sums[0][v])
		if s.lines > 1 {
			VPDPBUSD(Mem{Base: s.weights, Disp: (12 + 4*column + v) * s.bytes}, q, s.sums[1][v])
		}
	}
}

// write makes codes of the sums, writes them, and goes to the next pixel.
func (s *square) write(dst, dstLine Register, label string) {
	s.either(label, func() {
		to := Mem{Base: dst}
		for l := range s.sums {
			s.short(s.sums[l], s.table, s.bounds, to)
			to.Index, to.Scale = dstLine, 1
		}
	}, func() { s.wide(dst, dstLine, label) })
	ADDQ(parameter("dstStep"), dst)
}

// wide makes codes of the sums by products of 64 bits, and writes them.
func (s *square) wide(dst, dstLine Register, label string) {
	for v := range 4 {
		constants := s.constants(s.table, v)
		if s.lines > 1 {
			for i, c := range constants {
				z := s.register()
				VMOVDQU32(c, z)
				constants[i] = z
			}
		}
		for l := range s.sums {
			s.requantize(s.sums[l][v], constants, s.lanes)
		}
	}
	to := Mem{Base: dst}
	for l := range s.sums {
		s.store(s.sums[l], s.table, s.bounds, to, fmt.Sprintf("%sLine%d", label, l))
		to.Index, to.Scale = dstLine, 1
	}
}
