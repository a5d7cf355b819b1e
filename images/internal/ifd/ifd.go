// SPDX-License-Identifier: Apache-2.0

// Package ifd reads numbers from the first image file directory of a TIFF file (TIFF 6.0, section 2), which is also
// what Exif metadata are.
package ifd

import (
	"bytes"
	"encoding/binary"
)

// Tags of a directory.
const (
	Compression  = 259
	Photometric  = 262
	Orientation  = 274
	entrySize    = 12
	typeShort    = 3
	typeLong     = 4
	valueOfEntry = 8 // where an entry has its value
)

// Number returns the first value of a tag that is a SHORT or a LONG; ok is false if there is none, or the file is
// damaged before it. What is kept beside the directory, which is where more than 4 bytes of values are, is not read.
func Number(file []byte, tag uint16) (value int, ok bool) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(file, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(file, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return 0, false
	}
	if len(file) < 8 {
		return 0, false
	}
	at := uint64(order.Uint32(file[4:]))
	if at+2 > uint64(len(file)) {
		return 0, false
	}
	entries := file[at+2:]
	for range order.Uint16(file[at:]) {
		if len(entries) < entrySize {
			return 0, false
		}
		if order.Uint16(entries) == tag {
			switch order.Uint16(entries[2:]) {
			case typeShort:
				return int(order.Uint16(entries[valueOfEntry:])), true
			case typeLong:
				return int(order.Uint32(entries[valueOfEntry:])), true
			}
			return 0, false
		}
		entries = entries[entrySize:]
	}
	return 0, false
}
