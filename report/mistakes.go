// SPDX-License-Identifier: Apache-2.0

package report

import (
	"html/template"
	"image"
	"image/color"
	"strconv"

	"github.com/goqat/goqat/images"
)

// mistakes are test images that were found to be of another class.
type mistakes struct {
	All    int // of them Images shows some
	Images []mistake
}

type mistake struct {
	Picture     template.URL
	True, Found string
	Name        string // file, or number in the test images
}

const (
	// mostMistakes is how many images are shown, longestSide what they are made
	// smaller to: they are looked at, not computed with.
	mostMistakes = 24
	longestSide  = 64
)

// mistakes returns some of the misclassified images, evenly spread over all; nil
// without images, or where they are no pictures.
func (s *Subject) mistakes() (*mistakes, error) {
	r := s.result()
	if r == nil {
		return nil, nil
	}
	height, width, channels := s.imageShape()
	if channels != 1 && channels != 3 || s.Evidence.Test.Len() != r.Images {
		return nil, nil
	}
	var wrong []int
	for i, label := range r.Labels {
		if r.Predictions[i] != label {
			wrong = append(wrong, i)
		}
	}
	names, m := s.classes(), &mistakes{All: len(wrong)}
	shown := min(len(wrong), mostMistakes)
	for k := range shown {
		i := wrong[k*len(wrong)/shown]
		pixels, err := s.Evidence.Test.Subset([]int{i}).Pixels()
		if err != nil || len(pixels) != height*width*channels {
			return nil, err
		}
		name := "test image " + strconv.Itoa(i)
		if files := s.Evidence.Test.Files; files != nil {
			name = short(files[i].Path)
		}
		m.Images = append(m.Images, mistake{
			picture(images.Image{Height: height, Width: width, Channels: channels, Pixels: pixels}),
			short(names[r.Labels[i]]), short(names[r.Predictions[i]]), name,
		})
	}
	return m, nil
}

// imageShape is the size of the images that the network reads.
func (s *Subject) imageShape() (height, width, channels int) {
	if s.Model != nil {
		in := s.Model.Input
		return in.Height, in.Width, in.Channels
	}
	if s.Evidence.Network == nil {
		return 0, 0, 0
	}
	in := s.Evidence.Network.Input
	return in.Height, in.Width, in.Channels
}

// picture embeds an image, made smaller if it is large.
func picture(m images.Image) template.URL {
	if side := max(m.Height, m.Width); side > longestSide {
		m = m.Resize(max(1, m.Height*longestSide/side), max(1, m.Width*longestSide/side))
	}
	m = m.Recolor(3)
	p := image.NewNRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i := range m.Height * m.Width {
		v := m.Pixels[3*i:]
		p.SetNRGBA(i%m.Width, i/m.Width, color.NRGBA{v[0], v[1], v[2], 255})
	}
	return embedded(p)
}
