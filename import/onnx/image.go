// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/quant"
)

// An affine is what a file has done to the values of the image, channel by channel, before any layer: scale·x + offset of
// what the file is given.
type affine struct{ scale, offset []float64 }

func newAffine(channels int) *affine {
	a := &affine{make([]float64, channels), make([]float64, channels)}
	for c := range a.scale {
		a.scale[c] = 1
	}
	return a
}

// then returns by·(the values) + plus.
func (a *affine) then(by, plus []float64) *affine {
	b := newAffine(len(a.scale))
	for c := range b.scale {
		b.scale[c], b.offset[c] = a.scale[c]*by[c], a.offset[c]*by[c]+plus[c]
	}
	return b
}

// image decides how the image's codes are given to the file and to goqat, when its first layer reads it.
func (i *importer) image(a *affine) {
	m, o, n := i.model, i.options, len(a.scale)
	if m.scale != nil {
		return
	}
	m.scale, m.offset = make([]float64, n), make([]float64, n)
	pixels := true // the file is given 0 to 255
	for _, s := range a.scale {
		pixels = pixels && math.Abs(s) < 1.0/16
	}
	own := make([]quant.Params, n)
	mean, deviation := make([]float64, n), make([]float64, n) // of pixels, 0 to 1
	for c := range n {
		switch {
		case len(o.Deviation) > 0:
			d := o.Deviation[c%len(o.Deviation)]
			m.scale[c], m.offset[c] = 1/(255*d), -o.Mean[c%len(o.Mean)]/d
		case pixels || i.bytes:
			m.scale[c] = 1
		default:
			m.scale[c] = 1.0 / 255
		}
		by, plus := m.scale[c]*a.scale[c], m.offset[c]*a.scale[c]+a.offset[c]
		mean[c], deviation[c] = -plus/by/255, 1/(255*math.Abs(by))
		own[c] = quant.Params{Scale: float32(math.Abs(by)), ZeroPoint: int32(math.RoundToEven(min(max(-plus/by, 0), 255)))}
	}
	if plain := len(o.Deviation) == 0 && !i.bytes && !slices.ContainsFunc(a.scale, func(s float64) bool { return s != 1 }) &&
		!slices.ContainsFunc(a.offset, func(s float64) bool { return s != 0 }); plain {
		i.note("pixels are given as 0 to 1, since neither the file normalizes them nor a mean and a deviation are named: without those of its training the network is wrong")
	}
	m.Input = layers.Input{Channels: n, Params: own[0]}
	if slices.ContainsFunc(own, func(p quant.Params) bool { return p != own[0] }) {
		m.Input.Own = own
	}
	if codes, deviations := m.Input.Rounding(mean, deviation); codes > 1e-3 {
		i.note("where padding meets the image it stands for a pixel up to %.2f codes from the mean, %.2g of a deviation; inside nothing differs", codes, deviations)
	}
}

// fromCodes returns what the values of the image are of goqat's, s·(code − zero point): by·v + plus.
func (i *importer) fromCodes(a *affine) (by, plus []float64) {
	i.image(a)
	m := i.model
	for c := range a.scale {
		k := m.scale[c] * a.scale[c]
		b := k / float64(m.Input.Scale) // of the first channel: the graph has all at that
		if math.Abs(b-1) < 1e-6 {       // the scale is a float32
			b = 1
		}
		by = append(by, b)
		plus = append(plus, k*float64(m.Input.Channel(c).ZeroPoint)+m.offset[c]*a.scale[c]+a.offset[c])
	}
	return by, plus
}

// normalized returns a view of the image whose values are what the file made of it: goqat's, if those are near enough, or
// the result of a convolution of one tap.
func (i *importer) normalized(n *onnxproto.Node, v view) view {
	by, plus := i.fromCodes(v.affine)
	for c := range by {
		if math.Abs(by[c]-1) > 1e-6 || math.Abs(plus[c]) > 1e-6 {
			return i.each(n, v, by, plus)
		}
	}
	v.affine = nil
	return v
}

// input describes the images.
func (i *importer) input() error {
	m, t := i.model, i.network.Image
	if k := len(i.options.Deviation); k > 1 && k != t.Channels {
		return fmt.Errorf("onnx: the mean and the deviation of pixels have length %d, want 1 or that of a pixel, %d", k, t.Channels)
	}
	m.Input.Height, m.Input.Width = t.Height, t.Width
	return nil
}
