// SPDX-License-Identifier: Apache-2.0

package amx

import (
	"fmt"

	. "github.com/goqat/goqat/internal/_asm/tile"
)

// Sums become codes while the tiles of later blocks are multiplied: the sums of a block are stored to one of three scratches in
// turn, and read four vectors, a quad, at a time between the tile instructions of the block after the next.

// Registers of vectors with an end: constants of the panel from 0 on, the shifts of words of two vectors, and where there are
// four columns of two more; the sums of a vector, the codes of a second term, the limits, and the order of packed codes.
const (
	shifts  Z = 18
	even    Z = 20 // sums of even channels
	others  Z = 25
	leasts  Z = 29
	mosts   Z = 30
	ordered Z = 31
	ones    Z = 31 // of signs, which need no order
)

// odd has the sums of odd channels of vector i of a quad, and then its codes.
func odd(i int) Z { return 21 + Z(i) }

// limits loads the limits of codes, and the mask K1 of the dwords of even channels; for signs, ones.
func (p *product) limits() {
	if p.end == signs {
		p.Op("MOVL $1, CX")
		p.Op("VMOVQ CX, X15")
		p.Op("VPBROADCASTB X15, %v", ones)
		return
	}
	p.Op("MOVL $0x5555, CX")
	p.Op("KMOVW CX, K1")
	limit := func(name string, to Z) {
		p.argument(name, CX)
		p.Op("VMOVQ CX, X15")
		p.Op("VPBROADCASTB X15, %v", to)
	}
	limit("least", leasts)
	limit("most", mosts)
	p.Op("VMOVDQU32 order<>+0(SB), %v", ordered)
}

// Constants of 16 channels in registers: constants of even and of odd channels, multipliers of even and of odd channels, and
// where there are codes, multipliers of these, of even and of odd channels.
const (
	constant = iota
	constantOdd
	multiplier
	multiplierOdd
	codeMultiplier
	codeMultiplierOdd
)

// Constants of 16 channels of signs in registers, as the table has them.
const (
	last  = iota // of the interval
	count        // of what is in it, less 1
)

// constant is a register of constants of the channels of column j.
func (p *product) constant(j, which int) Z { return Z(p.end.each*j + which) }

// Vectors of a table of 16 channels, as package avx512's End has them: constants of even and of odd channels, shifts of words and
// those before, multipliers of sums, powers of two of sums and, where there are codes, those of codes of even and of odd channels.
const (
	tableConstant = 0
	tableShift    = 2
	tableDeep     = 3
	tableSum      = 4
	tablePower    = 5
	tableCode     = 6
)

// of is where a vector of the table of column j is, from the table's first one on.
func (p *product) of(j, vector int) int { return 64 * (p.end.vectors*j + vector) }

// The numbers of a short end in registers, of two vectors, and as 32 bits in the table.
const (
	before = iota
	words  // multipliers
	after
	down // shifts
	shorts
)

// number is a register of numbers of vector i of a quad, an even one, and the next one.
func (p *product) number(i, which int) Z {
	if p.n == 4 {
		return Z(shorts*i/2 + which)
	}
	return Z(which)
}

// loadConstants loads the constants of a panel. The shifts of two vectors are packed as the numbers of these are.
func (p *product) loadConstants() {
	p.load("table", CX)
	at := func(j, vector int) string { return fmt.Sprintf("%d(CX)", p.of(j, vector)) }
	if p.end == signs {
		for j := range p.n {
			for vector := range p.end.vectors {
				p.Op("VMOVDQU32 %s, %v", at(j, vector), p.constant(j, vector))
			}
		}
		return
	}
	if p.end.short {
		for i := 0; i < 4; i += 2 {
			if i == 0 || p.n == 4 {
				for which := range shorts {
					p.Op("VMOVDQU32 %s, %v", at(i%p.n, which), p.number(i, which))
					p.Op("VPACKSSDW %s, %v, %v", at((i+1)%p.n, which), p.number(i, which), p.number(i, which))
				}
			}
		}
		return
	}
	for j := range p.n {
		from := func(vector int, to int) { p.Op("VMOVDQU64 %s, %v", at(j, vector), p.constant(j, to)) }
		from(tableConstant, constant)
		from(tableConstant+1, constantOdd)
		from(tableSum, multiplier)
		p.Op("VPSRLQ $32, %v, %v", p.constant(j, multiplier), p.constant(j, multiplierOdd))
		if p.end == wideCodes {
			from(tableCode, codeMultiplier)
			from(tableCode+1, codeMultiplierOdd)
		}
	}
	for i := 0; i < 4; i += 2 {
		if i == 0 || p.n == 4 {
			p.Op("VMOVDQU64 %s, %v", at(i%p.n, tableShift), p.shifts(i))
			p.Op("VPACKUSDW %s, %v, %v", at((i+1)%p.n, tableShift), p.shifts(i), p.shifts(i))
		}
	}
}

// shifts are those of vector i of a quad and the next one.
func (p *product) shifts(i int) Z {
	if p.n == 4 {
		return shifts + Z(i/2)
	}
	return shifts
}

// finishBlocks writes the codes of a panel.
func (p *product) finishBlocks() {
	p.loadConstants()
	p.load("dst", R13)
	if p.end == wideCodes {
		p.load("other", R14)
	}
	p.Op("MOVQ $0, %s", local("kept"))
	p.Label("block") // the first two blocks have none before them to finish
	p.Op("CMPQ %s, $2", local("kept"))
	p.Op("JGE full")
	p.beginBlock()
	p.Label("first")
	p.slice()
	p.Op("DECQ DX")
	p.Op("JNZ first")
	p.keepSums(nil)
	p.nextScratch()
	p.add(1, "kept")
	p.next("blocks", "block")
	p.Op("JMP last")
	p.Label("full")
	p.beginQuads("full")
	p.beginBlock()
	p.slicesAndQuads()
	p.keepSums(func(tile int) { p.oneQuad(fmt.Sprintf("kept%d", tile)) })
	if !p.end.pools { // of which there are 8 at most, four with a slice and one with each tile
		p.leftQuads("left")
	}
	p.nextScratch()
	p.next("blocks", "full")
	p.Label("last") // the last two blocks, or the only one, the older first
	p.Op("CMPQ %s, $2", local("kept"))
	p.Op("JGE older")
	p.nextScratch()
	p.Label("older")
	p.beginQuads("older")
	p.nextScratch()
	p.leftQuads("end")
	p.Op("SUBQ $1, %s", local("kept"))
	p.Op("JGT older")
	p.add(16*p.n, "dst")
	if p.end == wideCodes {
		p.add(16*p.n, "other")
	}
	p.arguments()
	p.argument("tableStep", CX)
	p.Op("ADDQ CX, %s", local("table"))
}

// beginQuads turns to the sums of the block before the last, in the scratch after the next one to write, and multiplies them by
// powers of two if there are any.
func (p *product) beginQuads(name string) {
	p.load("older", R12)
	p.arguments()
	p.argument("quads", R15)
	if p.end == signs || p.end.short {
		return
	}
	p.Op("CMPQ %s, $0", local("powers"))
	p.Op("JEQ %sSums", name)
	p.load("table", DI)
	p.Op("MOVQ R12, CX")
	p.Op("MOVQ R15, DX")
	if p.end.pools {
		p.Op("ADDQ DX, DX")
	}
	p.Label(name + "Powers")
	for i := range 4 {
		p.Op("VMOVDQU32 %d(CX), %v", 64*i, even)
		p.Op("VPSLLVD %d(DI), %v, %v", p.of(i%p.n, tablePower), even, even)
		p.Op("VMOVDQU32 %v, %d(CX)", even, 64*i)
	}
	p.Op("ADDQ $256, CX")
	p.Op("DECQ DX")
	p.Op("JNZ %sPowers", name)
	p.Label(name + "Sums")
}

// nextScratch takes the scratches in turn: the next is that whose sums have become codes.
func (p *product) nextScratch() {
	p.load("scratch", CX)
	p.load("older", DX)
	p.load("newer", DI)
	p.keep(DX, "scratch")
	p.keep(DI, "older")
	p.keep(CX, "newer")
}

// keepSums stores the sums of a block to the scratch, and calls after with the number of each tile.
func (p *product) keepSums(after func(tile int)) {
	p.arguments()
	p.argument("scratchTile", CX)
	p.load("scratch", DX)
	p.Op("MOVQ $%d, SI", 64*p.n)
	p.storeTiles(DX, SI, after, func(row int) {
		if row < p.m-1 {
			p.Op("ADDQ CX, DX")
		}
	})
}

// oneQuad finishes a quad if there is one left.
func (p *product) oneQuad(name string) {
	p.Op("TESTQ R15, R15")
	p.Op("JZ %sNone", name)
	for _, c := range p.quad(name) {
		p.Code = append(p.Code, c...)
	}
	p.Op("DECQ R15")
	p.Label(name + "None")
}

// slicesAndQuads adds the products of a block, and finishes as many quads with each slice as are needed to finish them all.
func (p *product) slicesAndQuads() {
	p.load("slices", DI)
	p.Op("CMPQ R15, DI")
	p.Op("JLE one")
	p.Op("ADDQ DI, DI")
	p.Op("CMPQ R15, DI")
	p.Op("JLE two")
	p.slicesWith(4, "four")
	p.Op("JMP rest")
	p.Label("one")
	p.slicesWith(1, "one")
	p.Op("JMP rest")
	p.Label("two")
	p.slicesWith(2, "two")
	p.Label("rest")
}

// slicesWith adds the products of a block, with so many quads a slice while there are any.
func (p *product) slicesWith(quads int, name string) {
	p.Label(name + "Slice")
	p.Op("SUBQ $%d, R15", quads)
	p.Op("JLT %sFewer", name)
	p.advance()
	var vectors []Code
	for q := range quads {
		vectors = append(vectors, p.quad(fmt.Sprintf("%s%d", name, q))...)
	}
	p.interleave(p.tiles(), vectors)
	p.Op("ADDQ %s, SI", local("wTile")) // after them, for it changes the flags
	p.Op("DECQ DX")
	p.Op("JNZ %sSlice", name)
	p.Op("JMP %sDone", name)
	p.Label(name + "Fewer")
	p.Op("ADDQ $%d, R15", quads)
	p.Label(name + "Plain")
	p.slice()
	p.Op("DECQ DX")
	p.Op("JNZ %sPlain", name)
	p.Label(name + "Done")
}

// interleave emits the instructions on tiles evenly before those of vectors, never within: there are branches.
func (p *product) interleave(tiles Code, vectors []Code) {
	done := 0
	for i, vector := range vectors {
		for ; done < len(tiles) && done*len(vectors) <= i*len(tiles); done++ {
			p.Code = append(p.Code, tiles[done])
		}
		p.Code = append(p.Code, vector...)
	}
	p.Code = append(p.Code, tiles[done:]...)
}

// leftQuads finishes the quads that are left.
func (p *product) leftQuads(name string) {
	p.Op("TESTQ R15, R15")
	p.Op("JZ %sNone", name)
	p.Label(name + "Quad")
	for _, c := range p.quad(name) {
		p.Code = append(p.Code, c...)
	}
	p.Op("DECQ R15")
	p.Op("JNZ %sQuad", name)
	p.Label(name + "None")
}

// quad writes the codes of four vectors of sums, or with poolings of the greatest of two fours: the code of each, that of the
// last with what all have in common.
func (p *product) quad(name string) []Code {
	switch p.end {
	case pooled:
		return p.pooledPair(name)
	case shortPool:
		return p.shortPair()
	}
	list := make([]Code, 4)
	list[0].Op("MOVQ %s, DI", local("dstStride"))
	end := &list[3]
	for i := range list {
		switch p.end {
		case signs:
			p.compare(&list[i], i)
		case short:
			p.word(&list[i], i)
		default:
			p.scale(&list[i], i, fmt.Sprintf("%d(R12)", 64*i))
		}
	}
	switch p.end {
	case signs:
		end.Op("VMOVDQU8.Z %v, K2, %v", ones, odd(0))
	case short:
		p.packWords(end, odd(2))
	default:
		p.narrow(end, name, len(list))
	}
	p.write(end, odd(0), name)
	return list
}

// compare has in K2, after the last of four vectors, a bit for each sum that is in the interval of its channel.
func (p *product) compare(c *Code, i int) {
	j, mask := i%p.n, 2+i
	c.Op("VPSUBD %d(R12), %v, %v", 64*i, p.constant(j, last), odd(i))
	c.Op("VPCMPUD $2, %v, %v, K%d", p.constant(j, count), odd(i), mask)
	if i%2 == 1 {
		c.Op("KUNPCKWD K%d, K%d, K%d", mask-1, mask, mask-1)
	}
	if i == 3 {
		c.Op("KUNPCKDQ K2, K4, K2")
	}
}

// word loads vector i of a quad, and with an odd one makes words of both and finishes them, but for limits.
func (p *product) word(c *Code, i int) {
	if i%2 == 0 {
		c.Op("VMOVDQU32 %d(R12), %v", 64*i, odd(i))
		return
	}
	c.Op("VPACKSSDW %d(R12), %v, %v", 64*i, odd(i-1), odd(i-1))
	p.finishWords(c, i-1)
}

// finishWords finishes the words of vector i of a quad, an even one, and the next one.
func (p *product) finishWords(c *Code, i int) {
	x := odd(i)
	c.Op("VPADDSW %v, %v, %v", p.number(i, before), x, x)
	c.Op("VPMULHW %v, %v, %v", p.number(i, words), x, x)
	c.Op("VPADDSW %v, %v, %v", p.number(i, after), x, x)
	c.Op("VPSRAVW %v, %v, %v", p.number(i, down), x, x)
}

// packWords makes codes of finished words, the first and second ones.
func (p *product) packWords(c *Code, second Z) {
	c.Op("VPACKUSWB %v, %v, %v", second, odd(0), odd(0))
	c.Op("VPMINUB %v, %v, %v", mosts, odd(0), odd(0))
	c.Op("VPERMD %v, %v, %v", odd(0), ordered, odd(0))
}

// shortPair is pooledPair for a short end, of words from the start.
func (p *product) shortPair() []Code {
	list := make([]Code, 2)
	list[0].Op("LEAQ (R12)(R14*1), DI")
	for tile, c := range []*Code{&list[0], &list[1]} {
		for row := range 2 {
			from, x := R12, odd(2*tile+row)
			if tile > 0 {
				from = DI
			}
			c.Op("VMOVDQU32 %d(%v), %v", 128*row, from, x)
			c.Op("VPACKSSDW %d(%v), %v, %v", 128*row+64, from, x, x)
		}
		c.Op("VPMAXSW %v, %v, %v", odd(2*tile+1), odd(2*tile), odd(2*tile))
	}
	last := &list[1]
	last.Op("VPMAXSW %v, %v, %v", odd(2), odd(0), odd(0))
	p.finishWords(last, 0)
	p.packWords(last, odd(0))
	p.writePair(last)
	return list
}

// pooledPair writes the codes of two vectors beside each other, of the greatest sums of two rows in both tiles of rows.
func (p *product) pooledPair(name string) []Code {
	list := make([]Code, 2)
	for i := range list {
		c, greatest := &list[i], others+Z(i)
		if i == 0 {
			c.Op("LEAQ (R12)(R14*1), DI")
		}
		c.Op("VMOVDQU32 %d(R12), %v", 64*i, greatest)
		c.Op("VPMAXSD %d(R12), %v, %v", 128+64*i, greatest, greatest)
		c.Op("VPMAXSD %d(DI), %v, %v", 64*i, greatest, greatest)
		c.Op("VPMAXSD %d(DI), %v, %v", 128+64*i, greatest, greatest)
		p.scale(c, i, greatest.String())
	}
	last := &list[1]
	p.narrow(last, name, len(list))
	p.writePair(last)
	return list
}

// writePair writes the codes of a pair.
func (p *product) writePair(c *Code) {
	c.Op("MOVQ %s, DI", local("dstStride"))
	c.Op("VMOVDQU64 %v, (R13)", odd(0).Y())
	c.Op("ADDQ DI, R13")
	c.Op("ADDQ $256, R12")
}

// scale multiplies sums, a vector of those at a place, which is vector i of a quad. The rule is that of avx512's requantization: products and constants
// of 64 bits, of even channels apart from those of odd ones. The high halves of all are left.
func (p *product) scale(c *Code, i int, sums string) {
	j, odd := i%p.n, odd(i)
	c.Op("VPMULDQ %s, %v, %v", sums, p.constant(j, multiplier), even)
	c.Op("VMOVSHDUP %s, %v", sums, odd)
	c.Op("VPMULDQ %v, %v, %v", p.constant(j, multiplierOdd), odd, odd)
	c.Op("VPADDQ %v, %v, %v", p.constant(j, constant), even, even)
	c.Op("VPADDQ %v, %v, %v", p.constant(j, constantOdd), odd, odd)
	if p.end == wideCodes {
		p.addCodes(c, j, even, odd)
	}
	c.Op("VPSHUFD $0xf5, %v, K1, %v", even, odd)
}

// narrow makes codes of the high halves of so many vectors: words without a sign, at most 2^16 - 1, shifted by what is left of the
// shift. What is too much for the words is too much for the codes.
func (p *product) narrow(c *Code, name string, vectors int) {
	c.Op("CMPQ %s, $1", local("shifts")) // and nothing changes the flags before both jumps
	c.Op("JLE %sShallow", name)
	c.Op("MOVQ %s, DI", local("table"))
	for i := range vectors {
		c.Op("VPSRAVD %d(DI), %v, %v", p.of(i%p.n, tableDeep), odd(i), odd(i))
	}
	c.Op("MOVQ %s, DI", local("dstStride"))
	c.Label(name + "Shallow")
	for i := 0; i < vectors; i += 2 {
		c.Op("VPACKUSDW %v, %v, %v", odd(i+1), odd(i), odd(i))
	}
	c.Op("JLT %sShifted", name)
	for i := 0; i < vectors; i += 2 {
		c.Op("VPSRLVW %v, %v, %v", p.shifts(i), odd(i), odd(i))
	}
	c.Label(name + "Shifted")
	c.Op("VPACKUSWB %v, %v, %v", odd(vectors-2), odd(0), odd(0))
	c.Op("CMPQ %s, $0", local("clamps"))
	c.Op("JEQ %sClamped", name)
	c.Op("VPMINUB %v, %v, %v", mosts, odd(0), odd(0))
	c.Op("JGT %sClamped", name)
	c.Op("VPMAXUB %v, %v, %v", leasts, odd(0), odd(0))
	c.Label(name + "Clamped")
	c.Op("VPERMD %v, %v, %v", odd(0), ordered, odd(0))
}

// addCodes adds products of the codes of the second term, which are less than 2^52. Codes of even channels are loaded without
// those of odd ones, and those without them: the mask keeps the last load from reading after the row.
func (p *product) addCodes(c *Code, j int, even, odd Z) {
	for parity, sums := range []Z{even, odd} {
		x := others + Z(parity)
		c.Op("VPMOVZXBD.Z %d(R14), K1, %v", 16*j+parity, x)
		c.Op("VPMADD52LUQ %v, %v, %v", p.constant(j, codeMultiplier+parity), x, sums)
	}
	if j == p.n-1 {
		c.Op("ADDQ DI, R14")
	}
}

// write writes the 64 codes of a quad, rows of 16 · n.
func (p *product) write(c *Code, codes Z, name string) {
	switch p.n {
	case 4:
		c.Op("VMOVDQU64 %v, (R13)", codes)
		c.Op("ADDQ DI, R13")
	case 2:
		c.Op("VMOVDQU64 %v, (R13)", codes.Y())
		c.Op("VEXTRACTI64X4 $1, %v, (R13)(DI*1)", codes)
		c.Op("LEAQ (R13)(DI*2), R13")
	case 1: // rows of 16 channels can follow each other
		c.Op("CMPQ DI, $16")
		c.Op("JNE %sApart", name)
		c.Op("VMOVDQU64 %v, (R13)", codes)
		c.Op("ADDQ $64, R13")
		c.Op("JMP %sWritten", name)
		c.Label(name + "Apart")
		c.Op("VMOVDQU32 %v, (R13)", codes.X())
		for i := 1; i < 4; i++ {
			c.Op("ADDQ DI, R13")
			c.Op("VEXTRACTI32X4 $%d, %v, (R13)", i, codes)
		}
		c.Op("ADDQ DI, R13")
		c.Label(name + "Written")
	}
	c.Op("ADDQ $256, R12")
}
