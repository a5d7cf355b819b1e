// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestPackedBytes(t *testing.T) {
	for _, c := range []struct {
		bits  int
		codes []int8
		want  []byte
	}{
		{1, []int8{1, -1, -1, 1, 1, 1, -1, -1, 1}, []byte{0b00111001, 1}},
		{2, []int8{1, 0, -1, 1, -1}, []byte{0b01110001, 0b11}},
		{3, []int8{3, -3, 1}, []byte{0xd3, 0x01}},
		{4, []int8{7, -7, -1, 0}, []byte{0x97, 0x0f}},
	} {
		if got := pack(c.codes, c.bits); !bytes.Equal(got, c.want) {
			t.Errorf("%d bits: %x, want %x", c.bits, got, c.want)
		}
	}
}

func TestPackRoundTrip(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for bits := 1; bits <= 8; bits++ {
		for n := range 40 {
			codes := make([]int8, n)
			for i := range codes {
				limit := 1<<(bits-1) - 1
				codes[i] = int8(rng.IntN(2*limit+1) - limit)
				if bits == 1 {
					codes[i] = int8(2*rng.IntN(2) - 1)
				}
			}
			packed := pack(codes, bits)
			if err := checkPacked(packed, bits, n); err != nil {
				t.Fatal(err)
			}
			if got := unpack(packed, bits, n); !slices.Equal(got, codes) {
				t.Fatalf("%d bits: %d, want %d", bits, got, codes)
			}
			if checkPacked(append(packed, 0), bits, n) == nil {
				t.Fatal("a byte too many accepted")
			}
			if per := codesPerByte(bits); n%per != 0 {
				packed[len(packed)-1] |= 0x80
				if checkPacked(packed, bits, n) == nil {
					t.Fatalf("%d bits: bits after code %d accepted", bits, n)
				}
			}
		}
	}
}
