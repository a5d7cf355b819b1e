// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// compareFinish is the finisher of thresholds on one accumulator, a block of channels at a time.
type compareFinish struct {
	*intervals
	k     *sumsKernels
	table []int32 // see comparePlanes
}

func newCompareAVX512(e Epilogue) Finisher { return newBlockCompare(e, sumsAVX512) }

func newCompareAVX2(e Epilogue) Finisher { return newBlockCompare(e, sumsAVX2) }

// newBlockCompare prepares thresholds, those on several terms by sums.
func newBlockCompare(e Epilogue, k *sumsKernels) Finisher {
	if len(e.Terms) > 1 || len(e.Others) > 0 {
		return newSums(e, k)
	}
	f := &compareFinish{intervals: newIntervals(e), k: k}
	for first := 0; first < e.Channels; first += k.lanes {
		for plane := range e.T.T {
			from, to := make([]int32, k.lanes), make([]int32, k.lanes)
			for lane := range k.lanes {
				from[lane], to[lane] = 1, 0 // nothing is in this interval
				if c := first + lane; c < e.Channels && f.first[plane][c] != none {
					from[lane], to[lane] = int32(f.first[plane][c]), int32(f.first[plane][c]+int64(f.behind[plane][c]))
				}
			}
			f.table = append(append(f.table, from...), to...)
		}
	}
	return f
}

func (e *compareFinish) Finish(t Tile, acc []int32, tensors []Tensor, s *Scratch) {
	t, rest := e.k.cut(t)
	if rest.Channels > 0 {
		e.intervals.Finish(rest, acc[t.Channels:], tensors, s)
	}
	if t.Channels == 0 {
		return
	}
	planes := len(e.T.T)
	first, last := t.Row*e.Channels+t.Channel, (t.Row+t.Rows-1)*e.Channels+t.Channel+t.Channels
	dst, acc := tensors[e.Output].Codes[first:last], acc[:(t.Rows-1)*t.Stride+t.Channels]
	table := e.table[t.Channel*planes*2:]
	if planes == 1 && e.k.compareRows != nil {
		e.k.compareRows(&dst[0], e.Channels, &acc[0], 4*t.Stride, t.Rows, e.k.count(t), &table[0])
	} else {
		e.k.comparePlanes(&dst[0], e.Channels, &acc[0], 4*t.Stride, t.Rows, e.k.count(t), &table[0], planes)
	}
}
