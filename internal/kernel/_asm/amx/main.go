// SPDX-License-Identifier: Apache-2.0

// Command amx generates the products of tiles of package kernel, on whose instructions the generator beside it has no hold.
package main

import (
	"fmt"
	"os"

	. "github.com/goqat/goqat/internal/_asm/tile"
)

func main() {
	f := new(File)
	generate(f)
	if err := f.Write("../../amx_amd64.s", "../../amx_stubs_amd64.go", "kernel"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// The fields of the arguments of a product.
var fields = []Field{
	{Name: "config", Type: "*[64]byte", Doc: "of the tiles"},
	{Name: "c", Type: "*float32", Doc: "sums to write"},
	{Name: "cStride", Type: "int", Doc: "bytes from a row of c to the next"},
	{Name: "a", Type: "*uint8", Doc: "rows"},
	{Name: "aStride", Type: "int", Doc: "bytes from a row of a to the next in its tile"},
	{Name: "part", Type: "int", Doc: "bytes from a part of a to the next"},
	{Name: "b", Type: "*uint8", Doc: "panels"},
	{Name: "places", Type: "*int32", Doc: "[block][2m+n]: of the tiles of rows in a, of the panels in b, of the tiles of rows in c"},
	{Name: "blocks", Type: "int", Doc: "left"},
	{Name: "aStep", Type: "*int32", Doc: "[slice]: of the rows of a slice, from the tile's"},
	{Name: "bStep", Type: "*int32", Doc: "[slice]: of a slice in its panel"},
	{Name: "slices", Type: "int", Doc: "of a sum"},
}

// field is the place of an argument while DI points to the arguments.
func field(name string) string {
	for i, f := range fields {
		if f.Name == name {
			return fmt.Sprintf("%d(DI)", 8*i)
		}
	}
	panic("no field " + name)
}

// A product is a function that multiplies blocks of m tiles of rows with n panels, of a kind of numbers.
type product struct {
	Code
	kind string
	m, n int
}

// The kinds: bfloat16 numbers, three parts of rows by one of columns, and codes of 8 bits.
const (
	floats = "float"
	bytes  = "code"
)

// parts is how many tiles of rows a slice of a block has of each.
func (p *product) parts() int {
	if p.kind == floats {
		return 3
	}
	return 1
}

// name is the name of the product's function.
func (p *product) name() string { return fmt.Sprintf("%sTiles%dx%d", p.kind, p.m, p.n) }

// products returns all there are: the last tile, and the last panel, may be alone.
func products() (list []product) {
	for _, kind := range []string{floats, bytes} {
		for _, m := range []int{2, 1} {
			for _, n := range []int{2, 1} {
				list = append(list, product{kind: kind, m: m, n: n})
			}
		}
	}
	return list
}

// generate emits the products.
func generate(f *File) {
	f.Struct("tileArgs", fields, "tileArgs are the arguments of a product of tiles, whose blocks have m tiles of rows and n panels. Places in c are",
		"in numbers of 4 bytes, the others in bytes.")
	for _, p := range products() {
		p.generate()
		f.Func(p.name(), "(a *tileArgs)", 8, 0, p.Code, fmt.Sprintf("%s multiplies %ss. Tiles of rows in a block: %d; panels: %d.", p.name(), p.kind, p.m, p.n))
	}
}

// Registers: AX the stride of a, BX that of rows of panels, CX the distance of parts, DX slices left, DI the arguments, SI the places of the
// block, R8 and R9 the tiles of rows, R10 the steps of a, R11 those of b, R12 and R13 the panels, R14 and R15 places.
func (p *product) generate() {
	argument := func(name string, r R) { p.Op("MOVQ %s, %v", field(name), r) }
	place := func(i int, r R) { p.Op("MOVLQSX %d(SI), %v", 4*i, r) }
	p.Op("MOVQ a+0(FP), DI")
	argument("config", AX)
	p.LDTILECFG(AX)
	argument("aStride", AX)
	p.Op("MOVQ $64, BX")
	argument("part", CX)
	argument("places", SI)
	p.Label("block")
	for i := range p.m {
		place(i, R8+R(i))
		p.Op("ADDQ %s, %v", field("a"), R8+R(i))
	}
	for j := range p.n {
		place(p.m+j, R12+R(j))
		p.Op("ADDQ %s, %v", field("b"), R12+R(j))
	}
	for t := range T(p.m * p.n) {
		p.TILEZERO(t)
	}
	argument("aStep", R10)
	argument("bStep", R11)
	argument("slices", DX)
	p.Label("slice")
	p.slice()
	p.Op("ADDQ $4, R10")
	p.Op("ADDQ $4, R11")
	p.Op("DECQ DX")
	p.Op("JNZ slice")
	argument("cStride", R11)
	for i := range p.m {
		place(p.m+p.n+i, R14)
		argument("c", R15)
		p.Op("LEAQ (R15)(R14*4), R14")
		for j := range p.n {
			if j > 0 {
				p.Op("ADDQ $64, R14")
			}
			p.TILESTORED(T(i*p.n+j), R14, R11)
		}
	}
	p.Op("ADDQ $%d, SI", 4*(2*p.m+p.n))
	p.Op("DECQ %s", field("blocks"))
	p.Op("JNZ block")
	p.TILERELEASE()
	p.Op("RET")
}

// slice adds the products of a slice: tiles 0 to 3 are sums, 4 and 5 rows, 6 and 7 columns. A single tile of rows leaves the other
// register to its next part.
func (p *product) slice() {
	const rows, columns T = 4, 6
	p.Op("MOVLQSX (R10), R14")
	for j := range p.n {
		p.Op("MOVLQSX (R11), R15")
		p.Op("ADDQ %v, R15", R12+R(j))
		p.TILELOADD(R15, BX, columns+T(j))
	}
	for part := range p.parts() {
		at := func(i int) T { return rows + T((i+part*(2-p.m))%2) }
		if part > 0 {
			p.Op("ADDQ CX, R14")
		}
		for i := range p.m {
			p.Op("LEAQ (%v)(R14*1), R15", R8+R(i))
			p.TILELOADD(R15, AX, at(i))
		}
		for j := range p.n {
			for i := range p.m {
				if sums := T(i*p.n + j); p.kind == floats {
					p.TDPBF16PS(columns+T(j), at(i), sums)
				} else {
					p.TDPBUSD(columns+T(j), at(i), sums)
				}
			}
		}
	}
}
