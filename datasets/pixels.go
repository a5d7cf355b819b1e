// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/internal/npy"
)

// A pixelForm says how the values of arrays are images.
type pixelForm struct {
	shape       Shape
	first       bool    // channels come before rows, as PyTorch has them
	kind        string  // the type of the values
	least, most float64 // of all values
}

// imageForm returns the form of arrays that hold images, nil of those that hold signals. The training part says which:
// images are arrays [n, height, width] of uint8, uint16 or bool, or of any type if they are called images; and [n,
// height, width, channels] or [n, channels, height, width] with 1 or 3 channels, of values from 0 to 255 or, of
// integers, to 65535. All bytes of three dimensions and more are.
func imageForm(parts []arrayPart) (*pixelForm, error) {
	train := parts[0].values
	f := &pixelForm{kind: train.Type(), least: math.Inf(1), most: math.Inf(-1)}
	called := strings.Contains(strings.ToLower(parts[0].name), "image")
	pixels := slices.Contains([]string{"uint8", "uint16", "bool"}, f.kind)
	switch s := train.Shape; {
	case len(s) == 3 && (pixels || called):
		f.shape = Shape{s[1], s[2], 1}
	case len(s) == 4 && !isChannels(s[3]) && isChannels(s[1]):
		f.shape, f.first = Shape{s[2], s[3], s[1]}, true
	case len(s) == 4 && (isChannels(s[3]) || pixels || called):
		f.shape = Shape{s[1], s[2], s[3]}
	default:
		return nil, nil
	}
	for _, p := range parts {
		if p.values == nil {
			continue
		}
		if err := f.alike(p, train); err != nil {
			return nil, err
		}
		if err := f.bounds(p); err != nil {
			return nil, err
		}
	}
	if !f.inRange() {
		if !called && !pixels {
			return nil, nil
		}
		return nil, fmt.Errorf("%q: values of %s from %v to %v, as they are after a normalization; save the pixels themselves, from 0 to 255 as uint8", parts[0].name, f.kind, f.least, f.most)
	}
	return f, f.shape.check()
}

func isChannels(n int) bool { return n == 1 || n == 3 }

// alike wants images of one type and one shape in all parts.
func (f *pixelForm) alike(p arrayPart, train *npy.Array) error {
	if kind := p.values.Type(); kind != f.kind {
		return fmt.Errorf("%q has values of %s, the training part of %s: save all images with one type", p.name, kind, f.kind)
	}
	if !slices.Equal(p.values.Shape[1:], train.Shape[1:]) {
		return fmt.Errorf("%q has images of %v, the training part of %v", p.name, p.values.Shape[1:], train.Shape[1:])
	}
	return nil
}

// bounds finds the least and the greatest value.
func (f *pixelForm) bounds(p arrayPart) error {
	if f.kind == "uint8" || f.kind == "bool" {
		f.least, f.most = 0, 255
		return nil
	}
	values, err := p.values.Floats()
	if err != nil {
		return fmt.Errorf("%q: %w", p.name, err)
	}
	for _, v := range values {
		if v-v != 0 { // no number: no pixel, and no sample of a signal either, which says so
			f.most = math.Inf(1)
			return nil
		}
		f.least, f.most = min(f.least, float64(v)), max(f.most, float64(v))
	}
	return nil
}

// whole tells whether the values are integers.
func (f *pixelForm) whole() bool { return !strings.HasPrefix(f.kind, "float") }

func (f *pixelForm) inRange() bool {
	return f.least >= 0 && f.most <= 255 || f.whole() && f.least >= 0 && f.most <= math.MaxUint16
}

// factor makes values from 0 to 255 of those of the arrays, by one rule for all parts: bytes stay as they are,
// fractions up to 1 are shares of 255, whole numbers of more than 8 bits are images of 16 bits.
func (f *pixelForm) factor(note func(string)) float64 {
	says := func(how string) { note(fmt.Sprintf("images of %s from %v to %v: %s", f.kind, f.least, f.most, how)) }
	switch {
	case f.kind == "uint8":
	case f.kind == "bool":
		return 255
	case !f.whole() && f.most <= 1:
		says("multiplied by 255 and rounded")
		return 255
	case f.most > 255:
		says("taken for 16 bits and rounded to 8")
		return 255.0 / math.MaxUint16
	default:
		says("taken for values from 0 to 255 and rounded")
	}
	return 1
}

// dropUnlabelled leaves the rows out whose label is -1 or an empty name: of images, that says that there is none.
func (f *pixelForm) dropUnlabelled(parts []arrayPart, note func(string)) {
	left := leftOut{}
	for k := range parts {
		p := &parts[k]
		var labels labelList
		for i, label := range p.labels {
			if label == "-1" || label == "" {
				left.add("without a label", fmt.Sprintf("%s, row %d", p.name, i))
				continue
			}
			labels, p.rows = append(labels, label), append(p.rows, i)
		}
		p.labels = labels
	}
	left.say(note)
}

// dataset is the data set of the images.
func (f *pixelForm) dataset(classes []string, parts []arrayPart, labels [3][]int32, o Options) (*Dataset, error) {
	d := &Dataset{Classes: classes, Shape: f.shape}
	var splits [3]Split
	factor := f.factor(o.note)
	for k, p := range parts {
		if p.values == nil {
			continue
		}
		pixels, err := f.pixels(p.values, factor)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", p.name, err)
		}
		size := f.shape.Size()
		for to, from := range p.rows {
			copy(pixels[to*size:(to+1)*size], pixels[from*size:])
		}
		s := Split{Images: pixels[:len(p.rows)*size], Labels: labels[k]}
		s.Files = unnamed(s.Len(), s.image)
		for i, row := range p.rows {
			s.Files[i].Path = strconv.Itoa(row)
		}
		splits[k] = s
	}
	return d, d.divided(splits[0], splits[1], splits[2], o)
}

// pixels makes bytes of values, multiplied by a factor and rounded to nearest, halves up; channels come last.
func (f *pixelForm) pixels(a *npy.Array, factor float64) ([]uint8, error) {
	pixels, err := a.Bytes()
	if err != nil { // of more than 8 bits
		values, err := a.Floats()
		if err != nil {
			return nil, err
		}
		pixels = make([]uint8, len(values))
		for i, v := range values {
			pixels[i] = uint8(float64(float64(v)*factor) + 0.5)
		}
	} else if factor != 1 {
		for i, v := range pixels {
			pixels[i] = v * uint8(factor)
		}
	}
	if f.first && f.shape.Channels > 1 {
		pixels = channelsLast(pixels, f.shape)
	}
	return pixels, nil
}

// channelsLast moves the channels of images of a shape from before the rows to the end.
func channelsLast(values []uint8, s Shape) []uint8 {
	out := make([]uint8, len(values))
	area := s.Height * s.Width
	for at := 0; at < len(values); at += s.Size() {
		for c := range s.Channels {
			for k := range area {
				out[at+k*s.Channels+c] = values[at+c*area+k]
			}
		}
	}
	return out
}
