// SPDX-License-Identifier: Apache-2.0

package images

import "fmt"

// A Rule says how an image is brought to another aspect ratio. The zero value is that of Stretch.
type Rule string

const (
	Stretch Rule = "stretch" // both sides, each by its own factor
	Crop    Rule = "crop"    // what is beyond the wanted ratio is cut off at both ends of the longer side
	Pad     Rule = "pad"     // the whole image in the middle of black, which fills the rest
)

// ParseRule returns the rule of a name; that of no name is Stretch, which models have that do not say.
// A name of no rule is an error.
func ParseRule(name string) (Rule, error) {
	switch r := Rule(name); r {
	case "", Stretch:
		return Stretch, nil
	case Crop, Pad:
		return r, nil
	}
	return "", fmt.Errorf("images: no rule %.40q of resizing; stretch, crop or pad", name)
}

// Fit returns m as a network sees it: recoloured, then brought to the given size by the rule, of which both sides are
// at least 1. This one function prepares images in training and in use.
//
//   - Stretch is Resize.
//   - Crop takes the largest window of the wanted ratio, round(width x Height / height) of m's columns or round(height x Width / width) of its
//     rows, half up, at least one, from the middle (one more is left out at the end where their number is odd), and resizes it.
//   - Pad resizes m so that it just fits, to round(Height x width / Width) rows or round(Width x height / Height) columns, half up, at least one,
//     and puts it in the middle of black (one more row or column after it where their number is odd).
func (m Image) Fit(r Rule, height, width, channels int) Image {
	m = m.Recolor(channels)
	switch r {
	case Crop:
		return m.middle(height, width).Resize(height, width)
	case Pad:
		return m.inside(height, width)
	}
	return m.Resize(height, width)
}

// rounded is a x b / c, to nearest, half up, at least 1.
func rounded(a, b, c int) int { return int(max(1, (2*int64(a)*int64(b)+int64(c))/(2*int64(c)))) }

// middle cuts the largest window of a ratio out of m.
func (m Image) middle(height, width int) Image {
	h, w := m.Height, m.Width
	if int64(m.Width)*int64(height) > int64(m.Height)*int64(width) {
		w = min(w, rounded(width, m.Height, height))
	} else {
		h = min(h, rounded(height, m.Width, width))
	}
	if h == m.Height && w == m.Width {
		return m
	}
	top, left := (m.Height-h)/2, (m.Width-w)/2
	out := Image{h, w, m.Channels, make([]uint8, h*w*m.Channels)}
	row := w * m.Channels
	for y := range h {
		copy(out.Pixels[y*row:(y+1)*row], m.Pixels[((top+y)*m.Width+left)*m.Channels:])
	}
	return out
}

// inside puts the whole of m in the middle of a black image.
func (m Image) inside(height, width int) Image {
	h, w := height, width
	if int64(m.Width)*int64(height) > int64(m.Height)*int64(width) {
		h = min(h, rounded(m.Height, width, m.Width))
	} else {
		w = min(w, rounded(m.Width, height, m.Height))
	}
	m = m.Resize(h, w)
	if h == height && w == width {
		return m
	}
	top, left := (height-h)/2, (width-w)/2
	out := Image{height, width, m.Channels, make([]uint8, height*width*m.Channels)}
	row := w * m.Channels
	for y := range h {
		copy(out.Pixels[((top+y)*width+left)*m.Channels:], m.Pixels[y*row:(y+1)*row])
	}
	return out
}
