// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"crypto/sha256"
	"fmt"
)

// Repeated returns the positions in s of images that are in other, too: files of one content; where files hold many
// images, images of the same pixels.
func (s Split) Repeated(other Split) []int {
	known := make(map[[sha256.Size]byte]bool, other.Len())
	for i := range other.Len() {
		known[other.content(i)] = true
	}
	var positions []int
	for i := range s.Len() {
		if known[s.content(i)] {
			positions = append(positions, i)
		}
	}
	return positions
}

// content is a hash of image i.
func (s Split) content(i int) [sha256.Size]byte {
	if s.Files != nil {
		return s.Files[i].SHA256
	}
	return sha256.Sum256(s.image(i))
}

// Names lists the images at some positions: by the paths of their files, else by their numbers in s. Of many it names
// the first.
func (s Split) Names(positions []int) string {
	names := make([]string, len(positions))
	for k, i := range positions {
		if names[k] = fmt.Sprint("number ", i); s.Files != nil {
			names[k] = s.Files[i].Path
		}
	}
	return listed(names)
}
