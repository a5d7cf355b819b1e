// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// digest returns the SHA-256, in lower-case hex digits, of a data set's content: the names of its classes, the size of
// its images, and the label and the pixels of every image, part by part and in order. It changes with any image, label,
// class or order, and neither with where the images lie nor with how they are packed.
func digest(classes []string, shape Shape, parts ...Split) string {
	h := sha256.New()
	number := func(n int) {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	number(len(classes))
	for _, name := range classes {
		number(len(name))
		h.Write([]byte(name))
	}
	for _, n := range []int{shape.Height, shape.Width, shape.Channels, len(parts)} {
		number(n)
	}
	for _, s := range parts {
		number(s.Len())
		for i, label := range s.Labels {
			number(int(label))
			h.Write(s.Image(i))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
