// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"math"
	"sort"
)

// A Gate is the beginning of the backward pass of an epilogue, on blocks of whole rows of channels. Of values
//
//	v = src·Scale[c] + Shift[c] + add
//
// it lets the gradients dy pass for which Least ≤ v ≤ Most. That is the gradient of a rectifier, of a clipping, and of
// FakeQuantize (see Passes and Between), and of one after the other. There are a multiple of EncodedChannels channels; add is
// nil or has one addend for every value.
type Gate struct {
	Scale, Shift []float32 // by channel
	Limits
}

// Limits are those of a Gate. Step is 0, or a step whose gradient is wanted: see Spills.
type Limits struct{ Least, Most, Step float32 }

// Spills are sums of gradients at a Gate: of the dy where v < Least and where v > Most, and, of those that pass, of
// dy·(RNE(v/Step) − v/Step), if there is a step. They are taken as those of StepBackward are.
type Spills struct{ Below, Inside, Above float64 }

// Sums adds, per channel, the sum of what passes to sum and that of its products with src to dot, as ChannelDots does.
func (g *Gate) Sums(sum, dot []float64, src, add, dy []float32) {
	n := len(g.Scale)
	src, sum, dot = src[:len(dy)], sum[:n], dot[:n]
	if tier > Portable && len(dy) > 0 {
		g.vectorSums(sum, dot, src, add, dy)
		return
	}
	for c := range n {
		for at := c; at < len(dy); {
			var s1, s2 float32
			for end := min(len(dy), at+sumRows*n); at < end; at += n {
				d, _, _ := g.pass(g.value(at, c, src, add), dy[at])
				s1 += d
				s2 += float32(d * src[at])
			}
			sum[c] += float64(s1)
			dot[c] += float64(s2)
		}
	}
}

// Store stores what passes, 0 elsewhere. dst may be dy.
func (g *Gate) Store(dst, src, add, dy []float32) {
	src, dy = src[:len(dst)], dy[:len(dst)]
	if tier > Portable && len(dst) > 0 {
		g.vectorStore(nil, dst, src, add, dy)
		return
	}
	for i := range dst {
		dst[i], _, _ = g.pass(g.value(i, i%len(g.Scale), src, add), dy[i])
	}
}

// StoreSpills is Store and returns the spills.
func (g *Gate) StoreSpills(dst, src, add, dy []float32) Spills {
	src, dy = src[:len(dst)], dy[:len(dst)]
	var s [3][sumLanes]float64
	if tier > Portable && len(dst) > 0 {
		g.vectorStore(&s, dst, src, add, dy)
		return Spills{total(&s[0]), total(&s[1]), total(&s[2])}
	}
	for i := range dst {
		v := g.value(i, i%len(g.Scale), src, add)
		d, below, above := g.pass(v, dy[i])
		s[0][i%sumLanes] += float64(below)
		if v /= g.Step; g.Step != 0 && d != 0 {
			s[1][i%sumLanes] += float64(float64(d) * float64(roundEven(v)-v))
		}
		s[2][i%sumLanes] += float64(above)
		dst[i] = d
	}
	return Spills{total(&s[0]), total(&s[1]), total(&s[2])}
}

// value returns v of element i, in channel c.
func (g *Gate) value(i, c int, src, add []float32) float32 {
	v := float32(src[i]*g.Scale[c]) + g.Shift[c]
	if add != nil {
		v += add[i]
	}
	return v
}

// pass returns the gradient dy of v as what passes, what is below and what is above: two of them are 0.
func (g *Gate) pass(v, dy float32) (d, below, above float32) {
	switch {
	case v >= g.Least && v <= g.Most:
		d = dy
	case v < g.Least:
		below = dy
	case v > g.Most:
		above = dy
	}
	return d, below, above
}

// Passes returns the least and the greatest number whose FakeQuantize has a gradient by FakeQuantizeBackward: RNE(v/scale)
// grows with v, so that those between them are the others. There is none where the least is above the greatest.
func Passes(scale, lo, hi float32) (least, most float32) {
	first := sort.Search(reals, func(i int) bool { return roundEven(numberAt(i)/scale) >= lo })
	after := sort.Search(reals, func(i int) bool { return roundEven(numberAt(i)/scale) > hi })
	return numberAt(first), numberAt(after - 1)
}

// Between returns the least and the greatest number v for which lo < v/step < hi, as StepBackward has it.
func Between(step, lo, hi float32) (least, most float32) {
	first := sort.Search(reals, func(i int) bool { return numberAt(i)/step > lo })
	after := sort.Search(reals, func(i int) bool { return numberAt(i)/step >= hi })
	return numberAt(first), numberAt(after - 1)
}

const reals = 2*0x7f800000 + 1 // numbers from −∞ to ∞, with one 0

// numberAt returns the number with so many below it.
func numberAt(i int) float32 {
	if i < 0x7f800000 {
		return -math.Float32frombits(uint32(0x7f800000 - i))
	}
	return math.Float32frombits(uint32(i - 0x7f800000))
}
