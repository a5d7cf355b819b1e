// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"encoding/binary"
	"slices"
)

// A layout is the one description of a packing of codes: a group of them are the digits of a number, the first the lowest, and
// the number is stored in so many bytes, little-endian. The last group can have fewer codes, and then has no more bytes than
// they need. Groups of several bytes have 8 codes of as many bits each.
type layout struct {
	codes, bytes int // of a group; at most 8 codes
	base         int // of the digits, at most 256
}

// layout returns that of valid weights.
func (w *Weights) layout() layout {
	switch {
	case w.Packing == Dense && w.Bits == 2:
		return layout{5, 1, 3}
	case w.Packing == Dense:
		return layout{8, w.Bits, 1 << w.Bits}
	case w.Bits == 1:
		return layout{8, 1, 2}
	case w.Bits == 2:
		return layout{4, 1, 4}
	case w.Bits <= 4:
		return layout{2, 1, 16}
	default:
		return layout{1, 1, 256}
	}
}

// size returns the bytes of n codes.
func (l layout) size(n int) int {
	return n/l.codes*l.bytes + (n%l.codes*l.bytes+l.codes-1)/l.codes
}

// power returns how many numbers n digits can be, at most 8.
func (l layout) power(n int) uint64 {
	product := uint64(1)
	for range n {
		product *= uint64(l.base)
	}
	return product
}

// digit returns that of a code: of -1 and +1 in base 2, of -1, 0 and +1 in base 3, else in two's complement.
func (l layout) digit(code int8) uint64 {
	switch l.base {
	case 2:
		return uint64(code+1) / 2
	case 3:
		return uint64(code + 1)
	default:
		return uint64(code) & uint64(l.base-1)
	}
}

// code is the inverse of digit.
func (l layout) code(digit int) int8 {
	switch {
	case l.base == 2:
		return int8(2*digit - 1)
	case l.base == 3:
		return int8(digit - 1)
	case digit >= l.base/2:
		return int8(digit - l.base)
	default:
		return int8(digit)
	}
}

// pack stores codes. What is left of the last number is 0.
func (l layout) pack(codes []int8) []byte {
	packed := make([]byte, 0, l.size(len(codes)))
	for group := range slices.Chunk(codes, l.codes) {
		n := uint64(0)
		for _, c := range slices.Backward(group) {
			n = n*uint64(l.base) + l.digit(c)
		}
		for range l.size(len(group)) {
			packed = append(packed, byte(n))
			n >>= 8
		}
	}
	return packed
}

// word returns the number that packed codes begin with, at most eight bytes of them.
func word(packed []byte) uint64 {
	if len(packed) >= 8 {
		return binary.LittleEndian.Uint64(packed)
	}
	n := uint64(0)
	for _, b := range slices.Backward(packed) {
		n = n<<8 | uint64(b)
	}
	return n
}

// unpack returns what the first n packed codes stand for, each of them by the function of.
func unpack[T int8 | int16](l layout, packed []byte, n int, of func(code int8) T) []T {
	if l.bytes == 1 {
		return spread(packed, tabulate(l, of), l.codes, n)
	}
	numbers := make([]T, (n+7)/8*8)
	if worth := 16 * l.base * l.base; n >= worth {
		unpackPairs(numbers, l, packed, of)
	} else {
		unpackDigits(numbers, l, packed, of)
	}
	return numbers[:n:n]
}

// unpackDigits looks up each digit of groups of eight, which have as many bits as a group has bytes.
func unpackDigits[T int8 | int16](numbers []T, l layout, packed []byte, of func(code int8) T) {
	var table [256]T
	for d := range l.base {
		table[d] = of(l.code(d))
	}
	for i := 0; len(packed) > 0; i += 8 {
		group := word(packed)
		for k := range 8 {
			numbers[i+k] = table[byte(group)&byte(l.base-1)]
			group >>= l.bytes
		}
		packed = packed[min(l.bytes, len(packed)):]
	}
}

// unpackPairs is unpackDigits with a table of two digits together: half the time, but for making the table.
func unpackPairs[T int8 | int16](numbers []T, l layout, packed []byte, of func(code int8) T) {
	table := make([][2]T, l.base*l.base)
	for pair := range table {
		table[pair] = [2]T{of(l.code(pair % l.base)), of(l.code(pair / l.base))}
	}
	mask, bits := uint64(len(table)-1), 2*l.bytes
	for i := 0; len(packed) > 0; i += 8 {
		group, eight := word(packed), (*[8]T)(numbers[i:])
		*(*[2]T)(eight[0:2]) = table[group&mask]
		*(*[2]T)(eight[2:4]) = table[group>>bits&mask]
		*(*[2]T)(eight[4:6]) = table[group>>(2*bits)&mask]
		*(*[2]T)(eight[6:8]) = table[group>>(3*bits)&mask]
		packed = packed[min(l.bytes, len(packed)):]
	}
}

// tabulate returns what the codes in a byte stand for, of groups of one byte.
func tabulate[T int8 | int16](l layout, of func(code int8) T) *[256][8]T {
	var table [256][8]T
	for b := range table {
		for i, n := 0, b; i < l.codes; i++ {
			table[b][i] = of(l.code(n % l.base))
			n /= l.base
		}
	}
	return &table
}

// spread looks up each packed byte in table and returns the first n numbers; each byte gives perByte of them.
func spread[T int8 | int16](packed []byte, table *[256][8]T, perByte, n int) []T {
	numbers := make([]T, len(packed)*perByte)
	switch perByte { // arrays of a known size are copied without a call
	case 1:
		for i, b := range packed {
			numbers[i] = table[b][0]
		}
	case 2:
		for i, b := range packed {
			*(*[2]T)(numbers[2*i:]) = [2]T(table[b][:])
		}
	case 4:
		for i, b := range packed {
			*(*[4]T)(numbers[4*i:]) = [4]T(table[b][:])
		}
	case 5:
		for i, b := range packed {
			*(*[5]T)(numbers[5*i:]) = [5]T(table[b][:])
		}
	default:
		for i, b := range packed {
			*(*[8]T)(numbers[8*i:]) = table[b]
		}
	}
	return numbers[:n:n]
}
