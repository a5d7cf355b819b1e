// SPDX-License-Identifier: Apache-2.0

package amx

import (
	"fmt"

	. "github.com/goqat/goqat/internal/_asm/tile"
)

// Sums become codes while the tiles of later blocks are multiplied: the sums of a block are stored to one of two scratches in
// turn, and read four vectors, a quad, at a time between the tile instructions of the block after the next.

// Registers of vectors with an end: constants of the panel from 0 on, the sums of a quad, values on their way, the limits, and
// the order of packed codes.
const (
	lowest   Z = 20 // of the low halves of a quad's sums of two terms
	onTheWay Z = 25
	zeroes   Z = 28
	leasts   Z = 29
	mosts    Z = 30
	ordered  Z = 31
)

// odd has the sums of odd channels of vector i of a quad, and then its codes.
func odd(i int) Z { return 21 + Z(i) }

// even has those of even channels, which with one term are not needed any more when the next vector comes.
func (p *product) even(i int) Z {
	if p.end == wideCodes {
		return 16 + Z(i)
	}
	return 20
}

// limits loads the limits of codes, and the mask K1 of the dwords of even channels.
func (p *product) limits() {
	p.Op("MOVL $0x5555, CX")
	p.Op("KMOVW CX, K1")
	limit := func(name, broadcast string, to Z) {
		p.argument(name, CX)
		p.Op("VMOVQ CX, X15")
		p.Op("%s X15, %v", broadcast, to)
	}
	if p.end == wideCodes { // else the constants have it
		limit("zero", "VPBROADCASTW", zeroes)
	}
	limit("least", "VPBROADCASTB", leasts)
	limit("most", "VPBROADCASTB", mosts)
	p.Op("VMOVDQU32 order<>+0(SB), %v", ordered)
}

// Constants of 16 channels in registers: constants of even and of odd channels, shifts, multipliers of even and of odd
// channels, and where there are codes, multipliers of these, of even and of odd channels.
const (
	constant = iota
	constantOdd
	shift
	multiplier
	multiplierOdd
	codeMultiplier
	codeMultiplierOdd
)

// constant is a register of constants of the channels of column j.
func (p *product) constant(j, which int) Z { return Z(p.end.each*j + which) }

// loadConstants loads the constants of a panel.
func (p *product) loadConstants() {
	p.load("table", CX)
	for j := range p.n {
		from := func(vector int, to int) { p.Op("VMOVDQU64 %d(CX), %v", 64*(p.end.vectors*j+vector), p.constant(j, to)) }
		from(0, constant)
		from(1, constantOdd)
		from(2, shift)
		from(p.end.sum, multiplier)
		p.Op("VPSRLQ $32, %v, %v", p.constant(j, multiplier), p.constant(j, multiplierOdd))
		if p.end == wideCodes {
			from(p.end.sum+1, codeMultiplier)
			from(p.end.sum+2, codeMultiplierOdd)
		}
	}
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
	p.keepSums()
	p.add(1, "kept")
	p.next("blocks", "block")
	p.Op("JMP last")
	p.Label("full")
	p.beginQuads()
	p.beginBlock()
	p.slicesAndQuads()
	p.leftQuads("left")
	p.keepSums()
	p.next("blocks", "full")
	p.Label("last") // the last two blocks, or the only one, the older first
	p.Op("CMPQ %s, $2", local("kept"))
	p.Op("JGE older")
	p.otherScratch()
	p.Label("older")
	p.beginQuads()
	p.otherScratch()
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

// beginQuads turns to the sums in the scratch.
func (p *product) beginQuads() {
	p.load("scratch", R12)
	p.arguments()
	p.argument("quads", R15)
}

// otherScratch takes the other scratch.
func (p *product) otherScratch() { p.Op("XORQ $%d, %s", otherScratch, local("scratch")) }

// keepSums stores the sums of a block to the scratch, and takes the other one.
func (p *product) keepSums() {
	p.arguments()
	p.argument("scratchTile", CX)
	p.load("scratch", DX)
	p.Op("MOVQ $%d, SI", 64*p.n)
	p.storeTiles(DX, SI, func(row int) {
		if row < p.m-1 {
			p.Op("ADDQ CX, DX")
		}
	})
	p.otherScratch()
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

// quad writes the codes of four vectors of sums: the code of each, that of the last with what all have in common; or if sums
// have two terms, that after the four.
func (p *product) quad(name string) []Code {
	list := make([]Code, 4, 5)
	list[0].Op("MOVQ %s, DI", local("dstStride"))
	for i := range list {
		p.scale(&list[i], i)
		if p.end == wide {
			p.round(&list[i], i)
		}
	}
	if p.end == wideCodes {
		list = append(list, nil)
		p.untie(&list[4], name+"Untied")
		for i := range 4 {
			p.round(&list[4], i)
		}
	}
	p.narrow(&list[len(list)-1])
	p.write(&list[len(list)-1], odd(0), name)
	return list
}

// scale multiplies the sums of vector i of a quad. The rule is that of avx512's requantization: products and constants of 64
// bits, of even channels apart from those of odd ones.
func (p *product) scale(c *Code, i int) {
	j, even, odd := i%p.n, p.even(i), odd(i)
	c.Op("VPMULDQ %d(R12), %v, %v", 64*i, p.constant(j, multiplier), even)
	c.Op("VMOVSHDUP %d(R12), %v", 64*i, odd)
	c.Op("VPMULDQ %v, %v, %v", p.constant(j, multiplierOdd), odd, odd)
	c.Op("VPADDQ %v, %v, %v", p.constant(j, constant), even, even)
	c.Op("VPADDQ %v, %v, %v", p.constant(j, constantOdd), odd, odd)
	if p.end != wideCodes {
		return
	}
	p.addCodes(c, j, even, odd)
	if i == 0 {
		c.Op("VPMINUD %v, %v, %v", even, odd, lowest)
		return
	}
	c.Op("VPMINUD %v, %v, %v", even, lowest, lowest)
	c.Op("VPMINUD %v, %v, %v", odd, lowest, lowest)
}

// round rounds the sums of vector i: the high halves of all, shifted by what is left of the shift.
func (p *product) round(c *Code, i int) {
	c.Op("VPSHUFD $0xf5, %v, K1, %v", p.even(i), odd(i))
	c.Op("VPSRAVD %v, %v, %v", p.constant(i%p.n, shift), odd(i), odd(i))
}

// narrow packs the rounded numbers of a quad as codes.
func (p *product) narrow(c *Code) {
	c.Op("VPACKSSDW %v, %v, %v", odd(1), odd(0), odd(0))
	c.Op("VPACKSSDW %v, %v, %v", odd(3), odd(2), odd(2))
	if p.end == wideCodes {
		c.Op("VPADDSW %v, %v, %v", zeroes, odd(0), odd(0))
		c.Op("VPADDSW %v, %v, %v", zeroes, odd(2), odd(2))
	}
	c.Op("VPACKUSWB %v, %v, %v", odd(2), odd(0), odd(0))
	c.Op("VPMAXUB %v, %v, %v", leasts, odd(0), odd(0))
	c.Op("VPMINUB %v, %v, %v", mosts, odd(0), odd(0))
	c.Op("VPERMD %v, %v, %v", odd(0), ordered, odd(0))
}

// addCodes adds products of the codes of the second term, which are less than 2^52. Codes of even channels are loaded without
// those of odd ones, and those without them: the mask keeps the last load from reading after the row.
func (p *product) addCodes(c *Code, j int, even, odd Z) {
	for parity, sums := range []Z{even, odd} {
		x := onTheWay + Z(parity)
		c.Op("VPMOVZXBD.Z %d(R14), K1, %v", 16*j+parity, x)
		c.Op("VPMADD52LUQ %v, %v, %v", p.constant(j, codeMultiplier+parity), x, sums)
	}
	if j == p.n-1 {
		c.Op("ADDQ DI, R14")
	}
}

// untie rounds the ties of a quad to even, as avx512's ends do. It is skipped where the lowest 32 bits of no sum are 0.
func (p *product) untie(c *Code, label string) {
	const below, unit = 3, 5 // vectors of the table: of even channels, before those of odd ones
	c.Op("VPTESTNMD %v, %v, K1, K2", lowest, lowest)
	c.Op("KORTESTW K2, K2")
	c.Op("JZ %s", label)
	c.Op("MOVQ %s, DI", local("table"))
	for i := range 4 {
		for parity, z := range []Z{p.even(i), odd(i)} {
			at := func(vector int) int { return 64 * (p.end.vectors*(i%p.n) + vector + parity) }
			c.Op("VPTESTNMQ %d(DI), %v, K2", at(below), z)
			c.Op("VMOVDQU64 %d(DI), %v", at(unit), onTheWay)
			c.Op("VPANDNQ %v, %v, K2, %v", z, onTheWay, z)
		}
	}
	c.Op("MOVQ %s, DI", local("dstStride"))
	c.Label(label)
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
