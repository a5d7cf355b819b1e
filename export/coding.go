// SPDX-License-Identifier: Apache-2.0

package export

import (
	"math/bits"

	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/quant"
)

// codings are the codings of the model.
var codings = map[quant.Coding]qmodel.Coding{
	quant.Narrow: qmodel.Narrow, quant.Odd: qmodel.Odd, quant.Powers: qmodel.Powers, quant.Split: qmodel.Split, quant.Planes: qmodel.Narrow,
}

// Weights returns what a model says of the weights of a unit that has some, quantized, without their codes.
func Weights(u *layers.Unit) *qmodel.Weights {
	q := u.Quantizer
	w := &qmodel.Weights{
		Bits: q.Bits(), Coding: codings[q.Coding()],
		Shape: [4]int{u.Channels, u.Window.Kernel[0], u.Window.Kernel[1], u.Input().Channels / u.Window.Groups},
	}
	if q.Coding() == quant.Planes {
		w.Bits = 1
		if q.Bits() > 1 {
			w.Planes = q.Bits()
		}
	}
	return w
}

// encode returns a unit's integer weights as the codes of the model.
func encode(u *layers.Unit, integers []int16) (*qmodel.Weights, error) {
	q, w := u.Quantizer, Weights(u)
	if q.Coding() == quant.Planes {
		codes := make([]int8, 0, w.Len())
		for k := range q.Bits() {
			for _, v := range integers {
				codes = append(codes, int8(v>>k&1*2-1))
			}
		}
		return w, w.Pack(codes)
	}
	codes := make([]int8, len(integers))
	for i, v := range integers {
		switch w.Coding {
		case qmodel.Odd: // 2c + 1
			v = (v - 1) / 2
		case qmodel.Powers: // ±2^(|c| - 1)
			v = exponent(v)
		}
		codes[i] = int8(v)
	}
	return w, w.Pack(codes)
}

// exponent returns the code of ±2^e, ±(e + 1), or 0.
func exponent(v int16) int16 {
	if v < 0 {
		return -exponent(-v)
	}
	return int16(bits.Len16(uint16(v)))
}
