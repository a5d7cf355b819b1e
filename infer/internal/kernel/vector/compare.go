// SPDX-License-Identifier: Apache-2.0

package vector

import (
	"slices"

	"github.com/goqat/goqat/infer/internal/kernel"
)

// compareFinish is the finisher of thresholds on one accumulator, a block of channels at a time.
type compareFinish struct {
	*kernel.Intervals
	k     *Sums
	table []int32 // see Sums.ComparePlanes
}

// NewCompare prepares thresholds, those on several terms by sums.
func (p *Processor) NewCompare(e kernel.Epilogue) kernel.Finisher {
	if len(e.Terms) > 1 || len(e.Others) > 0 {
		return p.NewSums(e)
	}
	k := p.Sums
	f := &compareFinish{Intervals: kernel.NewIntervals(e), k: k}
	f.table = IntervalTable(e.Channels, k.Lanes, len(e.T.T), f.Bounds)
	return f
}

// IntervalTable returns a table of intervals, [block][plane][first, last][lanes], for channels in blocks of so many lanes, of the
// bounds in each plane and channel, if there are any.
func IntervalTable[T int32 | uint8](channels, lanes, planes int, bounds func(plane, channel int) (first, last T, ok bool)) (table []T) {
	for block := 0; block < channels; block += lanes {
		for plane := range planes {
			from, to := slices.Repeat([]T{1}, lanes), make([]T, lanes) // nothing is in these intervals
			for lane := range min(lanes, channels-block) {
				if first, last, ok := bounds(plane, block+lane); ok {
					from[lane], to[lane] = first, last
				}
			}
			table = append(append(table, from...), to...)
		}
	}
	return table
}

func (e *compareFinish) Finish(t kernel.Tile, acc []int32, tensors []kernel.Tensor, s *kernel.Scratch) {
	t, rest := e.k.cut(t)
	if rest.Channels > 0 {
		e.Intervals.Finish(rest, acc[t.Channels:], tensors, s)
	}
	if t.Channels == 0 {
		return
	}
	planes := len(e.T.T)
	first, last := t.Row*e.Channels+t.Channel, (t.Row+t.Rows-1)*e.Channels+t.Channel+t.Channels
	dst, acc := tensors[e.Output].Codes[first:last], acc[:(t.Rows-1)*t.Stride+t.Channels]
	table := e.table[t.Channel*planes*2:]
	if planes == 1 && e.k.CompareRows != nil {
		e.k.CompareRows(&dst[0], e.Channels, &acc[0], 4*t.Stride, t.Rows, e.k.count(t), &table[0])
	} else {
		e.k.ComparePlanes(&dst[0], e.Channels, &acc[0], 4*t.Stride, t.Rows, e.k.count(t), &table[0], planes)
	}
}
