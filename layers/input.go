// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"fmt"
	"math"
	"slices"

	"github.com/goqat/goqat/quant"
)

// Input describes the images of a network: uint8, NHWC. A code q of channel c stands
// for the real number s[c]·(q − z[c]) (docs/numerics.md, 2.3).
type Input struct {
	Height, Width, Channels int
	// Params are the scale and the zero point of all channels, or of the first.
	quant.Params
	// Own, if not nil, has the scale and the zero point of each channel; the first is Params.
	Own []quant.Params `json:",omitempty"`
	// Samples, if not nil, say what the codes of each channel of a signal stand for: see
	// package signals. Training and inference take codes, and only pass them on.
	Samples []quant.Params `json:",omitempty"`
}

// Normalized returns the input quantization for images whose pixels, in [0, 1],
// have the given mean and deviation: zero point RNE(255 mean), scale
// 1/(255 deviation).
func Normalized(mean, deviation float64) quant.Params {
	return quant.Params{Scale: float32(1 / (255 * deviation)), ZeroPoint: int32(math.RoundToEven(255 * mean))}
}

// Normalize sets the quantization to [Normalized] of each channel's mean and
// deviation, of pixels in [0, 1]: one of each for all channels, or as many as channels. Other counts, a mean outside [0, 1] and
// a deviation that is not above 0 are errors.
func (in *Input) Normalize(mean, deviation []float64) error {
	for _, list := range [2]struct {
		name   string
		values []float64
	}{{"means", mean}, {"deviations", deviation}} {
		if n := len(list.values); n != 1 && n != in.Channels {
			return fmt.Errorf("layers: %d %s of images of %d channels, want one for all or one for each", n, list.name, in.Channels)
		}
	}
	own := make([]quant.Params, max(len(mean), len(deviation)))
	same := true
	for c := range own {
		m, d := mean[c%len(mean)], deviation[c%len(deviation)]
		if !(m >= 0 && m <= 1) || !(d > 0) || math.IsInf(255*d, 0) || float32(1/(255*d)) == 0 || math.IsInf(float64(float32(1/(255*d))), 0) {
			return fmt.Errorf("layers: mean %v and deviation %v of channel %d, want a mean in [0, 1] and a deviation above 0, both of pixels in [0, 1]", m, d, c)
		}
		own[c] = Normalized(m, d)
		same = same && own[c] == own[0]
	}
	in.Params, in.Own = own[0], nil
	if !same {
		in.Own = own
	}
	return nil
}

// PowersOfTwo brings the scales to the nearest powers of two.
func (in *Input) PowersOfTwo() {
	in.Scale = float32(quant.PowerOfTwo(float64(in.Scale)))
	in.Own = slices.Clone(in.Own)
	for c := range in.Own {
		in.Own[c].Scale = float32(quant.PowerOfTwo(float64(in.Own[c].Scale)))
	}
}

// Validate says what of the quantization cannot be: it came from a file.
func (in *Input) Validate() error {
	if in.Own != nil && (len(in.Own) != in.Channels || in.Own[0] != in.Params) {
		return fmt.Errorf("layers: the quantization of %d channels, images have %d, the first as all", len(in.Own), in.Channels)
	}
	for _, p := range in.Channelwise() {
		if !(p.Scale > 0) || math.IsInf(float64(p.Scale), 0) || p.ZeroPoint < 0 || p.ZeroPoint > 255 {
			return fmt.Errorf("layers: images of the scale %v and the zero point %d", p.Scale, p.ZeroPoint)
		}
	}
	return nil
}

// Rounding returns by how much the zero points differ from the means, which are whole
// codes seldom: in codes, at most 1/2, and in deviations. Where padding meets the image
// a network computes with the zero point instead of the mean; inside, what the layers
// after the image add makes up for it. Means and deviations are what [Input.Normalize] was given.
func (in *Input) Rounding(mean, deviation []float64) (codes, deviations float64) {
	for c := range in.Channels {
		d := math.Abs(255*mean[c%len(mean)] - float64(in.Channel(c).ZeroPoint))
		codes, deviations = max(codes, d), max(deviations, d/(255*deviation[c%len(deviation)]))
	}
	return codes, deviations
}

// Channelwise returns the quantization of each channel, or one for all.
func (in *Input) Channelwise() []quant.Params {
	if in.Own == nil {
		return []quant.Params{in.Params}
	}
	return in.Own
}

// Channel returns the quantization of channel c.
func (in *Input) Channel(c int) quant.Params {
	if in.Own == nil {
		return in.Params
	}
	return in.Own[c%len(in.Own)]
}

// Zeros returns the zero points of the channels where they differ, else nil.
func (in *Input) Zeros() []int32 {
	zeros, differ := make([]int32, len(in.Own)), false
	for c, p := range in.Own {
		zeros[c] = p.ZeroPoint
		differ = differ || p.ZeroPoint != in.ZeroPoint
	}
	if !differ {
		return nil
	}
	return zeros
}
