// SPDX-License-Identifier: Apache-2.0

// Package qmodel is a quantized network as data: integers, the operators that use them and the meaning of each tensor,
// with the reader and writer of its file, the .qmodel.
//
// Activations are unsigned codes of 1 to 8 bits in bytes, height × width × channels; a code q stands for
// scale·(q - zero point). Weights are signed codes with zero point 0. An operator that weighs or averages its input
// sums integers into int32 accumulators,
//
//	acc = Σ (q - zero point)·weight
//
// with the zero point as padding, and turns them into codes with a fixed.Requantizer. Scales are carried
// as IEEE 754 bits for those who want real numbers; nothing here computes with them.
//
// Validate proves that a model can be run: every shape, every index, and that no accumulator overflows. Read trusts
// nothing that it has not proved.
package qmodel

import "github.com/goqat/goqat/fixed"

// Version is the newest version of the format. Models of every version since 1 are read, and written as they were; new
// ones have the least version, 2 or more, that has what they need (see [Model.Oldest]), or [Compact].
const Version = Compact

// A Model is a quantized network for images. The output of its last operator are the logits.
type Model struct {
	Version   int
	Name      string   // of the network, such as "lenet"
	Method    string   // of the quantization, such as "pact"
	Classes   []string // one name per logit
	Input     Input
	Data      Data       // since version 2
	Tensors   []Tensor   // the image first; the others in any order
	Operators []Operator // in order of execution
}

// Input is what tensor 0 holds: an 8-bit image. A byte v of a channel stands for scale·(v - zero point).
type Input struct {
	Height   int `json:"height"`
	Width    int `json:"width"`
	Channels int `json:"channels"` // 1 for gray, 3 for red, green, blue
	// ZeroPoints and ScaleBits, IEEE 754 binary32, have one value for all channels or, since version 2, one for each.
	ZeroPoints []int32  `json:"zero_points"`
	ScaleBits  []uint32 `json:"scale_bits"`
	// Samples say, since version 5, which samples of a signal the bytes stand for; nil for images.
	Samples *Samples `json:"samples,omitempty"`
}

// Samples are the codes of a signal: a sample x of channel c has the code clamp(RNE(x/scale) + zero point, 0, 255), the
// quotient exact.
type Samples struct {
	// ZeroPoints, from -2^23 to 2^23, and ScaleBits, IEEE 754 binary32, have one value for each channel.
	ZeroPoints []int32  `json:"zero_points"`
	ScaleBits  []uint32 `json:"scale_bits"`
}

// Data says which images a model was trained with, and how they were prepared.
type Data struct {
	// Digest is the SHA-256 of the images, their labels and their classes, in lower-case hex digits; empty if it is not
	// known.
	Digest string `json:"digest"`
	// Seed is that of the training; where the images have no test part, it chose those that were set aside.
	Seed int `json:"seed"`
	// Resize is the rule by which an image was brought to the size of the input: "" for stretching, "crop" or "pad", see
	// images.Rule. Since version 3.
	Resize string `json:"resize,omitempty"`
}

// Kind says what the numbers of a tensor are.
type Kind uint8

const (
	Codes        Kind = iota // unsigned codes in bytes
	Accumulators             // int32 sums of a weighted operator, not requantized, for later operators to add
	Logits                   // int32 codes of the common scale, the network's result
	Values                   // int32 codes of a fine scale, of which an online range makes codes of few bits; since version 6
)

// A Tensor is an array of height × width × channels for each image, channels innermost.
type Tensor struct {
	Name      string   `json:"name"`
	Height    int      `json:"height"`
	Width     int      `json:"width"`
	Channels  int      `json:"channels"`
	Kind      Kind     `json:"kind"`
	Bits      int      `json:"bits"`                // codes: 1 to 8; else 32
	Signs     bool     `json:"signs,omitzero"`      // codes: each bit is a sign, 1 for +1 and 0 for -1
	ZeroPoint int32    `json:"zero_point,omitzero"` // codes: in [0, 2^Bits-1]; else 0
	Range     [2]int32 `json:"range,omitzero"`      // codes, values: the least and the greatest that an operator may give; zeros for all codes
	ScaleBits uint32   `json:"scale_bits,omitzero"` // IEEE 754 binary32, positive and finite; accumulators: 0
	// ZeroPoints are those of the channels of an image, where they differ, in the image and in tensors that keep its codes:
	// channel c has that at c modulo their number, and ZeroPoint is the first. Else nil. The file has them in its input.
	ZeroPoints []int32 `json:"-"`
}

// Len returns the numbers per image.
func (t *Tensor) Len() int { return t.Height * t.Width * t.Channels }

// Zero returns the zero point of channel c.
func (t *Tensor) Zero(c int) int32 {
	if t.ZeroPoints == nil {
		return t.ZeroPoint
	}
	return t.ZeroPoints[c%len(t.ZeroPoints)]
}

// Max returns the greatest code of a tensor of codes; the least is 0.
func (t *Tensor) Max() int32 { return 1<<t.Bits - 1 }

// Span returns the range of the codes that an operator may give.
func (t *Tensor) Span() (lo, hi int32) {
	if t.Range == [2]int32{} {
		return 0, t.Max()
	}
	return t.Range[0], t.Range[1]
}

// Operator names.
const (
	Conv2D    = "conv2d"
	Depthwise = "depthwise_conv2d"
	Linear    = "linear"
	MaxPool   = "maxpool"
	AvgPool   = "avgpool"
	Flatten   = "flatten"
	Add       = "add"
	Table     = "table"
	Sign      = "sign"
	Concat    = "concat"   // since version 3
	Multiply  = "multiply" // since version 4
	Select    = "select"   // since version 4
	Upsample  = "upsample" // since version 4
	Online    = "online"   // since version 6
)

// An Operator computes one tensor from others.
//
//   - conv2d: a convolution, or correlation, of the first input with Weights. Further inputs, codes or accumulators of
//     the output's shape, are terms of the requantization after the operator's own: residual connections.
//
//   - depthwise_conv2d: conv2d with as many groups and output channels as input channels.
//
//   - linear: conv2d over a 1 × 1 image with a 1 × 1 kernel.
//
//   - maxpool: the greatest code of each window, padding left out.
//
//   - avgpool: the sum of q - zero point over each window, requantized. Padding, since version 3, is left out of the sum; where
//     it does not count either, the sum is multiplied by what makes the sums of all outputs ones of as many taps (see
//     geometry.Window.Whole).
//
//   - flatten: all codes in one row of channels.
//
//   - add: each input, codes or accumulators of the output's shape, is a term of the requantization. Since version 4 there
//     can be one input: a batch normalization.
//
//   - table: each code q becomes Table[q]; since version 4 of channel c, if there is a table for each, that of Table after
//     the tables of the channels before.
//
//   - sign: q - zero point of each code is compared with Thresholds.
//
//   - concat: the channels of all inputs, of one height and width, next to each other; a code q of input i becomes
//     Tables[i][q], or stays where that is nil and the input has the bits, zero point and scale of the output.
//
//   - multiply: the product of q - zero point of both inputs is requantized; the second input has the shape of the first,
//     or one number for each of its channels.
//
//   - select: channel c of the output is channel First + c%Shuffle·(channels/Shuffle) + c/Shuffle of the input.
//
//   - upsample: each row is repeated Factor[0] times, each column Factor[1] times.
//
//   - online: values become codes by a fixed.Online of the output's bits and zero point, whose step is taken from the values of
//     each image by itself. A code q of the image then stands for scale·N/D·(q - zero point), where N/D is the step.
//
// Maxpool, flatten, select and upsample keep the bits, the zero point and the scale of their input.
//
// Where the first input of a weighted operator are signs, it sums ±weight, with -1 as padding, once for
// each sign of a code. So it does for each plane of its weights: it has planes × signs accumulators, the signs of a
// plane next to each other, and they are the first terms of what follows.
//
// Steps by image are passed on by operators that keep codes and by accumulators; terms that have them are multiplied as
// fixed.Requantizer says. No other operator takes them.
//
// An operator that keeps none of its input's codes and whose output are signs compares instead of requantizing; its terms are the
// same.
type Operator struct {
	Name   string `json:"name"` // of the unit, such as "conv1"; unique
	Op     string `json:"op"`
	Method string `json:"method,omitzero"` // of the weights' quantization
	Inputs []int  `json:"inputs"`          // indices of tensors
	Output int    `json:"output"`
	Kernel [2]int `json:"kernel,omitzero"` // height, width; of weighted operators and pools, else 0
	Stride [2]int `json:"stride,omitzero"` // vertical, horizontal; likewise
	Pad    [4]int `json:"pad,omitzero"`    // top, left, bottom, right; each less than the kernel
	Groups int    `json:"groups,omitzero"` // of weighted operators, else 0
	// Dilation, vertical and horizontal, is the distance of neighbouring taps of a convolution; zeros for 1 and 1. Since
	// version 3.
	Dilation [2]int `json:"dilation,omitzero"`
	// CountPad has the padding of an average count, as zeros. Since version 3.
	CountPad bool      `json:"count_pad,omitzero"`
	First    int       `json:"first,omitzero"`   // of select
	Shuffle  int       `json:"shuffle,omitzero"` // of select, at least 1, a divisor of the output's channels; else 0
	Factor   [2]int    `json:"factor,omitzero"`  // of upsample, vertical and horizontal, at least 1; else 0
	Weights  *Weights  `json:"weights,omitzero"` // of weighted operators, else nil
	Table    []uint8   `json:"-"`                // of table: one code for each code of the input, or of each channel's
	Tables   [][]uint8 `json:"-"`                // of concat: the same for each input, or nil

	// Requantizer has the terms in the order above, the zero point and range of the output, and for codes or logits only
	// all that; nil for operators that keep codes or have tables, for online, and for a weighted operator whose output are accumulators.
	Requantizer *fixed.Requantizer `json:"-"`
	// Thresholds take its place where the output are signs.
	Thresholds *fixed.Thresholds `json:"-"`
}
