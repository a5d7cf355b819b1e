// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"bytes"
	"fmt"
	"math/bits"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

const (
	maxFloat32 = 1 << 24 // integers below are float32, and so are their sums while they stay below
	maxFloat64 = 1 << 53 // and float64
)

// A total is Σ factor·value + offset, an integer, of tensors of the graph that hold integers.
type total struct {
	parts  []part
	offset []int64 // by channel; nil for zeros
}

// A part is a tensor of the graph times a factor.
type part struct {
	value  string
	factor int64
	bound  []int64 // the greatest |value|, by channel
}

// A real is an input of sums in float32: q - zero point of tensor, or sign n of its codes as 0 and 1.
type real struct {
	tensor, sign int
	flat         bool
}

// real returns an input of sums.
func (e *exact) real(r real) string {
	if name := e.reals[r]; name != "" {
		return name
	}
	t := &e.model.Tensors[r.tensor]
	x := e.cast(e.in(r.tensor, r.flat), onnxproto.TypeFloat)
	if dims, zeros := zeroPoints(t, r.flat); zeros != nil {
		x = e.node("Sub", []string{x, e.float32s("zero_point", dims, zeros...)})
	}
	if t.Signs && t.Bits > 1 { // a code is 2^k - 1 with k signs that are +1
		x = e.node("Sub", []string{x, e.float32s("signs_below", nil, float32(int(1)<<r.sign-1))})
		x = e.node("Clip", []string{x, e.float32s("least", nil, 0), e.float32s("most", nil, 1)})
	}
	e.reals[r] = x
	return x
}

// terms returns the terms of an operator, each an accumulator or the codes that are added.
func (e *exact) terms(o *qmodel.Operator, flat bool) ([]total, error) {
	var terms []total
	rest := o.Inputs
	switch {
	case o.Weighted():
		x := &e.model.Tensors[o.Inputs[0]]
		signs := 1
		if x.Signs {
			signs = x.Bits
		}
		for k := range o.Weights.Sets() {
			digits, err := split(e.weights(o, k), o.Weights.Shape[0], x)
			if err != nil {
				return nil, err
			}
			for i := range digits {
				digits[i].name = e.weight(o, digits[i].values)
			}
			for n := range signs {
				terms = append(terms, e.accumulator(o, digits, n))
			}
		}
		rest = rest[1:]
	case o.Averages():
		window, err := e.windowSum(o)
		if err != nil {
			return nil, err
		}
		terms, rest = []total{window}, nil
	case o.Multiplies():
		terms, rest = []total{e.multiplied(o, flat)}, nil
	}
	for _, in := range rest {
		terms = append(terms, e.added(in, flat))
	}
	return terms, nil
}

// added is the term of a tensor that is added: its accumulators, or q - zero point of its codes.
func (e *exact) added(in int, flat bool) total {
	t := &e.model.Tensors[in]
	if t.Kind == qmodel.Accumulators {
		raw := e.raw[in]
		raw.parts = []part{{value: e.in(in, flat), factor: 1, bound: raw.parts[0].bound}}
		return raw
	}
	return total{
		parts:  []part{{value: e.in(in, flat), factor: 1, bound: repeat(int64(t.Max()), t.Channels)}},
		offset: repeat(-int64(t.ZeroPoint), t.Channels),
	}
}

// accumulator sums the weights, in digits, over the input, or over sign n of it: Σ ±w is 2·Σ bit·w - Σ w, and the bit of
// padding is 0 as it should be.
func (e *exact) accumulator(o *qmodel.Operator, digits []digit, n int) total {
	x := &e.model.Tensors[o.Inputs[0]]
	acc := total{}
	if x.Signs {
		acc.offset = make([]int64, o.Weights.Shape[0])
	}
	for _, d := range digits {
		p := part{value: e.convolve(o, d.name, n), factor: d.factor, bound: d.bound}
		if x.Signs {
			p.factor *= 2
			for c, sum := range d.sums {
				acc.offset[c] -= d.factor * sum
			}
		}
		e.sums.float32 = max(e.sums.float32, widest(d.bound))
		acc.parts = append(acc.parts, p)
	}
	return acc
}

// weight adds weights and brings them to float32.
func (e *exact) weight(o *qmodel.Operator, values []int16) string {
	return e.store(weightDims(o), values, e.pack, onnxproto.TypeFloat)
}

// convolve sums the weights over the input.
func (e *exact) convolve(o *qmodel.Operator, weights string, sign int) string {
	linear := o.Vector()
	inputs := []string{e.real(real{o.Inputs[0], sign, linear}), weights}
	if linear {
		return e.node("Gemm", inputs, integer("transB", 1))
	}
	return e.node("Conv", inputs, window(o)...)
}

// multiplied is the term of a product: of two numbers of 9 bits, which float32 holds.
func (e *exact) multiplied(o *qmodel.Operator, flat bool) total {
	x, y := &e.model.Tensors[o.Inputs[0]], &e.model.Tensors[o.Inputs[1]]
	p := part{factor: 1, bound: repeat(mostAbs(x)*mostAbs(y), x.Channels)}
	e.sums.float32 = max(e.sums.float32, widest(p.bound))
	p.value = e.node("Mul", []string{e.real(real{tensor: o.Inputs[0], flat: flat}), e.real(real{tensor: o.Inputs[1], flat: flat})})
	return total{parts: []part{p}}
}

// mostAbs returns the greatest |q - zero point| of a tensor of codes.
func mostAbs(t *qmodel.Tensor) int64 { return int64(max(t.ZeroPoint, t.Max()-t.ZeroPoint)) }

// windowSum is the term of an average pooling: the sums of windows, brought to as many taps each.
func (e *exact) windowSum(o *qmodel.Operator) (total, error) {
	x, y := &e.model.Tensors[o.Inputs[0]], &e.model.Tensors[o.Output]
	w := o.Window()
	most := int64(max(w.Taps(), w.Whole(x.Height, x.Width, o.CountPad))) * mostAbs(x)
	if most >= maxFloat32 {
		return total{}, fmt.Errorf("a window of %d×%d sums up to %d, and float32 holds integers below 2^24 only", o.Kernel[0], o.Kernel[1], most)
	}
	in := e.real(real{tensor: o.Inputs[0]})
	p := part{factor: 1, bound: repeat(most, x.Channels)}
	e.sums.float32 = max(e.sums.float32, widest(p.bound))
	if o.Kernel == [2]int{x.Height, x.Width} && !w.Padded() {
		p.value = e.node("ReduceSum", []string{in, e.int64s("axes", 2, 3)}, integer("keepdims", 1))
		return total{parts: []part{p}}, nil
	}
	ones := bytes.Repeat([]byte{1}, x.Channels*w.Taps())
	dims := []int64{int64(x.Channels), 1, int64(o.Kernel[0]), int64(o.Kernel[1])}
	weights := e.cast(e.initializer("ones", onnxproto.TypeInt8, dims, ones), onnxproto.TypeFloat)
	p.value = e.node("Conv", []string{in, weights}, append(window(o), integer("group", int64(x.Channels)))...)
	if w.Padded() && !o.CountPad {
		var shares []float32
		for _, share := range w.Shares(x.Height, x.Width, false) {
			shares = append(shares, float32(share))
		}
		p.value = e.node("Mul", []string{p.value, e.float32s("share", []int64{1, 1, int64(y.Height), int64(y.Width)}, shares...)})
	}
	return total{parts: []part{p}}, nil
}

// A digit are weights whose sums float32 holds, times a factor.
type digit struct {
	values []int16
	name   string // in the graph, in float32
	factor int64
	bound  []int64 // the greatest |Σ values·x|, by channel
	sums   []int64 // Σ values, by channel
}

// split returns weights as Σ factor·digit with the fewest digits of one width that keep the sums over the input x below
// 2^24: as a rule the weights themselves.
func split(weights []int16, channels int, x *qmodel.Tensor) ([]digit, error) {
	lo, hi := x.Reach()
	if x.Signs {
		lo, hi = 0, 1
	}
	for width := 15; width > 0; width-- {
		digits, ok := splitAt(weights, channels, width, lo, hi)
		if ok {
			return digits, nil
		}
	}
	return nil, fmt.Errorf("sums of %d inputs pass 2^24, which float32 does not hold, even of single bits of the weights", len(weights)/channels)
}

// splitAt splits weights into digits of the given bits and a sign, and says whether the sums of all are below 2^24.
func splitAt(weights []int16, channels, width int, lo, hi int32) ([]digit, bool) {
	var digits []digit
	rest := append([]int16(nil), weights...)
	each := len(weights) / channels
	for factor, more := int64(1), true; more; factor <<= width {
		more = false
		d := digit{values: make([]int16, len(rest)), factor: factor}
		for i, v := range rest {
			high := (v + v>>15&(1<<width-1)) >> width // towards 0
			d.values[i], rest[i] = v-high<<width, high
			more = more || high != 0
		}
		for c := range channels {
			w := d.values[c*each:][:each]
			bound := fixed.DotBound(w, lo, hi)
			if bound >= maxFloat32 {
				return nil, false
			}
			var sum int64
			for _, v := range w {
				sum += int64(v)
			}
			d.bound, d.sums = append(d.bound, bound), append(d.sums, sum)
		}
		digits = append(digits, d)
	}
	return digits, true
}

// widest returns the bits of the greatest of numbers that are not negative.
func widest(numbers []int64) int {
	n := 0
	for _, v := range numbers {
		n = max(n, bits.Len64(uint64(v)))
	}
	return n
}

func repeat(x int64, n int) []int64 {
	list := make([]int64, n)
	for i := range list {
		list[i] = x
	}
	return list
}
