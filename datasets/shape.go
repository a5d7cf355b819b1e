// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"

	"github.com/goqat/goqat/images"
)

// maxSide is the largest height or width of an image that a network is trained on.
const maxSide = 1024

// String is the shape as height x width x channels, as in "28x28x1".
func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.Height, s.Width, s.Channels) }

func (s Shape) check() error {
	if s.Height < 1 || s.Height > maxSide || s.Width < 1 || s.Width > maxSide || (s.Channels != 1 && s.Channels != 3) {
		return fmt.Errorf("images of %v; height and width are 1 to %d, channels 1 or 3", s, maxSide)
	}
	return nil
}

// checkAny checks the shape of an image or a signal.
func (s Shape) checkAny() error {
	if min(s.Height, s.Width, s.Channels) < 1 || max(s.Height, s.Width, s.Channels) > maxSamples {
		return fmt.Errorf("%v; height, width and channels are 1 to %d", s, maxSamples)
	}
	return nil
}

// shape is the one asked for, given that of the set itself.
func (o Options) shape(native Shape) (Shape, error) {
	if o.Samples != nil {
		return native, fmt.Errorf("images, and signals of %v are wanted; name data of the kind of the training", Shape{o.Height, o.Width, o.Channels})
	}
	if (o.Height == 0) != (o.Width == 0) {
		return native, errors.New("a height or a width alone; give both or none")
	}
	switch {
	case o.Height != 0:
		native.Height, native.Width = o.Height, o.Width
	case o.LongestSide > 0:
		native = native.within(o.LongestSide)
	}
	if o.Channels != 0 {
		native.Channels = o.Channels
	}
	return native, native.check()
}

// within is the shape with its longer side made a given one where it is longer, in the same proportion.
func (s Shape) within(longest int) Shape {
	if side := max(s.Height, s.Width); side > longest {
		s.Height = max(1, (s.Height*longest+side/2)/side)
		s.Width = max(1, (s.Width*longest+side/2)/side)
	}
	return s
}

// muchMemory is from how many bytes on it is said how much memory images take.
const muchMemory = 1 << 30

// ErrTooLarge is in the error of images that take more memory than they may.
var ErrTooLarge = errors.New("ask for smaller ones by data.height and data.width")

// memory refuses images of a file that take more than maxBytes, and says so of those that take much.
func (o Options) memory(n int, shape Shape) error {
	need := float64(n) * float64(shape.Size())
	gib := func(bytes float64) string { return fmt.Sprintf("%.1f GiB", bytes/(1<<30)) }
	if need > maxBytes {
		return fmt.Errorf("%d images of %v take %s of memory, more than the %s that images may; %w", n, shape, gib(need), gib(maxBytes), ErrTooLarge)
	}
	if need >= muchMemory {
		o.note(fmt.Sprintf("%d images of %v take %s of memory; smaller ones are asked for by data.height and data.width", n, shape, gib(need)))
	}
	return nil
}

// conform resizes and recolours every image to what was asked for.
func (d *Dataset) conform(o Options) error {
	from := d.Shape
	if d.Samples != nil {
		if o.Height > 1 && o.Height != from.Height || o.Width > 0 && o.Width != from.Width || o.Channels > 0 && o.Channels != from.Channels {
			return fmt.Errorf("signals of %v, and %v are wanted; signals are not resized, name data of the kind of the training", from, Shape{o.Height, o.Width, o.Channels})
		}
		return nil
	}
	to, err := o.shape(from)
	if err != nil || to == from {
		return err
	}
	if err := o.memory(d.Train.Len()+d.Validation.Len()+d.Test.Len(), to); err != nil {
		return err
	}
	for _, s := range []*Split{&d.Train, &d.Validation, &d.Test} {
		all := make([]uint8, 0, s.Len()*to.Size())
		for i := range s.Len() {
			m := images.Image{Height: from.Height, Width: from.Width, Channels: from.Channels, Pixels: s.image(i)}
			all = append(all, m.Fit(o.Resize, to.Height, to.Width, to.Channels).Pixels...)
		}
		s.Images = all
	}
	d.Shape = to
	return nil
}
