// SPDX-License-Identifier: Apache-2.0

package amx

import (
	"fmt"

	. "github.com/goqat/goqat/internal/_asm/tile"
)

// The fields of the arguments of a product.
var fields = []struct{ name, kind, doc string }{
	{"config", "*[64]byte", "of the tiles"},
	{"x", "*uint8", "codes"},
	{"xStride", "int", "bytes from a row of codes to the next in its tile"},
	{"offsets", "*int32", "[block][m]: of the tiles of rows, in x"},
	{"blocks", "int", "of m tiles of rows"},
	{"w", "*int8", "[panel·n][slice][k/4][16][4]: weights"},
	{"pitch", "int", "bytes of the weights of 16 channels"},
	{"deltas", "*int32", "[slice]: bytes from the codes of the slice before, of the first from the offset"},
	{"slices", "int", "of a sum"},
	{"start", "*int32", "[channel]: what sums begin with; ends have it in the table"},
	{"panels", "int", "of n · 16 channels"},
	{"dst", "*uint8", "codes to write"},
	{"dstStride", "int", "bytes from a row to the next, of dst and other"},
	{"other", "*uint8", "codes of a second term"},
	{"table", "*int64", "[16 channels]: see End of package avx512"},
	{"tableStep", "int", "bytes of the table of a panel"},
	{"clamps", "int", "0 where codes are in the limits without a look, 1 where but greater than most, and else -1"},
	{"shifts", "int", "0 where the table has no shifts, 1 where but of words, and else 2"},
	{"powers", "int", "0 where the table has no powers of two of sums"},
	{"least", "int", "least code of dst"},
	{"most", "int", "greatest code of dst"},
	{"scratch", "*int32", "15 KB, for the sums of three blocks"},
	{"quads", "int", "of vectors of 16 sums in a block; with poolings, pairs of vectors of the greatest sums"},
	{"acc", "*int32", "sums to write"},
	{"accStride", "int", "bytes from a row of acc to the next"},
	{"accTile", "int", "bytes from a tile of rows of acc to the next"},
	{"wTile", "int", "bytes of a tile of weights"},
	{"scratchTile", "int", "bytes of a tile of rows in the scratch"},
}

// The locals: arguments that move on or are needed where no register is free, and state.
var locals = []string{
	"blocks", "offsets", "panels", "w", "start", "dst", "other", "table", "dstStride", "wTile", "acc", "scratch", "deltas", "slices", "x", "clamps", "shifts", "powers", "kept", "older", "newer",
}

// copied are the arguments that are copied to locals once.
var copied = []string{"panels", "w", "start", "dst", "other", "table", "dstStride", "wTile", "acc", "scratch", "deltas", "slices", "x", "clamps", "shifts", "powers"}

// apart is how many bytes apart the scratches are: no multiple of 4096, by which a processor tells loads from stores before them.
const apart = 5376

// An end is what happens to sums: they are stored, or become codes, alone, with codes of a second term, or the greatest of four, or signs, or
// codes in words of 16 bits.
type end struct {
	name    string
	vectors int // of the table of 16 channels, none where sums are stored
	each    int // registers of constants of 16 channels
	short   bool
	pools   bool
}

var (
	sums      = end{name: ""}
	wide      = end{name: "Wide", vectors: 6, each: 4}
	wideCodes = end{name: "WideCodes", vectors: 8, each: 6}
	pooled    = end{name: "Pooled", vectors: 6, each: 4, pools: true}
	signs     = end{name: "Signs", vectors: 2, each: 2}
	short     = end{name: "Short", vectors: 4, short: true}
	shortPool = end{name: "ShortPooled", vectors: 4, short: true, pools: true}
)

// A product is a function that multiplies blocks of m tiles of rows with panels of n tiles of 16 channels.
type product struct {
	Code
	m, n int
	end  end
}

var products = []product{
	{m: 4, n: 1, end: sums}, {m: 4, n: 1, end: wide}, {m: 4, n: 1, end: wideCodes}, {m: 4, n: 1, end: signs}, {m: 4, n: 1, end: short},
	{m: 2, n: 2, end: sums}, {m: 2, n: 2, end: wide}, {m: 2, n: 2, end: wideCodes}, {m: 2, n: 2, end: pooled}, {m: 2, n: 2, end: signs}, {m: 2, n: 2, end: short}, {m: 2, n: 2, end: shortPool},
	{m: 1, n: 4, end: sums}, {m: 1, n: 4, end: wide}, {m: 1, n: 4, end: signs}, {m: 1, n: 4, end: short},
	{m: 1, n: 1, end: sums},
}

// dot generates the products.
func dot(f *File) {
	var list []Field
	for _, a := range fields {
		list = append(list, Field{Name: a.name, Type: a.kind, Doc: a.doc})
	}
	f.Struct("args", list, "args are the arguments of a product, whose blocks have m tiles of rows and whose panels n tiles of 16 channels.",
		"Strides are in bytes. A tile has at most 16 rows, and the last bytes of a slice meet weights of 0.")
	order := make([]uint32, 16) // of the dwords of packed codes, so that those of a vector follow each other
	for i := range order {
		order[i] = uint32(i%4*4 + i/4)
	}
	f.Dwords("order", order)
	for _, p := range products {
		p.generate()
		name := p.name()
		doc := map[string]string{
			"":            fmt.Sprintf("%s writes sums of %d tiles of rows and %d of channels at a time to acc.", name, p.m, p.n),
			"Wide":        fmt.Sprintf("%s writes the codes of sums of %d tiles of rows and %d of channels at a time to dst.", name, p.m, p.n),
			"Signs":       fmt.Sprintf("%s writes 1 to dst where sums of %d tiles of rows and %d of channels at a time are in intervals, and else 0.", name, p.m, p.n),
			"Short":       fmt.Sprintf("%s is dotBytesWide%dx%d by words of 16 bits, see kernel.Short.", name, p.m, p.n),
			"WideCodes":   fmt.Sprintf("%s is dotBytesWide%dx%d with the codes of other as a second term.", name, p.m, p.n),
			"ShortPooled": fmt.Sprintf("%s is dotBytesPooled%dx%d by words of 16 bits, see kernel.Short.", name, p.m, p.n),
			"Pooled":      fmt.Sprintf("%s is dotBytesWide%dx%d, but the codes are those of the greatest of four sums: of two rows after each other, in both tiles of rows.", name, p.m, p.n),
		}[p.end.name]
		f.Func(name, "(a *args)", 8, 8*len(locals), p.Code, doc)
	}
}

// name is the name of the product's function.
func (p *product) name() string { return fmt.Sprintf("dotBytes%s%dx%d", p.end.name, p.m, p.n) }

// field is the place of an argument while DI points to the arguments.
func field(name string) string {
	for i, f := range fields {
		if f.name == name {
			return fmt.Sprintf("%d(DI)", 8*i)
		}
	}
	panic("no field " + name)
}

// local is the place of a local.
func local(name string) string {
	for i, l := range locals {
		if l == name {
			return fmt.Sprintf("%s-%d(SP)", name, 8*(i+1))
		}
	}
	panic("no local " + name)
}

func (p *product) arguments()                { p.Op("MOVQ a+0(FP), DI") }
func (p *product) argument(name string, r R) { p.Op("MOVQ %s, %v", field(name), r) }
func (p *product) load(name string, r R)     { p.Op("MOVQ %s, %v", local(name), r) }
func (p *product) keep(r R, name string)     { p.Op("MOVQ %v, %s", r, local(name)) }
func (p *product) add(n int, name string)    { p.Op("ADDQ $%d, %s", n, local(name)) }

// next repeats a part of a function as often as a local says.
func (p *product) next(name, label string) {
	p.Op("DECQ %s", local(name))
	p.Op("JNZ %s", label)
}

// Registers that keep what they hold: AX the stride of codes, BX that of weights. In a block, R8 and those after it are the
// tiles of rows, SI the weights, CX the deltas, DX the slices left. With an end, R12 is the scratch whose sums become codes,
// R13 dst, R14 other, or with poolings the bytes of a tile of rows there, and R15 the quads left; else R12 is the stride of acc, R13 acc and R14 a tile of its rows.

// generate emits the product.
func (p *product) generate() {
	p.begin()
	p.Label("panel")
	p.arguments()
	p.argument("offsets", CX)
	p.keep(CX, "offsets")
	p.argument("blocks", CX)
	p.keep(CX, "blocks")
	switch p.n {
	case 2:
		p.argument("pitch", R10)
	case 4:
		p.argument("pitch", R9)
		p.Op("LEAQ (R9)(R9*2), R10")
	}
	if p.end == sums {
		p.storeBlocks()
	} else {
		p.finishBlocks()
	}
	p.add(64*p.n, "start")
	p.argument("pitch", CX)
	p.Op("SHLQ $%d, CX", map[int]int{1: 0, 2: 1, 4: 2}[p.n])
	p.Op("ADDQ CX, %s", local("w"))
	p.next("panels", "panel")
	p.TILERELEASE()
	p.Op("VZEROUPPER")
	p.Op("RET")
}

// begin loads what does not change.
func (p *product) begin() {
	p.arguments()
	for _, name := range copied {
		p.argument(name, AX)
		p.keep(AX, name)
	}
	p.argument("xStride", AX)
	p.Op("MOVQ $64, BX")
	if p.end != sums {
		p.limits()
		if p.end.pools {
			p.argument("scratchTile", R14)
		}
		for i, name := range []string{"older", "newer"} {
			p.load("scratch", CX)
			p.Op("ADDQ $%d, CX", (i+1)*apart)
			p.keep(CX, name)
		}
	}
	p.argument("config", DI)
	p.LDTILECFG(DI)
}

// storeBlocks writes the sums of a panel.
func (p *product) storeBlocks() {
	p.load("acc", R13)
	p.arguments()
	p.argument("accStride", R12)
	p.argument("accTile", R14)
	p.Label("block")
	p.beginBlock()
	p.Label("slices")
	p.slice()
	p.Op("DECQ DX")
	p.Op("JNZ slices")
	p.storeTiles(R13, R12, nil, func(int) { p.Op("ADDQ R14, R13") })
	p.next("blocks", "block")
	p.add(64*p.n, "acc")
	p.arguments()
}

// storeTiles stores the sums of a block, from a place on. It calls after, if there is one, after each tile, and down after the
// tiles beside each other.
func (p *product) storeTiles(at, stride R, after, down func(n int)) {
	for i := range p.m {
		for j := range p.n {
			from := at
			if j > 0 {
				p.Op("LEAQ %d(%v), DI", 64*j, at)
				from = DI
			}
			p.TILESTORED(p.tile(i, j), from, stride)
			if after != nil {
				after(i*p.n + j)
			}
		}
		down(i)
	}
}

// tile is the tile of the sums of rows i and channels j of a block.
func (p *product) tile(i, j int) T { return T(i*p.n + j) }

// beginBlock loads the bases of the next block and begins its sums.
func (p *product) beginBlock() {
	p.load("offsets", DI)
	p.load("x", CX)
	for i := range p.m {
		p.Op("MOVLQSX %d(DI), %v", 4*i, R8+R(i))
		p.Op("ADDQ CX, %v", R8+R(i))
	}
	p.Op("ADDQ $%d, DI", 4*p.m)
	p.keep(DI, "offsets")
	if p.end != sums {
		for i := range T(p.m * p.n) {
			p.TILEZERO(i)
		}
	} else {
		p.load("start", DI)
		p.Op("XORL DX, DX")
		for j := range p.n {
			if j > 0 {
				p.Op("ADDQ $64, DI")
			}
			for i := range p.m {
				p.TILELOADD(DI, DX, p.tile(i, j))
			}
		}
	}
	p.load("deltas", CX)
	p.load("slices", DX)
	p.load("w", SI)
}

// slice adds the products of a slice.
func (p *product) slice() {
	p.advance()
	p.Code = append(p.Code, p.tiles()...)
	p.Op("ADDQ %s, SI", local("wTile"))
}

// advance takes the bases to the next slice.
func (p *product) advance() {
	p.Op("MOVLQSX (CX), DI")
	p.Op("ADDQ $4, CX")
	for i := range p.m {
		p.Op("ADDQ DI, %v", R8+R(i))
	}
}

// tiles are the instructions on tiles of a slice, none of which changes the flags.
func (p *product) tiles() (c Code) {
	switch {
	case p.m == 4:
		c.TILELOADD(SI, BX, 7)
		for i, rows := range []T{4, 5, 6, 4} {
			c.TILELOADD(R8+R(i), AX, rows)
			c.TDPBUSD(7, rows, T(i))
		}
	case p.m == 2:
		c.TILELOADD(R8, AX, 4)
		c.TILELOADD(SI, BX, 6)
		c.TDPBUSD(6, 4, 0)
		c.TILELOADD(R9, AX, 5)
		c.TDPBUSD(6, 5, 2)
		c.Op("LEAQ (SI)(R10*1), R11")
		c.TILELOADD(R11, BX, 7)
		c.TDPBUSD(7, 4, 1)
		c.TDPBUSD(7, 5, 3)
	case p.n == 1:
		c.TILELOADD(R8, AX, 4)
		c.TILELOADD(SI, BX, 6)
		c.TDPBUSD(6, 4, 0)
	default:
		c.TILELOADD(R8, AX, 4)
		c.TILELOADD(SI, BX, 5)
		c.TDPBUSD(5, 4, 0)
		for j, from := range []string{"(SI)(R9*1)", "(SI)(R9*2)", "(SI)(R10*1)"} {
			columns := []T{6, 7, 5}[j]
			c.Op("LEAQ %s, R11", from)
			c.TILELOADD(R11, BX, columns)
			c.TDPBUSD(columns, 4, T(j+1))
		}
	}
	return c
}
