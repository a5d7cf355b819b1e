// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"iter"
	"slices"
)

// A Batch is a run of images of a split, from the image First on.
type Batch struct {
	First  int
	Images []uint8 // n x Height x Width x Channels
	Labels []int32 // n
}

// End is the image after the last one.
func (b Batch) End() int { return b.First + len(b.Labels) }

// Batches yields all images of s in their order, so many at a time, the last ones fewer. A batch is valid until the
// next one. An error, of images that are in a file, ends the iteration.
func (s Split) Batches(size int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		var buffer []uint8
		for at := 0; at < s.Len(); at += size {
			b := Batch{First: at, Labels: s.Labels[at:min(at+size, s.Len())]}
			var err error
			if b.Images, err = s.read(at, b.End(), &buffer); !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// Pixels returns the values of all images: shared with s where they are in memory, read into it where they are in a
// file.
func (s Split) Pixels() ([]uint8, error) {
	var buffer []uint8
	return s.read(0, s.Len(), &buffer)
}

// read returns the values of the images from i to j, shared with s or in the buffer.
func (s Split) read(i, j int, buffer *[]uint8) ([]uint8, error) {
	size := s.imageSize()
	if s.stored == nil {
		return s.Images[i*size : j*size : j*size], nil
	}
	n := (j - i) * size
	*buffer = slices.Grow((*buffer)[:0], n)[:n]
	for k, place := range s.places[i:j] {
		if err := s.stored.read((*buffer)[k*size:(k+1)*size], int(place)); err != nil {
			return nil, err
		}
	}
	return *buffer, nil
}

// imageSize is the number of values of one image, 0 of a split without images.
func (s Split) imageSize() int {
	switch {
	case s.stored != nil:
		return s.stored.size
	case s.Len() == 0:
		return 0
	}
	return len(s.Images) / s.Len()
}

// values is the number of values of all images.
func (s Split) values() int {
	if s.stored != nil {
		return s.Len() * s.stored.size
	}
	return len(s.Images)
}
