// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"encoding/binary"

	"github.com/goqat/goqat/qmodel"
)

// A piece is one code for each weight of a set, in two's complement of 1, 2, 4 or 8 bits. The weights are the sum of
// factor·code over the pieces of a set, plus the offset of the layer.
type piece struct {
	set    int
	bits   int
	factor int
	codes  []int8
}

// width returns the bits that a code of so many bits takes in memory.
func width(bits int) int {
	switch {
	case bits <= 2:
		return bits
	case bits <= 4:
		return 4
	default:
		return 8
	}
}

// split takes the weights of an operator apart into pieces that are no wider than the file's codes, as far as there are
// such, and an offset that all weights have.
func split(w *qmodel.Weights) (pieces []piece, offset int) {
	for k := range w.Sets() {
		values := w.Values(k)
		switch {
		case w.Coding == qmodel.Odd: // 2c + 1
			pieces = append(pieces, piece{k, width(w.Bits), 2, convert(values, func(v int16) int8 { return int8((v - 1) / 2) })})
			offset = 1
		case w.Coding == qmodel.Narrow && w.Bits == 1: // ±1 = 2b - 1, and the bit b is the code -b
			pieces = append(pieces, flags(k, values, -2, func(v int16) bool { return v > 0 }))
			offset = -1
		case w.Coding == qmodel.Split && w.Bits == 2: // 0 and 1, or 0 and -1
			sign := 1 - 2*k // of the weights of the set
			pieces = append(pieces, flags(k, values, -sign, func(v int16) bool { return v != 0 }))
		default:
			pieces = append(pieces, clipped(k, values, width(w.Bits))...)
		}
	}
	return pieces, offset
}

func convert(values []int16, code func(int16) int8) []int8 {
	codes := make([]int8, len(values))
	for i, v := range values {
		codes[i] = code(v)
	}
	return codes
}

// flags is a piece of 1 bit, whose codes are 0 and -1.
func flags(set int, values []int16, factor int, is func(int16) bool) piece {
	return piece{set, 1, factor, convert(values, func(v int16) int8 {
		if is(v) {
			return -1
		}
		return 0
	})}
}

// clipped is weights in so many bits. The greatest power of two is one more than two's complement holds; where it is
// there, a piece of 1 bit adds the one.
func clipped(set int, values []int16, bits int) []piece {
	most, over := int16(1)<<(bits-1)-1, false
	pieces := []piece{{set, bits, 1, convert(values, func(v int16) int8 {
		over = over || v > most
		return int8(min(v, most))
	})}}
	if over {
		pieces = append(pieces, flags(set, values, -1, func(v int16) bool { return v > most }))
	}
	return pieces
}

// maxRow is the most codes of a row that are summed at once: 2^7 times their products with codes of 8 bits, as the sums
// of narrow fields are on the way, stay in int32.
const maxRow = 1 << 15

// A row is a part of the pieces' rows, as the C code has them.
type row struct {
	piece
	first int    // code of the window that the part starts at
	words int    // of one channel
	bytes []byte // all rows
}

// perWord returns the codes of a word.
func perWord(bits int) int { return 32 / bits }

// pairs packs the rows of a piece, n codes for each channel in groups of so many channels, in pairs of channels: a word
// of one and a word of the other in turns. What is missing is 0.
func (p *piece) pairs(n, channels int) []row {
	var rows []row
	for first := 0; first < n; first += maxRow {
		r := row{piece: *p, first: first, words: (min(n-first, maxRow) + perWord(p.bits) - 1) / perWord(p.bits)}
		for start := 0; start < len(p.codes)/n; start += channels {
			for c := 0; c < channels; c += 2 {
				r.bytes = append(r.bytes, r.pair(start+c, c+1 < channels, n)...)
			}
		}
		rows = append(rows, r)
	}
	return rows
}

func (r *row) pair(channel int, both bool, n int) []byte {
	packed := make([]byte, 8*r.words)
	for half := range 2 {
		if half == 1 && !both {
			break
		}
		codes := r.codes[(channel+half)*n:][r.first:min(n, r.first+maxRow)]
		for i, c := range codes {
			word, at := i/perWord(r.bits), i%perWord(r.bits)
			put(packed[8*word+4*half:], at, r.bits, c)
		}
	}
	return packed
}

// wholeWords returns the rows as numbers.
func (r *row) wholeWords() (words []uint32) {
	for bytes := r.bytes; len(bytes) > 0; bytes = bytes[4:] {
		words = append(words, binary.LittleEndian.Uint32(bytes))
	}
	return words
}

// line packs all codes of a piece of a depthwise layer, taps × channels.
func (p *piece) line(channels int) row {
	taps := len(p.codes) / channels
	r := row{piece: *p, words: (len(p.codes) + perWord(p.bits) - 1) / perWord(p.bits)}
	r.bytes = make([]byte, 4*r.words)
	for c := range channels {
		for t := range taps {
			i := t*channels + c
			put(r.bytes[i/perWord(p.bits)*4:], i%perWord(p.bits), p.bits, p.codes[c*taps+t])
		}
	}
	return r
}

// put sets code number at of a word: field at/4 of byte at%4.
func put(word []byte, at, bits int, c int8) {
	word[at%4] |= uint8(c) & (1<<bits - 1) << (at / 4 * bits)
}
