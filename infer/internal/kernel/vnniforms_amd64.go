// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

import "slices"

// A vnniForm is how the weights of a dot product lie in memory: as bytes; as places of 4 or 2 bits in a table of the
// weights that occur; or, where these are -1 and +1, as bits. The products take packed weights apart in registers.
type vnniForm struct {
	name  string
	bits  int
	steps int            // that share a register, of which the first has the low bits of a byte
	dots  [3][25]vnniDot // [columns][rows]
}

type vnniDot = func(acc *int32, dst, other *uint8, stride int, x *uint8, offsets *int32, step, tiles int, w *int8, start *int32, height, steps, skip int, table *int64, ties bool, zero, least, most int)

var vnniForms = [...]vnniForm{
	{
		name: "8-bit", bits: 8, steps: 1,
		dots: [3][25]vnniDot{
			1: {1: dotVNNI1x1, 2: dotVNNI2x1, 4: dotVNNI4x1, 8: dotVNNI8x1, 16: dotVNNI16x1, 24: dotVNNI24x1},
			2: {1: dotVNNI1x2, 2: dotVNNI2x2, 4: dotVNNI4x2, 8: dotVNNI8x2, 14: dotVNNI14x2},
		},
	},
	{
		name: "8-bit, weights in 4", bits: 4, steps: 2,
		dots: [3][25]vnniDot{
			1: {1: dotVNNINibbles1x1, 2: dotVNNINibbles2x1, 4: dotVNNINibbles4x1, 8: dotVNNINibbles8x1, 16: dotVNNINibbles16x1, 24: dotVNNINibbles24x1},
			2: {1: dotVNNINibbles1x2, 2: dotVNNINibbles2x2, 4: dotVNNINibbles4x2, 8: dotVNNINibbles8x2, 14: dotVNNINibbles14x2},
		},
	},
	{
		name: "8-bit, weights in 2", bits: 2, steps: 4,
		dots: [3][25]vnniDot{
			1: {1: dotVNNIPairs1x1, 2: dotVNNIPairs2x1, 4: dotVNNIPairs4x1, 8: dotVNNIPairs8x1, 16: dotVNNIPairs16x1, 24: dotVNNIPairs24x1},
			2: {1: dotVNNIPairs1x2, 2: dotVNNIPairs2x2, 4: dotVNNIPairs4x2, 8: dotVNNIPairs8x2, 14: dotVNNIPairs14x2},
		},
	},
	{
		name: "8-bit, weights in 1", bits: 1, steps: 1,
		dots: [3][25]vnniDot{
			1: {1: dotVNNIBits1x1, 2: dotVNNIBits2x1, 4: dotVNNIBits4x1, 8: dotVNNIBits8x1, 16: dotVNNIBits16x1, 24: dotVNNIBits24x1},
			2: {1: dotVNNIBits1x2, 2: dotVNNIBits2x2, 4: dotVNNIBits4x2, 8: dotVNNIBits8x2, 14: dotVNNIBits14x2},
		},
	},
}

// chooseForm returns the form with the fewest bits for weights in lines of taps, and the table of those that occur. Where
// taps do not fill registers, weights of 0 follow.
func chooseForm(weights []int8, taps int) (*vnniForm, []int8) {
	var occurs [256]bool
	distinct := 0
	for _, w := range weights {
		if !occurs[uint8(w)] {
			if distinct++; distinct > 16 {
				return &vnniForms[0], nil
			}
			occurs[uint8(w)] = true
		}
	}
	for i := len(vnniForms) - 1; i > 0; i-- {
		f := &vnniForms[i]
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
	return &vnniForms[0], nil
}

// header returns the bytes of the table of a panel.
func (f *vnniForm) header() int {
	if f.steps > 1 {
		return 64
	}
	return 0
}

// begin writes the table of the values that occur to a panel and returns what is behind it.
func (f *vnniForm) begin(panel, values []int8) []int8 {
	for i := 0; i < f.header(); i += 1 << f.bits {
		copy(panel[i:i+1<<f.bits], values)
	}
	return panel[f.header():]
}

// pack packs one line of weights of a column in a panel of so many, from a step on.
func (f *vnniForm) pack(panel, line, values []int8, step, width, column int) {
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
func (f *vnniForm) packPlaces(panel, line, values []int8, step, width, column int) {
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
