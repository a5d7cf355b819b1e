// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import "slices"

// A form is how the weights of a dot product lie in memory: as bytes; as places of 4 or 2 bits in a table of the
// weights that occur; or, where these are -1 and +1, as bits. The products take packed weights apart in registers.
type form struct {
	name  string
	bits  int
	steps int               // that share a register, of which the first has the low bits of a byte
	dots  [3][25]dotProduct // [columns][rows]
}

type dotProduct = func(acc *int32, dst, other *uint8, stride int, x *uint8, offsets *int32, step, tiles int, w *int8, start *int32, height, steps, skip int, table *int64, kind, zero, least, most int)

var forms = [...]form{
	{
		name: "8-bit", bits: 8, steps: 1,
		dots: [3][25]dotProduct{
			1: {1: dotBytes1x1, 2: dotBytes2x1, 4: dotBytes4x1, 8: dotBytes8x1, 16: dotBytes16x1, 24: dotBytes24x1},
			2: {1: dotBytes1x2, 2: dotBytes2x2, 4: dotBytes4x2, 8: dotBytes8x2, 14: dotBytes14x2},
		},
	},
	{
		name: "8-bit, weights in 4", bits: 4, steps: 2,
		dots: [3][25]dotProduct{
			1: {1: dotNibbles1x1, 2: dotNibbles2x1, 4: dotNibbles4x1, 8: dotNibbles8x1, 16: dotNibbles16x1, 24: dotNibbles24x1},
			2: {1: dotNibbles1x2, 2: dotNibbles2x2, 4: dotNibbles4x2, 8: dotNibbles8x2, 14: dotNibbles14x2},
		},
	},
	{
		name: "8-bit, weights in 2", bits: 2, steps: 4,
		dots: [3][25]dotProduct{
			1: {1: dotPairs1x1, 2: dotPairs2x1, 4: dotPairs4x1, 8: dotPairs8x1, 16: dotPairs16x1, 24: dotPairs24x1},
			2: {1: dotPairs1x2, 2: dotPairs2x2, 4: dotPairs4x2, 8: dotPairs8x2, 14: dotPairs14x2},
		},
	},
	{
		name: "8-bit, weights in 1", bits: 1, steps: 1,
		dots: [3][25]dotProduct{
			1: {1: dotBits1x1, 2: dotBits2x1, 4: dotBits4x1, 8: dotBits8x1, 16: dotBits16x1, 24: dotBits24x1},
			2: {1: dotBits1x2, 2: dotBits2x2, 4: dotBits4x2, 8: dotBits8x2, 14: dotBits14x2},
		},
	},
}

// A chooser returns a form for weights in lines of taps, and the table of those that occur, nil for bytes.
type chooser = func(weights []int8, taps int) (*form, []int8)

// asBytes chooses bytes.
func asBytes([]int8, int) (*form, []int8) { return &forms[0], nil }

// fewestBits chooses the form with the fewest bits. Where taps do not fill registers, weights of 0 follow.
func fewestBits(weights []int8, taps int) (*form, []int8) {
	var occurs [256]bool
	distinct := 0
	for _, w := range weights {
		if !occurs[uint8(w)] {
			if distinct++; distinct > 16 {
				return &forms[0], nil
			}
			occurs[uint8(w)] = true
		}
	}
	for i := len(forms) - 1; i > 0; i-- {
		f := &forms[i]
		occurs := occurs
		if taps%(4*f.steps) > 0 {
			occurs[0] = true
		}
		var values []int8
		for v, found := range occurs { // 0 first, so that what is not packed is 0
			if found {
				values = append(values, int8(uint8(v)))
			}
		}
		if len(values) <= 1<<f.bits && (f.bits > 1 || slices.Equal(values, []int8{1, -1})) {
			return f, values
		}
	}
	return &forms[0], nil
}

// header returns the bytes of the table of a panel.
func (f *form) header() int {
	if f.steps > 1 {
		return 64
	}
	return 0
}

// begin writes the table of the values that occur to a panel and returns what is after it.
func (f *form) begin(panel, values []int8) []int8 {
	for i := 0; i < f.header(); i += 1 << f.bits {
		copy(panel[i:i+1<<f.bits], values)
	}
	return panel[f.header():]
}

// pack packs one line of weights of a column in a panel of so many, from a step on.
func (f *form) pack(panel, line, values []int8, step, width, column int) {
	switch f.bits {
	case 8:
		at := (step*width + column) * 4
		for ; len(line) >= 4; at += width * 4 {
			*(*[4]int8)(panel[at:]) = [4]int8(line)
			line = line[4:]
		}
		if len(line) > 0 {
			copy(panel[at:], line)
		}
	case 1:
		for k, w := range line {
			if w < 0 {
				place := (step+k/4)*width*4 + column*4 + k%4
				panel[place/8] |= int8(1 << (place % 8))
			}
		}
	default:
		f.packPlaces(panel, line, values, step, width, column)
	}
}

// packPlaces is pack for places in the table, a register of steps at a time.
func (f *form) packPlaces(panel, line, values []int8, step, width, column int) {
	var places [256]uint32
	for i, w := range values {
		places[uint8(w)] = uint32(i)
	}
	var last [16]int8 // what is left of the line, and weights of 0, whose place is 0
	for at := step/f.steps*width*4 + column*4; len(line) > 0; at += width * 4 {
		if len(line) < 4*f.steps {
			copy(last[:], line)
			line = last[:4*f.steps]
		}
		register := uint32(0)
		for s := range f.steps {
			w := (*[4]int8)(line[4*s:])
			four := places[uint8(w[0])] | places[uint8(w[1])]<<8 | places[uint8(w[2])]<<16 | places[uint8(w[3])]<<24
			register |= four << (s * f.bits)
		}
		*(*[4]int8)(panel[at:]) = [4]int8{int8(register), int8(register >> 8), int8(register >> 16), int8(register >> 24)}
		line = line[4*f.steps:]
	}
}
