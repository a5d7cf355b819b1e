// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"

	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// weights returns set k of an operator's weights in the order of ONNX: [out, in / groups, height, width], or [out, in] of a
// linear layer, whose inputs are in the order of the tensor that was flattened.
func (b *builder) weights(o *qmodel.Operator, k int) []int16 {
	shape, values := o.Weights.Shape, o.Weights.Values(k)
	height, width, channels := shape[1], shape[2], shape[3]
	if o.Op == qmodel.Linear {
		t := b.permuted[o.Inputs[0]]
		if t == nil {
			return values
		}
		height, width, channels = t.Height, t.Width, t.Channels
	}
	moved := make([]int16, len(values))
	each := height * width * channels
	for out := range shape[0] {
		from, to := values[out*each:][:each], moved[out*each:][:each]
		for at := range height * width {
			for c := range channels {
				to[c*height*width+at] = from[at*channels+c]
			}
		}
	}
	return moved
}

// weightDims returns the dimensions of weights in the order of ONNX.
func weightDims(o *qmodel.Operator) []int64 {
	s := o.Weights.Shape
	if o.Op == qmodel.Linear {
		return []int64{int64(s[0]), int64(s[3])}
	}
	return []int64{int64(s[0]), int64(s[3]), int64(s[1]), int64(s[2])}
}

// store adds weights in the narrowest type that holds them: INT8, INT16, or with pack INT4.
func (b *builder) store(dims []int64, values []int16, pack bool) (name string, kind onnxproto.Type) {
	var least, most int16
	for _, v := range values {
		least, most = min(least, v), max(most, v)
	}
	var data []byte
	switch {
	case pack && least >= -8 && most <= 7:
		kind, data = onnxproto.TypeInt4, make([]byte, (len(values)+1)/2)
		for i, v := range values {
			data[i/2] |= byte(v&15) << (i % 2 * 4)
		}
	case least >= -128 && most <= 127:
		kind, data = onnxproto.TypeInt8, make([]byte, len(values))
		for i, v := range values {
			data[i] = byte(v)
		}
	default:
		kind = onnxproto.TypeInt16
		for _, v := range values {
			data = binary.LittleEndian.AppendUint16(data, uint16(v))
		}
	}
	return b.initializer("weight", kind, dims, data), kind
}
