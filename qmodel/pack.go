// SPDX-License-Identifier: Apache-2.0

package qmodel

import "fmt"

// codesPerByte returns how many weights of the given bits share a byte: 8 at 1 bit, 4 at 2, 2 at 3 and 4, else 1.
func codesPerByte(bits int) int {
	switch {
	case bits == 1:
		return 8
	case bits == 2:
		return 4
	case bits <= 4:
		return 2
	default:
		return 1
	}
}

// pack stores codes, the first in the lowest bits of a byte: at 1 bit +1 is a 1 and -1 a 0, else two's complement. The
// rest of the last byte is 0.
func pack(codes []int8, bits int) []byte {
	per := codesPerByte(bits)
	width := 8 / per
	packed := make([]byte, (len(codes)+per-1)/per)
	for i, v := range codes {
		if bits == 1 {
			v = (v + 1) / 2
		}
		packed[i/per] |= (uint8(v) & (1<<width - 1)) << (i % per * width)
	}
	return packed
}

// WeightBytes returns the bytes that n weights of so many bits take in a file.
func WeightBytes(n, bits int) int {
	per := codesPerByte(bits)
	return (n + per - 1) / per
}

// checkPacked refuses what does not hold n codes, or has bits set after the last.
func checkPacked(packed []byte, bits, n int) error {
	per := codesPerByte(bits)
	if len(packed) != (n+per-1)/per {
		return fmt.Errorf("%d bytes for %d codes of %d bits", len(packed), n, bits)
	}
	if n%per != 0 && packed[len(packed)-1]>>(n%per*8/per) != 0 {
		return fmt.Errorf("bits after the last code")
	}
	return nil
}

// unpack is the inverse of pack, for n codes.
func unpack(packed []byte, bits, n int) []int8 {
	return spread(packed, unpacked(bits), codesPerByte(bits), n)
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
	default:
		for i, b := range packed {
			*(*[8]T)(numbers[8*i:]) = table[b]
		}
	}
	return numbers[:n:n]
}

// unpacked returns the codes of each byte.
func unpacked(bits int) *[256][8]int8 {
	per := codesPerByte(bits)
	width := 8 / per
	var of [256][8]int8
	for b := range of {
		for i := range per {
			v := uint8(b) >> (i * width) & (1<<width - 1)
			if bits == 1 {
				of[b][i] = int8(v)*2 - 1
			} else {
				of[b][i] = int8(v<<(8-width)) >> (8 - width)
			}
		}
	}
	return &of
}
