// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math"
	"slices"

	"github.com/goqat/goqat/signals"
)

// A Shape is the size of every image of a data set. Channels is 1 (gray) or 3 (red, green, blue), of signals any
// number.
type Shape struct{ Height, Width, Channels int }

// Size is the number of values of one image, Height x Width x Channels.
func (s Shape) Size() int { return s.Height * s.Width * s.Channels }

// A Dataset is a set of labelled images, divided into training, perhaps validation, and test.
type Dataset struct {
	Name    string   // as given to Open: a name, or the path
	Classes []string // their names; a label indexes them
	Shape
	Train, Test Split

	// Validation is the validation part of a set that has one of its own, else empty: see Split.Holdout.
	Validation Split

	// Divided says that the test images were chosen by the seed, for want of a
	// test part; Undivided that they are all in Test (see Options.Undivided).
	Divided, Undivided bool

	// Digest is the SHA-256, in lower-case hex digits, of what the set holds: the
	// classes, and the paths and contents of the files; where a file holds many
	// images, their labels and pixels. It changes with any of them, and neither
	// with where the set lies, how it is packed, the size its images are wanted
	// in, nor the seed. Where only the test images were read it is that of these.
	Digest string

	// Samples are the codes of the samples of signals, and nil for images.
	Samples signals.Encoding

	tagged bool // the class of an image is not the folder of its file
	root   int  // bytes of the paths of Files above the folder of the classes or parts
}

// A File is where an image comes from.
type File struct {
	Path   string // relative to the folder or archive, divided by slashes
	SHA256 [32]byte
}

// A Split is a run of labelled images, in memory or, where they would take too much of it, in a file. Batches reads
// them all the same.
type Split struct {
	Images []uint8 // N x Height x Width x Channels (NHWC); nil where they are in a file
	Labels []int32 // N class indices
	Files  []File  // N, or nil where a file holds many images

	stored *store  // nil where the images are in memory
	places []int32 // N, of each in the store
}

// Len is the number of images.
func (s Split) Len() int { return len(s.Labels) }

// Image returns the values of image i (Height x Width x Channels): shared with s where the images are in memory, read
// where they are in a file.
func (s Split) Image(i int) ([]uint8, error) {
	var buffer []uint8
	return s.read(i, i+1, &buffer)
}

// image is Image of a split in memory.
func (s Split) image(i int) []uint8 {
	size := len(s.Images) / len(s.Labels)
	return s.Images[i*size : (i+1)*size : (i+1)*size]
}

// Range returns the images from i to j, without j, shared with s.
func (s Split) Range(i, j int) Split {
	if i == j {
		return Split{}
	}
	part := Split{Labels: s.Labels[i:j:j], stored: s.stored}
	if s.stored == nil {
		size := s.imageSize()
		part.Images = s.Images[i*size : j*size : j*size]
	} else {
		part.places = s.places[i:j:j]
	}
	if s.Files != nil {
		part.Files = s.Files[i:j:j]
	}
	return part
}

// Subset returns the images at the given positions, in that order: copies of those in memory.
func (s Split) Subset(positions []int) Split {
	if len(positions) == 0 {
		return Split{}
	}
	out := Split{Labels: make([]int32, 0, len(positions)), stored: s.stored}
	if s.stored == nil {
		out.Images = make([]uint8, 0, len(positions)*s.imageSize())
	}
	for _, i := range positions {
		if s.stored == nil {
			out.Images = append(out.Images, s.image(i)...)
		} else {
			out.places = append(out.places, s.places[i])
		}
		out.Labels = append(out.Labels, s.Labels[i])
		if s.Files != nil {
			out.Files = append(out.Files, s.Files[i])
		}
	}
	return out
}

// Head returns the first n images (all of them if there are fewer), shared with s.
func (s Split) Head(n int) Split { return s.Range(0, min(n, s.Len())) }

// Spread returns n images (all of them if there are fewer) at equal distances: those of a folder are in an order of
// classes.
func (s Split) Spread(n int) Split {
	if n >= s.Len() {
		return s
	}
	positions := make([]int, n)
	for i := range positions {
		positions[i] = i * s.Len() / n
	}
	return s.Subset(positions)
}

// counts are the images of each class.
func (s Split) counts(classes int) []int {
	n := make([]int, classes)
	for _, label := range s.Labels {
		n[label]++
	}
	return n
}

// arrange moves the images at the positions of the first list, then those of the next ones, to the beginning of s and
// returns a part for each list, which share its memory. No position is there twice.
func (s Split) arrange(lists ...[]int) []Split {
	order := append(make([]int, 0, s.Len()), slices.Concat(lists...)...)
	used := make([]bool, s.Len())
	for _, i := range order {
		used[i] = true
	}
	for i, u := range used {
		if !u {
			order = append(order, i)
		}
	}
	s.permute(order)
	parts := make([]Split, len(lists))
	at := 0
	for i, list := range lists {
		parts[i] = s.Range(at, at+len(list))
		at += len(list)
	}
	return parts
}

// permute puts image order[i] in place i, for every i, with memory for one image beside s. It destroys order.
func (s Split) permute(order []int) {
	if s.Len() == 0 {
		return
	}
	first := make([]uint8, len(s.Images)/len(s.Labels))
	for start := range order {
		if order[start] == start {
			continue
		}
		kept := s.take(start, first)
		i := start
		for order[i] != start {
			from := order[i]
			s.put(i, s.take(from, nil))
			i, order[i] = from, i
		}
		s.put(i, kept)
		order[i] = i
	}
}

// A taken image is one with all that is known of it.
type taken struct {
	pixels []uint8
	place  int32
	label  int32
	file   File
}

// take returns image i, its pixels in the buffer if there is one, else shared with s.
func (s Split) take(i int, buffer []uint8) taken {
	t := taken{label: s.Labels[i]}
	if s.Files != nil {
		t.file = s.Files[i]
	}
	if s.stored != nil {
		t.place = s.places[i]
		return t
	}
	if t.pixels = s.image(i); buffer != nil {
		copy(buffer, t.pixels)
		t.pixels = buffer
	}
	return t
}

// put makes an image that was taken image i.
func (s Split) put(i int, t taken) {
	s.Labels[i] = t.label
	if s.Files != nil {
		s.Files[i] = t.file
	}
	if s.stored != nil {
		s.places[i] = t.place
		return
	}
	copy(s.image(i), t.pixels)
}

// Holdout divides a training split into nine tenths to train on and a tenth to validate with: of every class a tenth of
// its images, rounded, and at least one where it has two. Which ones depends on the seed alone. Both parts keep the
// original order and share the memory of s, whose images change places: those of train come first.
func (s Split) Holdout(seed uint64) (train, validation Split) {
	kept, held := stratify(s.Labels, 10, seed, purposeHoldout)
	p := s.arrange(kept, held)
	return p[0], p[1]
}

// MeanDeviation returns the mean and the standard deviation of all values of a split, over every pixel and channel
// together, in units where 255 is 1. The deviation is at least 1/255, so that one step of a pixel never becomes more
// than one unit of the network's input. An error is that of images in a file.
func MeanDeviation(s Split) (mean, deviation float64, err error) {
	counts, err := s.histograms(1)
	if err != nil {
		return 0, 0, err
	}
	mean, deviation = moments(&counts[0])
	return mean, deviation, nil
}

// MeansDeviations returns the same as MeanDeviation for each of the channels, in their order.
func MeansDeviations(s Split, channels int) (means, deviations []float64, err error) {
	counts, err := s.histograms(channels)
	if err != nil {
		return nil, nil, err
	}
	for c := range counts {
		m, d := moments(&counts[c])
		means, deviations = append(means, m), append(deviations, d)
	}
	return means, deviations, nil
}

// histograms counts the pixels of each value, for each of so many channels.
func (s Split) histograms(channels int) ([][256]int64, error) {
	const batch = 64
	counts := make([][256]int64, channels)
	for b, err := range s.Batches(batch) {
		if err != nil {
			return nil, err
		}
		for i, v := range b.Images {
			counts[i%channels][v]++
		}
	}
	return counts, nil
}

// moments returns the mean and the deviation of so many pixels of each value.
func moments(counts *[256]int64) (mean, deviation float64) {
	var total int64
	for v, c := range counts {
		total += c
		mean += float64(float64(c) * float64(v))
	}
	n := float64(max(1, total))
	mean /= n
	var variance float64
	for v, c := range counts {
		d := float64(v) - mean
		variance += float64(float64(c) * float64(d*d))
	}
	return mean / 255, max(1, math.Sqrt(variance/n)) / 255
}
