// SPDX-License-Identifier: Apache-2.0

package npy

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/goqat/goqat/internal/memory"
)

// An Array is an array of NumPy. Its values are in C order, whatever their order in the file: the last index is the
// fastest.
type Array struct {
	Shape []int

	header
	values []byte // in the order of bytes of the file
}

// Read reads a .npy file to its end. Values that take more than limit bytes are refused before memory is taken for
// them.
func Read(r io.Reader, limit int64) (*Array, error) {
	h, err := readHeader(r, limit)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	a := &Array{Shape: h.shape, header: *h}
	if a.values, err = memory.ReadExactly(r, h.count*int64(h.size)); err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	if h.fortran {
		a.values = cOrder(a.values, h.shape, h.size)
	}
	return a, nil
}

// Len is the number of values.
func (a *Array) Len() int { return int(a.count) }

// Type is the name of the type of the values in NumPy, as in "float32"; that of all strings is "string".
func (a *Array) Type() string { return a.dtype.String() }

// cOrder puts values of a shape and of so many bytes each, whose first index is the fastest, in C order.
func cOrder(values []byte, shape []int, size int) []byte {
	if len(values) == 0 || len(shape) < 2 {
		return values
	}
	stride := make([]int, len(shape)) // in values
	for k, step := 0, 1; k < len(shape); k++ {
		stride[k] = step
		step *= shape[k]
	}
	out := make([]byte, 0, len(values))
	index := make([]int, len(shape))
	last := len(shape) - 1
	for from := 0; len(out) < len(values); {
		for i := range shape[last] {
			at := (from + i*stride[last]) * size
			out = append(out, values[at:at+size]...)
		}
		for k := last - 1; k >= 0; k-- { // the next row
			index[k]++
			from += stride[k]
			if index[k] < shape[k] {
				break
			}
			from -= shape[k] * stride[k]
			index[k] = 0
		}
	}
	return out
}

// Bytes returns the values of an array of uint8 or bool, which share its memory.
func (a *Array) Bytes() ([]uint8, error) {
	if a.size != 1 || a.letter != 'u' && a.letter != 'b' {
		return nil, fmt.Errorf("npy: an array of %s, not of uint8", a.Type())
	}
	return a.values, nil
}

// Ints returns the values of an array of integers or bool.
func (a *Array) Ints() ([]int64, error) {
	if a.letter != 'u' && a.letter != 'i' && a.letter != 'b' {
		return nil, fmt.Errorf("npy: an array of %s, not of integers", a.Type())
	}
	out := make([]int64, a.count)
	for i := range out {
		v := a.unsigned(i)
		if a.letter != 'i' && v > math.MaxInt64 {
			return nil, fmt.Errorf("npy: value %d, %d, is too large", i, v)
		}
		if out[i] = int64(v); a.letter == 'i' {
			shift := 64 - 8*a.size
			out[i] = int64(v<<shift) >> shift
		}
	}
	return out, nil
}

// Floats returns the values of an array of numbers as float32: exactly those of float16, float32 and of integers up to
// 2^24, rounded to nearest those of others.
func (a *Array) Floats() ([]float32, error) {
	if a.letter != 'f' {
		ints, err := a.Ints()
		if err != nil {
			return nil, fmt.Errorf("npy: an array of %s, not of numbers", a.Type())
		}
		out := make([]float32, len(ints))
		for i, v := range ints {
			out[i] = float32(v)
		}
		return out, nil
	}
	out := make([]float32, a.count)
	for i := range out {
		switch bits := a.unsigned(i); a.size {
		case 2:
			out[i] = half(uint16(bits))
		case 4:
			out[i] = math.Float32frombits(uint32(bits))
		case 8:
			out[i] = float32(math.Float64frombits(bits))
		}
	}
	return out, nil
}

// unsigned returns the bits of value i.
func (a *Array) unsigned(i int) uint64 {
	b := a.values[i*a.size : (i+1)*a.size]
	switch a.size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(a.order.Uint16(b))
	case 4:
		return uint64(a.order.Uint32(b))
	}
	return a.order.Uint64(b)
}

// half returns the value of a float of 16 bits (IEEE 754-2019, binary16).
func half(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits>>15)<<31, uint32(bits>>10&31), uint32(bits&1023)
	switch exponent {
	case 0: // zero and subnormal
		v := float32(fraction) / (1 << 24)
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// Strings returns the values of an array of strings.
func (a *Array) Strings() ([]string, error) {
	if a.letter != 'S' && a.letter != 'U' {
		return nil, fmt.Errorf("npy: an array of %s, not of strings", a.Type())
	}
	out := make([]string, a.count)
	for i := range out {
		b := a.values[i*a.size : (i+1)*a.size]
		if a.letter == 'U' {
			b = utf32(b, a.order)
		}
		if out[i] = strings.TrimRight(string(b), "\x00"); !utf8.ValidString(out[i]) {
			return nil, fmt.Errorf("npy: string %d is no UTF-8: %.40q", i, out[i])
		}
	}
	return out, nil
}

// utf32 turns characters of 32 bits into UTF-8. What is no character is no valid string either.
func utf32(b []byte, order binary.ByteOrder) (out []byte) {
	for ; len(b) >= 4; b = b[4:] {
		r := rune(order.Uint32(b))
		if !utf8.ValidRune(r) {
			return []byte{0xff}
		}
		out = utf8.AppendRune(out, r)
	}
	return out
}
