// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/goqat/goqat/fixed"
)

// Weights are the integer weights of an operator, as codes of a few bits: narrow ones,
// [-(2^(Bits-1)-1), 2^(Bits-1)-1], at 1 bit -1 and +1, unless Coding says otherwise.
type Weights struct {
	Bits   int    `json:"bits"` // 1 to 8
	Coding Coding `json:"coding,omitzero"`
	Planes int    `json:"planes,omitzero"` // sets of weights, each with an accumulator of its own; 0 is one set
	// Packing says how the codes lie in Packed. Since version 7.
	Packing Packing `json:"packing,omitzero"`
	Shape   [4]int  `json:"-"` // of a set: output channels, kernel height, kernel width, input channels / groups
	Packed  []byte  `json:"-"` // the codes, set after set, as the file has them
}

// A Coding says what the codes of weights stand for.
type Coding string

// The codings.
const (
	// Narrow codes are the weights.
	Narrow Coding = ""
	// Odd codes c, [-2^(Bits-1), 2^(Bits-1)-1] at 2 bits and more, are the weights 2c + 1.
	Odd Coding = "odd"
	// Powers are the weights 0 and ±2^(|c|-1), |c| <= 2^(Bits-2), at 2 to 5 bits.
	Powers Coding = "powers"
	// Split codes are the weights, but positive and negative ones have an accumulator each, in this order.
	Split Coding = "split"
)

// A Packing says how codes lie in bytes.
type Packing string

// The packings.
const (
	// Aligned codes do not cross bytes: 8 in a byte at 1 bit, 4 at 2, 2 at 3 and 4, else 1.
	Aligned Packing = ""
	// Dense codes leave no bits unused: those of three values lie 5 in a byte, others of 3, 5, 6 and 7 bits 8 in as many
	// bytes as they have bits. Where Aligned does the same there is none.
	Dense Packing = "dense"
)

// Len returns the number of codes that the shape asks for.
func (w *Weights) Len() int {
	return max(1, w.Planes) * w.Shape[0] * w.Shape[1] * w.Shape[2] * w.Shape[3]
}

// Codes returns the codes of valid weights, unpacked. Those of 8 bits are the memory of Packed, and not to be changed.
func (w *Weights) Codes() []int8 {
	if w.Bits == 8 && len(w.Packed) > 0 {
		return unsafe.Slice((*int8)(unsafe.Pointer(&w.Packed[0])), len(w.Packed))
	}
	return unpack(w.layout(), w.Packed, w.Len(), func(c int8) int8 { return c })
}

// Pack sets the codes. It refuses codes that the bits and the coding do not have.
func (w *Weights) Pack(codes []int8) error {
	if err := w.validate(); err != nil {
		return err
	}
	if len(codes) != w.Len() {
		return fmt.Errorf("%d codes for %d planes of the shape %v", len(codes), max(1, w.Planes), w.Shape)
	}
	for i, c := range codes {
		if !w.has(c) {
			return w.refuse(i, c)
		}
	}
	w.Packed = w.layout().pack(codes)
	return nil
}

// Bytes returns the bytes of a file that valid weights take: their codes and, if they are Dense, the words that say so.
func (w *Weights) Bytes() int {
	const words = len(`,\"packing\":\"dense\"`)
	n := w.layout().size(w.Len())
	if w.Packing == Dense {
		n += words
	}
	return n
}

// Densest returns valid weights in the packing in which they take the fewest bytes of a file, Aligned if there are two.
// Weights whose codes are not known have none then either.
func (w *Weights) Densest() *Weights {
	aligned, dense := *w, *w
	aligned.Packing, dense.Packing = Aligned, Dense
	if dense.validate() == nil && dense.Bytes() < aligned.Bytes() {
		return w.packedBy(Dense)
	}
	return w.packedBy(Aligned)
}

// packedBy returns the weights in a packing that they can have.
func (w *Weights) packedBy(p Packing) *Weights {
	if w.Packing == p {
		return w
	}
	other := *w
	if other.Packing = p; w.Packed != nil {
		other.Packed = other.layout().pack(w.Codes())
	}
	return &other
}

// Repack packs a valid model: by Dense its weights, where that takes fewer bytes, and its file, which is a [Compact] one; by Aligned
// its weights, in a file of the oldest version.
func (m *Model) Repack(p Packing) {
	for i := range m.Operators {
		o := &m.Operators[i]
		switch {
		case o.Weights == nil:
		case p == Dense:
			o.Weights = o.Weights.Densest()
		default:
			o.Weights = o.Weights.packedBy(Aligned)
		}
	}
	if m.Version = m.Oldest(); p == Dense {
		m.Version = Compact
	}
}

// Sets returns the number of sets of weights that have an accumulator of their own.
func (w *Weights) Sets() int {
	if w.Coding == Split {
		return 2
	}
	return max(1, w.Planes)
}

// Values returns set k of the weights that the codes stand for.
func (w *Weights) Values(k int) []int16 {
	values := unpack(w.layout(), w.Packed, w.Len(), func(c int8) int16 { return w.value(c, k) })
	if w.Planes > 1 {
		n := w.Len() / w.Planes
		return values[k*n:][:n]
	}
	return values
}

// value returns the weight of set k that a code stands for.
func (w *Weights) value(c int8, k int) int16 {
	v := int16(c)
	switch {
	case w.Coding == Odd:
		return 2*v + 1
	case w.Coding == Powers && c > 0:
		return 1 << ((c - 1) & 15)
	case w.Coding == Powers && c < 0:
		return -1 << ((-c - 1) & 15)
	case w.Coding == Split && k == 0:
		return max(v, 0)
	case w.Coding == Split:
		return min(v, 0)
	default:
		return v
	}
}

// Bounds returns for each output channel the greatest |accumulator| of set k over all inputs in [lo, hi].
func (w *Weights) Bounds(k int, lo, hi int32) []int64 {
	bounds := make([]int64, w.Shape[0])
	each, l := w.Shape[1]*w.Shape[2]*w.Shape[3], w.layout()
	if l.bytes > 1 || each%l.codes > 0 { // a byte has codes of two channels, or a code lies in two bytes
		values := w.Values(k)
		for c := range bounds {
			bounds[c] = fixed.DotBound(values[c*each:(c+1)*each], lo, hi)
		}
		return bounds
	}
	var sums [256]struct{ positive, negative int64 } // of the weights of a byte
	for b, values := range tabulate(l, func(c int8) int16 { return w.value(c, k) }) {
		for _, v := range values[:l.codes] {
			sums[b].positive += int64(max(v, 0))
			sums[b].negative += int64(max(-v, 0))
		}
	}
	packed := w.Packed
	if w.Planes > 1 {
		packed = packed[k*len(bounds)*each/l.codes:]
	}
	for c := range bounds {
		var positive, negative int64
		for _, b := range packed[c*each/l.codes : (c+1)*each/l.codes] {
			positive += sums[b].positive
			negative += sums[b].negative
		}
		bounds[c] = fixed.DotBoundOf(positive, negative, lo, hi)
	}
	return bounds
}

// TermBounds returns the bounds of the accumulators of an operator with these weights and the input x, [term][channel].
func (w *Weights) TermBounds(x *Tensor) [][]int64 {
	lo, hi := x.Reach()
	var bounds [][]int64
	for k := range w.Sets() {
		b := w.Bounds(k, lo, hi)
		for range x.signs() {
			bounds = append(bounds, b)
		}
	}
	return bounds
}

// Reach returns the range of what an operator sums: q - zero point of any channel, or ±1.
func (t *Tensor) Reach() (lo, hi int32) {
	if t.Signs {
		return -1, 1
	}
	least, most := t.ZeroPoint, t.ZeroPoint
	for _, zero := range t.ZeroPoints {
		least, most = min(least, zero), max(most, zero)
	}
	return -most, t.Max() - least
}

// mostAbs returns the greatest |q - zero point| over all codes of the tensor's bits.
func (t *Tensor) mostAbs() int64 { return int64(max(t.ZeroPoint, t.Max()-t.ZeroPoint)) }

// signs returns how many numbers a code holds: its signs, or one.
func (t *Tensor) signs() int {
	if t.Signs {
		return t.Bits
	}
	return 1
}

// Accumulators returns the number of accumulators an operator has for each output: its own first terms.
func (m *Model) Accumulators(o *Operator) int {
	switch {
	case o.Weighted():
		return o.Weights.Sets() * m.Tensors[o.Inputs[0]].signs()
	case o.sums():
		return 1
	default:
		return 0
	}
}

func (w *Weights) validate() error {
	switch {
	case w.Bits < 1 || w.Bits > 8:
		return fmt.Errorf("weights of %d bits, want 1 to 8", w.Bits)
	case w.Planes < 0 || w.Planes == 1 || w.Planes > fixed.MaxPlanes:
		return fmt.Errorf("weights of %d planes, want 2 to %d, or none said for one", w.Planes, fixed.MaxPlanes)
	case w.Planes > 1 && (w.Bits != 1 || w.Coding != Narrow):
		return fmt.Errorf("%d planes of %d bits, want narrow ones of 1 bit", w.Planes, w.Bits)
	}
	switch w.Coding {
	case Narrow:
	case Odd:
		if w.Bits == 1 {
			return fmt.Errorf("odd weights of 1 bit, want at least 2")
		}
	case Powers:
		if w.Bits < 2 || w.Bits > 5 {
			return fmt.Errorf("powers of two in %d bits, want 2 to 5", w.Bits)
		}
	case Split:
		if w.Bits < 2 {
			return fmt.Errorf("split weights of %d bits, want at least 2", w.Bits)
		}
	default:
		return fmt.Errorf("unknown coding %.40q of weights", w.Coding)
	}
	switch w.Packing {
	case Aligned:
	case Dense:
		if w.Bits == 1 || w.Bits == 2 && w.Coding == Odd || w.Bits == 4 || w.Bits == 8 {
			return fmt.Errorf("%s packing of %d bits, which leave no bits of a byte unused", Dense, w.Bits)
		}
	default:
		return fmt.Errorf("unknown packing %.40q of weights", w.Packing)
	}
	return nil
}

// has says whether c is one of the codes.
func (w *Weights) has(c int8) bool {
	v, half := int(c), 1<<(w.Bits-1)
	switch {
	case w.Coding == Odd:
		return v >= -half && v < half
	case w.Coding == Powers:
		return v >= -half/2 && v <= half/2
	case w.Bits == 1:
		return v == -1 || v == 1
	default:
		return v > -half && v < half
	}
}

// validateCodes checks the packed codes of weights of a valid shape.
func (w *Weights) validateCodes() error {
	l, n := w.layout(), w.Len()
	if len(w.Packed) != l.size(n) {
		return fmt.Errorf("%d bytes for %d codes of %d bits", len(w.Packed), n, w.Bits)
	}
	if rest := n % l.codes; rest > 0 && word(w.Packed[l.size(n-rest):]) >= l.power(rest) {
		return fmt.Errorf("bits after the last code")
	}
	if l.bytes > 1 {
		for i, c := range unpack(l, w.Packed, n, func(c int8) int8 { return c }) {
			if !w.has(c) {
				return w.refuse(i, c)
			}
		}
		return nil
	}
	of := tabulate(l, func(c int8) int8 { return c })
	var refused [256]bool // by the byte
	for b := range refused {
		refused[b] = uint64(b) >= l.power(l.codes) || slices.ContainsFunc(of[b][:l.codes], func(c int8) bool { return !w.has(c) })
	}
	for i, b := range w.Packed {
		if !refused[b] {
			continue
		}
		for k, c := range of[b][:l.codes] {
			if !w.has(c) {
				return w.refuse(i*l.codes+k, c)
			}
		}
		return fmt.Errorf("byte %d of the weights is %d, which %d codes of %d values do not make", i, b, l.codes, l.base)
	}
	return nil
}

// refuse is the error of a code that the weights do not have.
func (w *Weights) refuse(i int, c int8) error {
	return fmt.Errorf("weight %d is %d, outside of the codes of %d bits", i, c, w.Bits)
}
