// SPDX-License-Identifier: Apache-2.0

// Package signals turns the samples of signals and tables, floating-point numbers, into the codes that networks compute
// with, and finds the codes that suit them.
//
// A channel has a scale and a zero point: a sample x has the code clamp(RNE(x/scale) + zero point, 0, 255). The model
// file keeps them, so that a program that serves a model gives samples the codes of the training: by this package, or
// without floating point, from integer samples, by infer.Encoder. Both give the same codes.
package signals

import (
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
)

// An Encoding is the scale and the zero point of each channel.
type Encoding []quant.Params

// Codes of samples, and how far from 0 a zero point may be: x/scale is then a whole number and a half in float64 where it
// is one, for every float32.
const (
	mostCode = 255
	mostZero = 1 << 23
)

// Find returns the encoding that spreads the codes over the samples, channels innermost: from the least to the greatest
// of each channel, or with a percentile below 100 over the middle samples, as many as it says of each hundred. A
// channel whose samples are all equal has the code of that number.
// Samples that are not finite or not as many of each channel are an error, and a percentile that is not above 0 and up to 100.
func Find(samples []float32, channels int, percentile float64) (Encoding, error) {
	switch {
	case channels < 1 || len(samples) == 0 || len(samples)%channels != 0:
		return nil, fmt.Errorf("signals: %d samples of %d channels, want at least one of each", len(samples), channels)
	case !(percentile > 0 && percentile <= 100):
		return nil, fmt.Errorf("signals: a percentile of %v, want it above 0 and at most 100", percentile)
	}
	e := make(Encoding, channels)
	own := make([]float32, len(samples)/channels)
	for c := range e {
		for i := range own {
			own[i] = samples[i*channels+c]
			if x := float64(own[i]); math.IsNaN(x) || math.IsInf(x, 0) {
				return nil, fmt.Errorf("signals: sample %d of channel %d is %v, want finite numbers", i, c, x)
			}
		}
		lo, hi := slices.Min(own), slices.Max(own)
		if percentile < 100 {
			slices.Sort(own)
			cut := int(float64(len(own)) * (100 - percentile) / 200)
			lo, hi = own[cut], own[len(own)-1-cut]
		}
		e[c] = spread(float64(lo), float64(hi))
	}
	return e, nil
}

// spread returns the codes of samples from lo to hi.
func spread(lo, hi float64) quant.Params {
	scale := (hi - lo) / mostCode
	if scale == 0 {
		scale = 1
	}
	scale = max(scale, math.Abs(lo)/(mostZero-1), math.SmallestNonzeroFloat32*(1<<23)) // a normal number
	p := quant.Params{Scale: float32(scale)}
	for float64(p.Scale) < scale {
		p.Scale = math.Nextafter32(p.Scale, math.MaxFloat32)
	}
	p.ZeroPoint = -int32(math.RoundToEven(lo / float64(p.Scale)))
	return p
}

// Encode sets codes to those of samples, channels innermost, any number of times all channels. NaN has the code of 0.
// It is an error if there are not as many codes as samples, or not as many samples of each channel.
func (e Encoding) Encode(codes []uint8, samples []float32) error {
	if len(e) == 0 || len(codes) != len(samples) || len(samples)%len(e) != 0 {
		return fmt.Errorf("signals: %d samples of %d channels for %d codes", len(samples), len(e), len(codes))
	}
	for i, x := range samples {
		p := e[i%len(e)]
		q := math.RoundToEven(float64(x)/float64(p.Scale)) + float64(p.ZeroPoint)
		if q != q {
			q = float64(p.ZeroPoint)
		}
		codes[i] = uint8(min(max(q, 0), mostCode))
	}
	return nil
}

// Of returns the encoding of a model's input, and false for a model of images.
func Of(in qmodel.Input) (Encoding, bool) {
	s := in.Samples
	if s == nil {
		return nil, false
	}
	e := make(Encoding, len(s.ScaleBits))
	for c := range e {
		e[c] = quant.Params{Scale: math.Float32frombits(s.ScaleBits[c]), ZeroPoint: s.ZeroPoints[c]}
	}
	return e, true
}

// Samples returns the encoding as the file of a model has it, nil for none.
func (e Encoding) Samples() *qmodel.Samples {
	if e == nil {
		return nil
	}
	s := &qmodel.Samples{}
	for _, p := range e {
		s.ZeroPoints, s.ScaleBits = append(s.ZeroPoints, p.ZeroPoint), append(s.ScaleBits, math.Float32bits(p.Scale))
	}
	return s
}
