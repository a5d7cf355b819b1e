// SPDX-License-Identifier: Apache-2.0

package machine

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tiles are the tile registers, and how they are configured.
type tiles struct {
	configured bool
	rows, wide [8]int // wide in bytes
	data       [8][16][64]byte
}

var byteText = regexp.MustCompile(`(LONG|BYTE) \$0x([0-9a-f]+)`)

// parseBytes decodes an instruction that is written as bytes. The comment after them must be its name.
func parseBytes(line string) (instruction, error) {
	directives, name, _ := strings.Cut(line, " // ")
	var code []byte
	for _, d := range byteText.FindAllStringSubmatch(directives, -1) {
		v, err := strconv.ParseUint(d[2], 16, 32)
		if err != nil {
			return instruction{}, err
		}
		code = append(code, byte(v))
		if d[1] == "LONG" {
			code = append(code, byte(v>>8), byte(v>>16), byte(v>>24))
		}
	}
	i, err := decode(code)
	if err != nil {
		return i, err
	}
	i.text = line
	if text := i.String(); text != name {
		return i, fmt.Errorf("the bytes are %s", text)
	}
	return i, nil
}

// String returns a decoded instruction as the generators name it.
func (i *instruction) String() string {
	reg := func(n int) string {
		for name, r := range general {
			if r == n {
				return name
			}
		}
		panic("no such register")
	}
	text := i.op
	for n, a := range i.args {
		if text += " "; n > 0 {
			text = text[:len(text)-1] + ", "
		}
		switch {
		case a.kind == 't':
			text += fmt.Sprint("T", a.value)
		case a.index < 0:
			text += fmt.Sprintf("(%s)", reg(a.base))
		default:
			text += fmt.Sprintf("(%s)(%s*%d)", reg(a.base), reg(a.index), a.scale)
		}
	}
	return text
}

// An encoding is the fields of an instruction with a VEX prefix of three bytes.
type encoding struct {
	prefix, opcode, mod, reg, rm, third int
	memory                              operand
}

// decode decodes an instruction on tiles.
func decode(code []byte) (i instruction, err error) {
	e, err := fieldsOf(code)
	if err != nil {
		return i, err
	}
	tile := func(n int) operand { return operand{kind: 't', value: n, base: -1, index: -1} }
	inMemory := e.mod != 3
	switch {
	case e.opcode == 0x49 && e.prefix == 0 && inMemory && e.reg == 0:
		return instruction{op: "LDTILECFG", args: []operand{e.memory}}, nil
	case e.opcode == 0x49 && e.prefix == 0 && !inMemory && e.reg == 0 && e.rm == 0:
		return instruction{op: "TILERELEASE"}, nil
	case e.opcode == 0x49 && e.prefix == 3 && !inMemory && e.rm == 0:
		return instruction{op: "TILEZERO", args: []operand{tile(e.reg)}}, nil
	case e.opcode == 0x4b && e.prefix == 3 && inMemory && e.memory.index >= 0:
		return instruction{op: "TILELOADD", args: []operand{e.memory, tile(e.reg)}}, nil
	case e.opcode == 0x4b && e.prefix == 2 && inMemory && e.memory.index >= 0:
		return instruction{op: "TILESTORED", args: []operand{tile(e.reg), e.memory}}, nil
	case e.opcode == 0x5e && e.prefix == 1 && !inMemory:
		return instruction{op: "TDPBUSD", args: []operand{tile(e.third), tile(e.rm), tile(e.reg)}}, nil
	case e.opcode == 0x5c && e.prefix == 2 && !inMemory:
		return instruction{op: "TDPBF16PS", args: []operand{tile(e.third), tile(e.rm), tile(e.reg)}}, nil
	}
	return i, fmt.Errorf("% x is no instruction on tiles that is known", code)
}

// fieldsOf takes the bytes of an instruction apart.
func fieldsOf(code []byte) (e encoding, err error) {
	const map0F38 = 2
	if len(code) < 5 || code[0] != 0xc4 || code[1]&31 != map0F38 || code[2]&0x84 != 0 {
		return e, fmt.Errorf("% x has no VEX prefix of a map and a length that tiles have", code)
	}
	high := func(bit int) int { return int(^code[1]>>bit&1) << 3 }
	e.prefix, e.third, e.opcode = int(code[2]&3), int(^code[2]>>3&15), int(code[3])
	modrm, rest := int(code[4]), code[5:]
	e.mod, e.reg, e.rm = modrm>>6, modrm>>3&7|high(7), modrm&7|high(5)
	if e.mod != 3 {
		e.memory = operand{kind: 'm', base: e.rm, index: -1}
		if e.rm&7 == 4 && len(rest) > 0 { // a SIB byte
			sib := int(rest[0])
			e.memory.base = sib&7 | high(5)
			if index := sib>>3&7 | high(6); index != 4 {
				e.memory.index, e.memory.scale = index, 1<<(sib>>6)
			}
			rest = rest[1:]
		}
		if e.mod == 1 && len(rest) > 0 {
			e.memory.value, rest = int(int8(rest[0])), rest[1:]
		}
		if e.mod == 0 && e.memory.base&7 == 5 {
			return e, fmt.Errorf("% x has no base", code)
		}
	}
	if len(rest) > 0 || e.mod == 2 || e.reg > 7 && e.opcode != 0x49 || e.third > 7 {
		return e, fmt.Errorf("% x has bytes or registers too many", code)
	}
	return e, nil
}

// tile executes an instruction on tiles.
func (m *Machine) tile(i *instruction, c *call) {
	t := &m.tiles
	if !t.configured && i.op != "LDTILECFG" {
		panic("the tiles are not configured")
	}
	switch i.op {
	case "LDTILECFG":
		t.configure(m.at(m.address(&i.args[0], c), 64))
	case "TILERELEASE":
		*t = tiles{}
	case "TILEZERO":
		t.data[i.args[0].value] = [16][64]byte{}
	case "TILELOADD":
		n := i.args[1].value
		t.data[n] = [16][64]byte{}
		m.eachRow(&i.args[0], c, n, func(row, memory []byte) { copy(row, memory) })
	case "TILESTORED":
		m.eachRow(&i.args[1], c, i.args[0].value, func(row, memory []byte) { copy(memory, row) })
	case "TDPBUSD":
		t.multiply(i.args[2].value, i.args[1].value, i.args[0].value)
	case "TDPBF16PS":
		t.multiplyFloats(i.args[2].value, i.args[1].value, i.args[0].value)
	default:
		panic("is not known")
	}
}

// configure takes a configuration: its palette, and for each tile the bytes of a row and the rows.
func (t *tiles) configure(config []byte) {
	const columns, rows = 16, 48
	if config[0] != 1 {
		panic("there is no such palette")
	}
	for _, reserved := range [][]byte{config[1:columns], config[columns+16 : rows], config[rows+8:]} {
		if slices.Max(reserved) > 0 {
			panic("what is reserved is not 0")
		}
	}
	*t = tiles{configured: true}
	for n := range 8 {
		t.wide[n], t.rows[n] = int(config[columns+2*n])+int(config[columns+2*n+1])<<8, int(config[rows+n])
		if t.wide[n] > 64 || t.rows[n] > 16 || (t.wide[n] == 0) != (t.rows[n] == 0) {
			panic("a tile has no such size")
		}
	}
}

// eachRow calls do with every row of a tile and its place in memory, whose index is the stride.
func (m *Machine) eachRow(place *operand, c *call, tile int, do func(row, memory []byte)) {
	t := &m.tiles
	first := *place
	first.index = -1
	address, stride := m.address(&first, c), m.r[place.index]*uint64(place.scale)
	for r := range t.rows[tile] {
		do(t.data[tile][r][:t.wide[tile]], m.at(address+uint64(r)*stride, t.wide[tile]))
	}
}

// fit panics where a processor refuses to multiply.
func (t *tiles) fit(sums, rows, columns int) {
	switch {
	case sums == rows || rows == columns || columns == sums:
		panic("the tiles of a product must be three")
	case t.rows[sums] != t.rows[rows], t.wide[sums] != t.wide[columns], t.wide[rows] != 4*t.rows[columns]:
		panic("tiles do not fit together")
	}
}

// multiply adds the products of rows of bytes with columns of quadruples of signed bytes to sums.
func (t *tiles) multiply(sums, rows, columns int) {
	t.fit(sums, rows, columns)
	for r := range t.rows[sums] {
		for n := 0; n < t.wide[sums]; n += 4 {
			sum := get32(t.data[sums][r][n:])
			for k := range t.wide[rows] {
				sum += uint32(int32(t.data[rows][r][k]) * int32(int8(t.data[columns][k/4][n+k%4])))
			}
			put32(t.data[sums][r][n:], sum)
		}
	}
}

// multiplyFloats adds the products of rows of bfloat16 numbers with columns of pairs of them to sums of float32: those of the first
// of each pair and those of the second are summed apart, one after the other, and added to each other and then to the sum.
// What is less than 2^-126 is 0, before and after. Numbers must be finite.
func (t *tiles) multiplyFloats(sums, rows, columns int) {
	t.fit(sums, rows, columns)
	number := func(bits uint32) *big.Float {
		return big.NewFloat(float64(normal(math.Float32frombits(bits)))).SetPrec(512)
	}
	half := func(b []byte) *big.Float { return number(uint32(b[0])<<16 | uint32(b[1])<<24) }
	rounded := func(x *big.Float) *big.Float {
		v, _ := x.Float32()
		return number(math.Float32bits(v))
	}
	for r := range t.rows[sums] {
		for n := 0; n < t.wide[sums]; n += 4 {
			pair := [2]*big.Float{number(0), number(0)}
			for k := 0; k < t.wide[rows]; k += 2 {
				x := half(t.data[rows][r][k:])
				x.Mul(x, half(t.data[columns][k/4][n+k%4:]))
				pair[k/2%2] = rounded(x.Add(x, pair[k/2%2]))
			}
			sum := number(get32(t.data[sums][r][n:]))
			sum = rounded(sum.Add(sum, rounded(pair[0].Add(pair[0], pair[1]))))
			v, _ := sum.Float32()
			put32(t.data[sums][r][n:], math.Float32bits(v))
		}
	}
}

// normal returns v, or 0 of its sign where it has fewer bits than a normal number.
func normal(v float32) float32 {
	if bits := math.Float32bits(v); bits>>23&0xff == 0 {
		return math.Float32frombits(bits & (1 << 31))
	}
	return v
}
