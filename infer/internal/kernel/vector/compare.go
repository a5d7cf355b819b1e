// SPDX-License-Identifier: Apache-2.0

package vector

import "github.com/goqat/goqat/infer/internal/kernel"

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
	for first := 0; first < e.Channels; first += k.Lanes {
		for plane := range e.T.T {
			from, to := make([]int32, k.Lanes), make([]int32, k.Lanes)
			for lane := range k.Lanes {
				from[lane], to[lane] = 1, 0 // nothing is in this interval
				if c := first + lane; c < e.Channels {
					if first, last, ok := f.Bounds(plane, c); ok {
						from[lane], to[lane] = first, last
					}
				}
			}
			f.table = append(append(f.table, from...), to...)
		}
	}
	return f
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
