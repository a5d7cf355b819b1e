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
	{Name: "cAt", Type: "*int32", Doc: "[block][m]: of the tiles of rows, in c"},
	{Name: "cStride", Type: "int", Doc: "bytes from a row of c to the next"},
	{Name: "a", Type: "*uint8", Doc: "rows"},
	{Name: "aAt", Type: "*int32", Doc: "[block][m]: of the tiles of rows, in a"},
	{Name: "aStride", Type: "int", Doc: "bytes from a row of a to the next in its tile"},
	{Name: "blocks", Type: "int", Doc: "of m tiles of rows"},
	{Name: "b", Type: "*uint8", Doc: "panels"},
	{Name: "next", Type: "int", Doc: "bytes from a panel to the next"},
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

// The kinds: bfloat16 numbers, and codes of 8 bits.
const (
	floats = "float"
	bytes  = "code"
)

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
	f.Struct("tileArgs", fields, "tileArgs are the arguments of a product of tiles, whose blocks have m tiles of rows. Lists of c are in",
		"numbers of 4 bytes, the others in bytes.")
	for _, p := range products() {
		p.generate()
		f.Func(p.name(), "(a *tileArgs)", 8, 0, p.Code, fmt.Sprintf("%s multiplies %ss. Tiles of rows in a block: %d; panels: %d.", p.name(), p.kind, p.m, p.n))
	}
}

// Registers: AX the stride of a, BX that of rows of panels, CX blocks left, DX slices left, SI the next tile of aAt, R8 and R9 the
// tiles of rows, R10 the steps of a, R11 those of b, R12 and R13 the panels, R14 and R15 places.
func (p *product) generate() {
	argument := func(name string, r R) { p.Op("MOVQ %s, %v", field(name), r) }
	p.Op("MOVQ a+0(FP), DI")
	argument("config", AX)
	p.LDTILECFG(AX)
	argument("aStride", AX)
	p.Op("MOVQ $64, BX")
	argument("blocks", CX)
	argument("aAt", SI)
	argument("b", R12)
	if p.n > 1 {
		argument("next", R13)
		p.Op("ADDQ R12, R13")
	}
	p.Label("block")
	argument("a", R14)
	for i := range p.m {
		p.Op("MOVLQSX %d(SI), %v", 4*i, R8+R(i))
		p.Op("ADDQ R14, %v", R8+R(i))
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
	p.store()
	p.Op("ADDQ $%d, SI", 4*p.m)
	p.Op("DECQ CX")
	p.Op("JNZ block")
	p.TILERELEASE()
	p.Op("RET")
}

// slice adds the products of a slice: tiles 0 to 3 are sums, 4 and 5 rows, 6 and 7 columns.
func (p *product) slice() {
	const rows, columns T = 4, 6
	p.Op("MOVLQSX (R10), R14")
	p.Op("MOVLQSX (R11), R15")
	for i := range p.m {
		p.Op("LEAQ (%v)(R14*1), DI", R8+R(i))
		p.TILELOADD(DI, AX, rows+T(i))
	}
	for j := range p.n {
		p.Op("LEAQ (%v)(R15*1), DI", R12+R(j))
		p.TILELOADD(DI, BX, columns+T(j))
		for i := range p.m {
			if sums := T(i*p.n + j); p.kind == floats {
				p.TDPBF16PS(columns+T(j), rows+T(i), sums)
			} else {
				p.TDPBUSD(columns+T(j), rows+T(i), sums)
			}
		}
	}
}

// store writes the sums of a block. The places of c are as far from those of a as their lists are from each other.
func (p *product) store() {
	p.Op("MOVQ a+0(FP), DI")
	p.Op("MOVQ %s, R10", field("cAt"))
	p.Op("SUBQ %s, R10", field("aAt"))
	p.Op("ADDQ SI, R10")
	p.Op("MOVQ %s, R11", field("cStride"))
	for i := range p.m {
		p.Op("MOVLQSX %d(R10), R14", 4*i)
		p.Op("MOVQ %s, R15", field("c"))
		p.Op("LEAQ (R15)(R14*4), R14")
		p.TILESTORED(T(i*p.n), R14, R11)
		if p.n > 1 {
			p.Op("ADDQ $64, R14")
			p.TILESTORED(T(i*p.n+1), R14, R11)
		}
	}
}
