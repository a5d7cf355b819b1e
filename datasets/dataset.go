// SPDX-License-Identifier: Apache-2.0

package datasets

import "math"

// A Shape is the size of every image of a data set. Channels is 1 (gray) or 3 (red, green, blue).
type Shape struct{ Height, Width, Channels int }

// Size is the number of values of one image, Height x Width x Channels.
func (s Shape) Size() int { return s.Height * s.Width * s.Channels }

// A Dataset is a set of labelled images, divided into training and test.
type Dataset struct {
	Name    string   // as given to Open: a name, or the path
	Classes []string // their names; a label indexes them
	Shape
	Train, Test Split

	// Divided says that the test images were chosen by the seed, for want of a
	// test part.
	Divided bool

	// Digest is the SHA-256, in lower-case hex digits, of classes, labels and
	// images in this size: two data sets with the same digest train the same
	// network. It does not depend on the seed.
	Digest string
}

// A Split is a run of labelled images.
type Split struct {
	Images []uint8 // N x Height x Width x Channels (NHWC)
	Labels []int32 // N class indices
}

// Len is the number of images.
func (s Split) Len() int { return len(s.Labels) }

// Image returns the values of image i (Height x Width x Channels), shared with s.
func (s Split) Image(i int) []uint8 {
	size := len(s.Images) / len(s.Labels)
	return s.Images[i*size : (i+1)*size : (i+1)*size]
}

// Subset copies the images at the given positions, in that order.
func (s Split) Subset(positions []int) Split {
	if len(positions) == 0 {
		return Split{}
	}
	size := len(s.Images) / len(s.Labels)
	out := Split{Images: make([]uint8, 0, len(positions)*size), Labels: make([]int32, 0, len(positions))}
	for _, i := range positions {
		out.Images = append(out.Images, s.Image(i)...)
		out.Labels = append(out.Labels, s.Labels[i])
	}
	return out
}

// Head returns the first n images (all of them if there are fewer), shared with s.
func (s Split) Head(n int) Split {
	if n >= s.Len() {
		return s
	}
	return Split{Images: s.Images[:n*(len(s.Images)/len(s.Labels))], Labels: s.Labels[:n]}
}

// Holdout divides a training split into nine tenths to train on and a tenth to validate with: of every class a tenth of its images, rounded,
// and at least one where it has two. Which ones depends on the seed alone. Both parts are copies and keep the original order.
func (s Split) Holdout(seed uint64) (train, validation Split) {
	kept, held := stratify(s.Labels, 10, seed, purposeHoldout)
	return s.Subset(kept), s.Subset(held)
}

// MeanDeviation returns the mean and the standard deviation of all values of a split, over every pixel and channel together, in units where
// 255 is 1. The deviation is at least 1/255, so that one step of a pixel never becomes more than one unit of the network's input.
func MeanDeviation(s Split) (mean, deviation float64) {
	var counts [256]int64
	for _, v := range s.Images {
		counts[v]++
	}
	n := float64(max(1, len(s.Images)))
	for v, c := range counts {
		mean += float64(float64(c) * float64(v))
	}
	mean /= n
	var variance float64
	for v, c := range counts {
		d := float64(v) - mean
		variance += float64(float64(c) * float64(d*d))
	}
	return mean / 255, max(1, math.Sqrt(variance/n)) / 255
}
