// SPDX-License-Identifier: Apache-2.0

package images

import "fmt"

// An Image is an array of bytes, Height x Width x Channels. Channels is 1 (gray) or 3 (red, green, blue).
type Image struct {
	Height, Width, Channels int
	Pixels                  []uint8
}

// checkSize wants a size of at least one pixel and at most so many.
func checkSize(height, width, channels, pixels int) error {
	switch {
	case height < 1 || width < 1:
		return fmt.Errorf("images: size %dx%d; height and width are at least 1", height, width)
	case height > pixels/width:
		return fmt.Errorf("images: %dx%d pixels, more than %d; make the image smaller", height, width, pixels)
	case channels != 1 && channels != 3:
		return fmt.Errorf("images: %d channels; 1 (gray) or 3 (colour)", channels)
	}
	return nil
}

// Recolor returns m with the given number of channels, 1 or 3; m itself if it has that many. Colour turns gray by the
// luma of ITU-R BT.601,
//
//	Y = (299 R + 587 G + 114 B) / 1000, rounded to nearest, half up,
//
// and gray becomes three equal channels, from which the same rule leads back.
func (m Image) Recolor(channels int) Image {
	if m.Channels == channels {
		return m
	}
	n := m.Height * m.Width
	out := Image{m.Height, m.Width, channels, make([]uint8, n*channels)}
	if channels == 1 {
		for i := range n {
			r, g, b := uint32(m.Pixels[3*i]), uint32(m.Pixels[3*i+1]), uint32(m.Pixels[3*i+2])
			out.Pixels[i] = uint8((299*r + 587*g + 114*b + 500) / 1000)
		}
		return out
	}
	for i, v := range m.Pixels[:n] {
		out.Pixels[3*i], out.Pixels[3*i+1], out.Pixels[3*i+2] = v, v, v
	}
	return out
}
