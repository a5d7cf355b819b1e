// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/goqat/goqat/fixed"

// ByImage says whether a term has a step of its own for each image.
func (e *Epilogue) ByImage() bool { return e.R != nil && e.R.Divisors != nil }

// ImageRows returns the image of a tile's row first, and how many rows of the tile from there on are of that image.
func (e *Epilogue) ImageRows(t Tile, first int) (image, rows int) {
	image = (t.Row + first) / e.Pixels
	return image, min(t.Rows-first, (image+1)*e.Pixels-t.Row-first)
}

// Scale writes the multipliers of an image for the channels of a tile to dst, [term][stride], those of channel 0 first.
func (e *Epilogue) Scale(dst []int64, stride, image int, t Tile, tensors []Tensor) {
	for k, m := range e.R.M {
		dst, m := dst[k*stride+t.Channel:][:t.Channels], m[t.Channel:][:t.Channels]
		if !e.R.Online(k) {
			copy(dst, m)
			continue
		}
		step := tensors[e.Steps[k]].Steps[image]
		for c := range dst {
			dst[c] = step.Scale(m[c])
		}
	}
}

// applyImage is fixed.Requantizer.ApplyImage with the steps where they are.
func (e *Epilogue) applyImage(c, image int, terms []int64, tensors []Tensor) int32 {
	r := e.R
	sum := r.Constant(c)
	for k, acc := range terms {
		m := r.M[k][c]
		if r.Online(k) {
			m = tensors[e.Steps[k]].Steps[image].Scale(m)
		}
		sum += acc * m
	}
	return r.Finish(c, sum)
}

// put stores number i.
func (t *Tensor) put(i int, v int32) {
	if t.Codes != nil {
		t.Codes[i] = uint8(v)
	} else {
		t.Wide[i] = v
	}
}

// extremes returns the least and the greatest value.
func extremes(values []int32) (least, most int32) {
	least, most = values[0], values[0]
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	return least, most
}

// referenceOnline divides value by value.
func referenceOnline(o fixed.Online, codes []uint8, values []int32) fixed.Step {
	step := o.Step(extremes(values))
	for i, v := range values {
		codes[i] = uint8(o.Code(v, step))
	}
	return step
}

// OnlineCodes multiplies by the reciprocal of the step, K = floor(2^48·D/N): |v|·K is at most |v| < 2^31 below |v|·2^48·D/N.
// Where that could change the rounding, about once in 2^17 values, it divides. Values that have codes are at most 255 steps
// from 0, so no product leaves 2^56.
func OnlineCodes(o fixed.Online, codes []uint8, values []int32) fixed.Step {
	const shift, half, mask = 48, 1 << 47, 1<<48 - 1
	least, most := extremes(values)
	step := o.Step(least, most)
	if step.N == 0 {
		for i := range codes {
			codes[i] = uint8(o.Zero)
		}
		return step
	}
	if o.Zero == 0 {
		least = 0
	}
	if o.Zero == o.Max {
		most = 0
	}
	k := uint64(step.D) << shift / uint64(step.N)
	codes = codes[:len(values)]
	for i, v := range values {
		v = min(max(v, least), most)
		sign := v >> 31
		magnitude := uint64(v ^ sign - sign)
		sum := magnitude*k + half
		q := int32(sum >> shift)
		if rest := sum & mask; rest == 0 || rest+magnitude > mask {
			q = (o.Code(v, step) - o.Zero) ^ sign - sign
		}
		codes[i] = uint8(o.Zero + (q ^ sign - sign))
	}
	return step
}
