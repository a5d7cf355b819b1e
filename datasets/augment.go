// SPDX-License-Identifier: Apache-2.0

package datasets

import "math/rand/v2"

// An Augmentation changes training images at random, so that a network does not learn by heart what does not matter.
// The zero value changes nothing. Shares are of the whole range of pixels, 255, or of a side.
type Augmentation struct {
	Crop   int     // pad every side longer than one pixel by this many, then crop at random to the original size
	Flip   bool    // mirror left to right, half of the time
	Rotate float64 // turn about the centre by at most this many degrees to either side, up to 180
	Scale  float64 // enlarge or shrink by at most this share, in [0, 0.9]

	Brightness float64 // brighten or darken by at most this share of 255, in [0, 1]
	Contrast   float64 // move all values from or to their mean by at most this share, in [0, 1]
	Noise      float64 // add noise of this deviation, a share of 255, in [0, 1]
	Cutout     float64 // blank a square of this share of the shorter side, in [0, 1]

	Mixup float64 // mix the images of a batch in pairs, by shares of Beta(Mixup, Mixup); 0 for none, at most 1

	// Fill are the values outside the image: the zero points of the network's input, one for each channel or one for
	// all; none is 0.
	Fill []uint8
}

// A filler copies images into a batch, changed at random. The draws of an image depend on (seed, epoch, its index in
// the split, how often it was drawn before in the epoch), not on its place in a batch.
type filler struct {
	shape   Shape
	options LoaderOptions
	random  rand.PCG
	values  [256]uint8 // of brightness and contrast
	scratch []uint8    // an image before it is turned, a batch before it is mixed
	outside []uint8    // Fill of each channel
	buffer  []uint8    // an image that is in a file
}

func newFiller(shape Shape, o LoaderOptions) filler {
	f := filler{shape: shape, options: o, outside: make([]uint8, shape.Channels)}
	for c := range f.outside {
		if n := len(o.Fill); n > 0 {
			f.outside[c] = o.Fill[c%n]
		}
	}
	if o.turns() || o.Mixup > 0 {
		f.scratch = make([]uint8, o.Batch*shape.Size())
	}
	return f
}

func (f *filler) fill(b *batch, split Split, draws []draw, epoch, number int) error {
	size := f.shape.Size()
	b.images = b.images[:len(draws)*size]
	b.labels = b.labels[:len(draws)]
	for i, d := range draws {
		b.labels[i] = split.Labels[d.index]
		in, err := split.read(int(d.index), int(d.index)+1, &f.buffer)
		if err != nil {
			return err
		}
		f.augment(b.images[i*size:(i+1)*size], in, d, epoch)
	}
	f.mix(b, epoch, number)
	return nil
}

// augment sets out to the image in, changed by the draws of its place in the epoch.
func (f *filler) augment(out, in []uint8, d draw, epoch int) {
	o := &f.options.Augmentation
	if !o.changes() {
		copy(out, in)
		return
	}
	seedStream(&f.random, f.options.Seed, purposeAugment, uint64(epoch), uint64(d.index)|uint64(d.repeat)<<32)
	down, right := f.move(f.shape.Height), f.move(f.shape.Width)
	flip := o.Flip && f.random.Uint64()>>63 == 1
	if o.turns() {
		f.turn(out, in, down, right)
	} else {
		shift(out, in, f.shape, down, right, f.outside)
	}
	if flip {
		mirror(out, f.shape)
	}
	f.light(out)
	f.addNoise(out)
	f.cutOut(out)
}

// changes says whether an image may be another after its augmentation.
func (o *Augmentation) changes() bool {
	return o.Crop != 0 || o.Flip || o.turns() || o.Brightness != 0 || o.Contrast != 0 || o.Noise != 0 || o.Cutout != 0
}

// uniform draws from [-most, most), in steps of most/2^52.
func (f *filler) uniform(most float64) float64 {
	return (float64(f.random.Uint64()>>11)/(1<<52) - 1) * most
}

// shift sets out to the window of in that starts at row down and column right, both between -side and side; outside in
// it is fill.
func shift(out, in []uint8, s Shape, down, right int, fill []uint8) {
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

// set fills whole pixels, with a value for each channel.
func set(s, fill []uint8) {
	for i := range s {
		s[i] = fill[i%len(fill)]
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

// cutOut blanks a square whose centre is anywhere in the image, where it reaches beyond less (DeVries and Taylor 2017,
// "Improved regularization of convolutional neural networks with cutout").
func (f *filler) cutOut(image []uint8) {
	s := f.shape
	side := int(f.options.Cutout*float64(min(s.Height, s.Width)) + 0.5)
	if side == 0 {
		return
	}
	y, x := below(&f.random, s.Height)-side/2, below(&f.random, s.Width)-side/2
	low, high := max(0, x)*s.Channels, min(s.Width, x+side)*s.Channels
	for row := max(0, y); row < min(s.Height, y+side); row++ {
		at := row * s.Width * s.Channels
		set(image[at+low:at+high], f.outside)
	}
}
