// SPDX-License-Identifier: Apache-2.0

package datasets

import "math/rand/v2"

// A filler copies images into a batch, cropped and flipped at random. The draws of an image depend on (seed, epoch, its index in the split),
// not on its place in a batch.
type filler struct {
	shape   Shape
	options LoaderOptions
	random  rand.PCG
}

func (f *filler) fill(b *batch, split Split, indices []int32, epoch int) {
	size := f.shape.Size()
	b.images = b.images[:len(indices)*size]
	b.labels = b.labels[:len(indices)]
	for i, index := range indices {
		b.labels[i] = split.Labels[index]
		out := b.images[i*size : (i+1)*size]
		in := split.Image(int(index))
		if f.options.Crop == 0 && !f.options.Flip {
			copy(out, in)
			continue
		}
		seedStream(&f.random, f.options.Seed, purposeAugment, uint64(epoch), uint64(index))
		down, right := f.move(f.shape.Height), f.move(f.shape.Width)
		shift(out, in, f.shape, down, right, f.options.Fill)
		if f.options.Flip && f.random.Uint64()>>63 == 1 {
			mirror(out, f.shape)
		}
	}
}

// shift sets out to the window of in that starts at row down and column right, both between -side and side; outside in it is fill.
func shift(out, in []uint8, s Shape, down, right int, fill uint8) {
	row := s.Width * s.Channels
	low := max(0, -right) * s.Channels
	high := min(s.Width, s.Width-right) * s.Channels
	for y := range s.Height {
		to := out[y*row : (y+1)*row]
		from := y + down
		if from < 0 || from >= s.Height {
			set(to, fill)
			continue
		}
		set(to[:low], fill)
		copy(to[low:high], in[from*row+low+right*s.Channels:])
		set(to[high:], fill)
	}
}

func set(s []uint8, v uint8) {
	for i := range s {
		s[i] = v
	}
}

// mirror exchanges left and right.
func mirror(image []uint8, s Shape) {
	row := s.Width * s.Channels
	for y := range s.Height {
		line := image[y*row : (y+1)*row]
		for l, r := 0, row-s.Channels; l < r; l, r = l+s.Channels, r-s.Channels {
			for c := range s.Channels {
				line[l+c], line[r+c] = line[r+c], line[l+c]
			}
		}
	}
}

// move draws by how much an image moves along a side: not at all along one pixel.
func (f *filler) move(side int) int {
	if side == 1 {
		return 0
	}
	return below(&f.random, 2*f.options.Crop+1) - f.options.Crop
}
