// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"bytes"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPackedBytes(t *testing.T) {
	for _, c := range []struct {
		w     Weights
		codes []int8
		want  []byte
	}{
		{Weights{Bits: 1}, []int8{1, -1, -1, 1, 1, 1, -1, -1, 1}, []byte{0b00111001, 1}},
		{Weights{Bits: 2}, []int8{1, 0, -1, 1, -1}, []byte{0b01110001, 0b11}},
		{Weights{Bits: 3}, []int8{3, -3, 1}, []byte{0xd3, 0x01}},
		{Weights{Bits: 4}, []int8{7, -7, -1, 0}, []byte{0x97, 0x0f}},
		{Weights{Bits: 5}, []int8{15, -15}, []byte{0x0f, 0xf1}},
		{Weights{Bits: 2, Packing: Dense}, []int8{1, 1, 1, 1, 1, 0, -1, 1}, []byte{242, 1 + 2*9}},
		{Weights{Bits: 2, Packing: Dense}, []int8{-1, -1, -1, -1, -1, -1}, []byte{0, 0}},
		{Weights{Bits: 3, Packing: Dense}, []int8{3, -3, 1, -1}, []byte{0b01_101_011, 0b1110}},
		{Weights{Bits: 7, Packing: Dense}, []int8{63, -63}, []byte{0b1_0111111, 0b100000}},
	} {
		c.w.Shape = [4]int{len(c.codes), 1, 1, 1}
		if err := c.w.Pack(c.codes); err != nil || !bytes.Equal(c.w.Packed, c.want) {
			t.Errorf("%+v of %d: %x, %v, want %x", c.w, c.codes, c.w.Packed, err, c.want)
		}
	}
}

// everyKind returns weights of n codes of every number of bits, coding and packing that there is.
func everyKind(n int) (list []*Weights) {
	for bits := 1; bits <= 8; bits++ {
		for _, coding := range []Coding{Narrow, Odd, Powers, Split} {
			for _, packing := range []Packing{Aligned, Dense} {
				w := &Weights{Bits: bits, Coding: coding, Packing: packing, Shape: [4]int{n, 1, 1, 1}}
				if w.validate() == nil {
					list = append(list, w)
				}
			}
		}
	}
	return list
}

// codesOf returns the codes that weights can have.
func codesOf(w *Weights) (codes []int8) {
	for c := -128; c < 128; c++ {
		if w.has(int8(c)) {
			codes = append(codes, int8(c))
		}
	}
	return codes
}

// packedByDefinition packs by docs/format.md, in integers of any size: all codes are one number of so many bits each, or
// five at a time one in base 3.
func packedByDefinition(w *Weights, codes []int8) []byte {
	whole := func(codes []int8, base int, digit func(int8) int) []byte {
		n, size := new(big.Int), big.NewInt(1)
		for _, c := range codes {
			n.Add(n, new(big.Int).Mul(size, big.NewInt(int64(digit(c)))))
			size.Mul(size, big.NewInt(int64(base)))
		}
		packed := make([]byte, (size.Sub(size, big.NewInt(1)).BitLen()+7)/8)
		n.FillBytes(packed)
		slices.Reverse(packed)
		return packed
	}
	width := map[bool][9]int{false: {0, 1, 2, 4, 4, 8, 8, 8, 8}, true: {0, 0, 0, 3, 0, 5, 6, 7, 0}}[w.Packing == Dense][w.Bits]
	switch {
	case w.Packing == Dense && w.Bits == 2:
		var packed []byte
		for five := range slices.Chunk(codes, 5) {
			packed = append(packed, whole(five, 3, func(c int8) int { return int(c) + 1 })...)
		}
		return packed
	case w.Bits == 1:
		return whole(codes, 2, func(c int8) int { return max(0, int(c)) })
	}
	return whole(codes, 1<<width, func(c int8) int { return (int(c) + 1<<width) % (1 << width) })
}

// TestPackings compares every packing with its definition, for groups of codes that are full and that are not.
func TestPackings(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 42 {
		for _, w := range everyKind(n) {
			all, codes := codesOf(w), make([]int8, n)
			for i := range codes {
				codes[i] = all[rng.IntN(len(all))]
			}
			if err := w.Pack(codes); err != nil {
				t.Fatal(err)
			}
			if want := packedByDefinition(w, codes); !bytes.Equal(w.Packed, want) {
				t.Fatalf("%+v: %d are %x, want %x", w, codes, w.Packed, want)
			}
			if got := w.Codes(); !slices.Equal(got, codes) {
				t.Fatalf("%+v: codes %d, want %d", w, got, codes)
			}
			for k := range w.Sets() {
				for i, v := range w.Values(k) {
					if want := w.value(codes[i], k); v != want {
						t.Fatalf("%+v: value %d of code %d, want %d", w, v, codes[i], want)
					}
				}
			}
			if err := w.validateCodes(); err != nil {
				t.Fatalf("%+v: %v", w, err)
			}
		}
	}
}

// TestPackingsHaveOneForm reads any bytes: those that are not refused are what the codes in them pack to. Codes of other
// values, other numbers of bytes and what follows the last code are refused.
func TestPackingsHaveOneForm(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for n := 1; n < 20; n++ {
		for _, w := range everyKind(n) {
			size, taken := w.layout().size(n), 0
			for range 20 {
				w.Packed = make([]byte, size)
				for i := range w.Packed {
					w.Packed[i] = byte(rng.Uint32()) >> rng.IntN(8)
				}
				if w.validateCodes() != nil {
					continue
				}
				taken++
				if again := w.layout().pack(w.Codes()); !bytes.Equal(again, w.Packed) || slices.ContainsFunc(w.Codes(), func(c int8) bool { return !w.has(c) }) {
					t.Fatalf("%+v is read as %d, which is packed as %x", w, w.Codes(), again)
				}
			}
			if taken == 0 && n == 1 && w.Coding != Powers {
				t.Errorf("%+v: nothing is read", w)
			}
			for _, other := range []int{0, size - 1, size + 1} {
				if w.Packed = make([]byte, other); other != size && w.validateCodes() == nil {
					t.Errorf("%+v: %d bytes for %d codes are read", w, other, n)
				}
			}
		}
	}
	w := &Weights{Bits: 2, Packing: Dense, Shape: [4]int{5, 1, 1, 1}}
	for b := range 256 {
		w.Packed = []byte{byte(b)}
		if err := w.validateCodes(); (err == nil) != (b < 243) {
			t.Errorf("byte %d of five ternary codes: %v", b, err)
		}
	}
}

// TestDensest takes the dense packing where it makes the file smaller, and back.
func TestDensest(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := 1; n < 700; n += 1 + n/3 {
		for _, w := range everyKind(n) {
			all, codes := codesOf(w), make([]int8, n)
			for i := range codes {
				codes[i] = all[rng.IntN(len(all))]
			}
			if err := w.Pack(codes); err != nil {
				t.Fatal(err)
			}
			got := w.Densest()
			if got.validateCodes() != nil || !slices.Equal(got.Codes(), codes) || got.Bytes() > w.Bytes() || got.Densest() != got {
				t.Fatalf("%+v becomes %+v", w, got)
			}
			bare := *w
			bare.Packed = nil
			if again := bare.Densest(); again.Packing != got.Packing || again.Packed != nil || again.Bytes() != got.Bytes() {
				t.Errorf("%+v without codes becomes %+v", bare, again)
			}
			eighths := map[int]int{3: 3 * 5, 5: 5 * 5, 6: 6 * 5, 7: 7 * 5, 2: 8}[w.Bits] // of a code, in fifths
			if n > 600 && eighths > 0 && w.Coding != Odd && got.Bytes() != (n*eighths+39)/40+22 {
				t.Errorf("%+v: %d codes take %d bytes", w, n, got.Bytes())
			}
		}
	}
}

// TestPairsOfDigits: large weights are unpacked by another table than small ones, to the same numbers.
func TestPairsOfDigits(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for n := range 42 {
		for _, w := range everyKind(n) {
			l := w.layout()
			if l.bytes == 1 {
				continue
			}
			packed := make([]byte, l.size(n))
			for i := range packed {
				packed[i] = byte(rng.Uint32())
			}
			of := func(c int8) int16 { return 3*int16(c) - 7 }
			got, want := make([]int16, (n+7)/8*8), make([]int16, (n+7)/8*8)
			unpackPairs(got, l, packed, of)
			unpackDigits(want, l, packed, of)
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: %x is %d, by digits %d", w, packed, got, want)
			}
		}
	}
	w := &Weights{Bits: 3, Packing: Dense, Shape: [4]int{1 << 10, 1, 1, 1}}
	codes := make([]int8, w.Len())
	for i := range codes {
		codes[i] = int8(i%7) - 3
	}
	if err := w.Pack(codes); err != nil || !slices.Equal(w.Codes(), codes) {
		t.Errorf("%d codes are read as others, %v", len(codes), err)
	}
}

// BenchmarkUnpack reads the codes of dense weights.
func BenchmarkUnpack(b *testing.B) {
	for _, bits := range []int{3, 5, 6, 7} {
		w := &Weights{Bits: bits, Packing: Dense, Shape: [4]int{64 * 3 * 3 * 1024, 1, 1, 1}}
		w.Packed = make([]byte, w.layout().size(w.Len()))
		b.Run(fmt.Sprint(bits), func(b *testing.B) {
			for b.Loop() {
				w.Codes()
			}
		})
	}
}
