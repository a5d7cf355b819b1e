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
	if o.Vector() {
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
	if o.Vector() {
		return []int64{int64(s[0]), int64(s[3])}
	}
	return []int64{int64(s[0]), int64(s[3]), int64(s[1]), int64(s[2])}
}

// store adds weights in the narrowest type that holds them, INT8 or INT16, or with pack INT4, and returns them in the type
// that is asked for: INT8 or FLOAT. INT4 is brought to INT8 first, which more runtimes convert. Odd weights of up to 5 bits
// are packed as the 4 bits above the lowest.
func (b *builder) store(dims []int64, values []int16, pack bool, to onnxproto.Type) string {
	if least, most, odd := span(values); pack && odd && least >= -15 && most <= 15 {
		half := make([]int16, len(values))
		for i, v := range values {
			half[i] = v >> 1
		}
		w := b.cast(b.cast(b.initializer("weight", onnxproto.TypeInt4, dims, nibbles(half)), onnxproto.TypeInt8), onnxproto.TypeFloat)
		w = b.node("Add", []string{b.node("Mul", []string{w, b.float32s("two", nil, 2)}), b.float32s("one", nil, 1)})
		if to != onnxproto.TypeFloat {
			w = b.cast(w, to)
		}
		return w
	} else if pack && least >= -8 && most <= 7 {
		w := b.cast(b.initializer("weight", onnxproto.TypeInt4, dims, nibbles(values)), onnxproto.TypeInt8)
		if to != onnxproto.TypeInt8 {
			w = b.cast(w, to)
		}
		return w
	} else if least >= -128 && most <= 127 {
		data := make([]byte, len(values))
		for i, v := range values {
			data[i] = byte(v)
		}
		w := b.initializer("weight", onnxproto.TypeInt8, dims, data)
		if to != onnxproto.TypeInt8 {
			w = b.cast(w, to)
		}
		return w
	}
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint16(data, uint16(v))
	}
	return b.cast(b.initializer("weight", onnxproto.TypeInt16, dims, data), to)
}

// span returns the least and the greatest of weights, and 0, and whether all are odd.
func span(values []int16) (least, most int16, odd bool) {
	odd = true
	for _, v := range values {
		least, most, odd = min(least, v), max(most, v), odd && v&1 == 1
	}
	return least, most, odd
}

// nibbles packs numbers of 4 bits, the first in the low half of a byte.
func nibbles(values []int16) []byte {
	data := make([]byte, (len(values)+1)/2)
	for i, v := range values {
		data[i/2] |= byte(v&15) << (i % 2 * 4)
	}
	return data
}
