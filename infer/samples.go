// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"errors"
	"fmt"
	"math/bits"
	"sort"
)

// Units of samples, as IEEE 754 binary32 bits: what a sample of 1 stands for.
const (
	UnitOne uint32 = 0x3f800000 // 1: samples are the numbers of the training
	UnitQ15 uint32 = 0x38000000 // 2^-15: 16 bits for [-1, 1), as sound is stored
	UnitQ31 uint32 = 0x30000000 // 2^-31
)

// An Encoder turns integer samples of a signal, as converters deliver them, into the codes of a model, without floating
// point. It is safe for concurrent use.
type Encoder struct {
	least [][levels]int64 // [channel][k - 1]: the least sample of code k
}

const levels = 255 // codes above 0

// NewEncoder returns the encoder of a model of signals for samples in a unit, the bits of a positive binary32: a sample v
// stands for v·unit. Its code is clamp(RNE(v·unit/scale) + zero point, 0, 255) by the scale and the zero point that the
// channel has in Input().Samples, the quotient exact.
// A model of images, or a unit that is no positive finite number, is an error.
func (m *Model) NewEncoder(unit uint32) (*Encoder, error) {
	s := m.q.Input.Samples
	if s == nil {
		return nil, errors.New("infer: the model is for images, which are codes; only a model of signals has samples")
	}
	if unit == 0 || unit >= 0x7f800000 {
		return nil, fmt.Errorf("infer: the bits %#x of the unit are no positive float32", unit)
	}
	e := &Encoder{make([][levels]int64, len(s.ScaleBits))}
	for c := range e.least {
		for k := range e.least[c] {
			e.least[c][k] = least(int64(k+1)-int64(s.ZeroPoints[c]), s.ScaleBits[c], unit)
		}
	}
	return e, nil
}

// least returns the least integer v with RNE(v·unit/scale) >= j, where that is an int32: that is
//
//	v·unit/scale >= j - 1/2, or > where j is odd: 2v·unit >= (2j - 1)·scale
//
// With unit u·2^a and scale c·2^b it is v >= (2j - 1)·c·2^(b-a-1) / u.
func least(j int64, scale, unit uint32) int64 {
	c, b := parts(scale)
	u, a := parts(unit)
	n, d, shift := (2*j-1)*c, u, b-a-1
	switch {
	case shift > 0 && bits.Len64(uint64(max(n, -n)))+shift > 62: // no int32 times u reaches it
		if n > 0 {
			return 1 << 62
		}
		return -1 << 62
	case shift > 0:
		n <<= shift
	case -shift > 36: // d·2^-shift is greater than any n
		d = 1 << 62
	default:
		d <<= -shift
	}
	quotient, rest := n/d, n%d
	if rest < 0 { // rounded down
		quotient, rest = quotient-1, rest+d
	}
	if rest > 0 || j&1 != 0 {
		quotient++
	}
	return quotient
}

// parts takes a positive binary32 apart: n·2^e, n from 2^23 to 2^24.
func parts(b uint32) (n int64, e int) {
	n, e = int64(b&(1<<23-1)), int(b>>23)
	if e > 0 {
		return n + 1<<23, e - 150
	}
	for e = -149; n < 1<<23; e-- {
		n *= 2
	}
	return n, e
}

// Int16 writes the codes of samples, channels innermost: a value of each channel, any number of times.
// It is an error if there are not as many codes as samples, or not as many samples of each channel.
func (e *Encoder) Int16(codes []uint8, samples []int16) error { return encode(e, codes, samples) }

// Int32 writes the codes of samples, channels innermost: a value of each channel, any number of times.
// It is an error if there are not as many codes as samples, or not as many samples of each channel.
func (e *Encoder) Int32(codes []uint8, samples []int32) error { return encode(e, codes, samples) }

func encode[S int16 | int32](e *Encoder, codes []uint8, samples []S) error {
	if len(codes) != len(samples) || len(samples)%len(e.least) != 0 {
		return fmt.Errorf("infer: %d samples for %d codes, want as many, and as many of each channel, of which there are %d", len(samples), len(codes), len(e.least))
	}
	for i, v := range samples {
		least := &e.least[i%len(e.least)]
		codes[i] = uint8(sort.Search(levels, func(k int) bool { return int64(v) < least[k] }))
	}
	return nil
}
