// SPDX-License-Identifier: Apache-2.0

package ifd

import "testing"

const little = "II*\x00\x08\x00\x00\x00\x02\x00" +
	"\x03\x01\x03\x00\x01\x00\x00\x00\x04\x00\x00\x00" + // 259, SHORT, 1 value: 4
	"\x06\x01\x04\x00\x01\x00\x00\x00\x01\x00\x01\x00" // 262, LONG, 1 value: 65537

const big = "MM\x00*\x00\x00\x00\x0a..\x00\x01" +
	"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00" // 274, SHORT, 1 value: 6

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		file string
		tag  uint16
		want int
		ok   bool
	}{
		{little, Compression, 4, true}, {little, Photometric, 65537, true}, {little, Orientation, 0, false},
		{big, Orientation, 6, true}, {big, Compression, 0, false},
		{little[:len(little)-1], Photometric, 0, false}, {little[:12], Compression, 0, false}, {"II*\x00\xff\xff\xff\xff", Compression, 0, false},
		{"II*\x00", Compression, 0, false}, {"", Compression, 0, false}, {"PK\x03\x04....", Compression, 0, false},
		{"II*\x00\x08\x00\x00\x00\x01\x00\x03\x01\x02\x00\x01\x00\x00\x00\x04\x00\x00\x00", Compression, 0, false}, // text
	} {
		if got, ok := Number([]byte(c.file), c.tag); got != c.want || ok != c.ok {
			t.Errorf("tag %d of %q: %d %v, not %d %v", c.tag, c.file, got, ok, c.want, c.ok)
		}
	}
}

func FuzzNumber(f *testing.F) {
	f.Add([]byte(little), uint16(Compression))
	f.Add([]byte(big), uint16(Orientation))
	f.Fuzz(func(t *testing.T, file []byte, tag uint16) {
		if v, ok := Number(file, tag); v < 0 || v != 0 && !ok {
			t.Fatal(v, ok)
		}
	})
}
