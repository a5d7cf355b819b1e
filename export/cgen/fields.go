// SPDX-License-Identifier: Apache-2.0

package cgen

import (
	"fmt"
	"strconv"
)

// fields writes how codes of so many bits are taken out of words.
type fields struct{ Bits int }

// PerWord returns the codes of a word.
func (f fields) PerWord() int { return perWord(f.Bits) }

// Down undoes that the fields of Fields are at the top of their byte.
func (f fields) Down() string {
	if f.Bits == 8 {
		return ""
	}
	return " >> " + strconv.Itoa(8-f.Bits)
}

// A field is number J of each byte of a word.
type field struct {
	bits int
	J    int
}

// Fields returns the fields of a byte.
func (f fields) Fields() []field {
	all := make([]field, 8/f.Bits)
	for j := range all {
		all[j] = field{f.Bits, j}
	}
	return all
}

// Of returns the field of each byte of a word, at the top of the byte.
func (f field) Of(word string) string {
	if f.bits == 8 {
		return word
	}
	mask := uint32(0xff<<(8-f.bits)&0xff) * 0x01010101
	if up := 8 - f.bits - f.bits*f.J; up > 0 {
		return fmt.Sprintf("%s << %d & 0x%xu", word, up, mask)
	}
	return fmt.Sprintf("%s & 0x%xu", word, mask)
}

// Plus returns the offset of the codes that belong to the field.
func (f field) Plus() string {
	if f.J == 0 {
		return ""
	}
	return fmt.Sprintf(" + %d", 4*f.J)
}

// A tap is one code of a word.
type tap struct {
	bits int
	At   int
}

// Taps returns the codes of a word, byte by byte.
func (f fields) Taps() []tap {
	var all []tap
	for i := range 4 {
		for j := range 8 / f.Bits {
			all = append(all, tap{f.Bits, 4*j + i})
		}
	}
	return all
}

// Code returns the code in the word at row, as a number.
func (t tap) Code(row string) string { return t.code(row, 0) }

// Code2 returns the code in the next word.
func (t tap) Code2(row string) string { return t.code(row, 4) }

func (t tap) code(row string, offset int) string {
	b := fmt.Sprintf("%s[%d]", row, offset+t.At%4)
	if t.bits == 8 {
		return "(int8_t)" + b
	}
	return fmt.Sprintf("((int32_t)((uint32_t)%s << %d) >> %d)", b, 32-t.bits-t.bits*(t.At/4), 32-t.bits)
}
