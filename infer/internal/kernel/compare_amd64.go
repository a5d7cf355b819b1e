// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// compareFinish is the finisher of thresholds on one accumulator, a block of channels at a time.
type compareFinish struct {
	*intervals
	k     *sumsKernels
	table []int32 // see comparePlanes
}

func newCompareAVX512(e Epilogue) Finisher {
	if len(e.Terms) == 1 && e.Terms[0].Codes {
		return newCompareCodes(e)
	}
	return newBlockCompare(e, sumsAVX512)
}

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

// compareCodes is the finisher of thresholds on one tensor of codes, 16 channels at a time.
type compareCodes struct {
	Epilogue
	table []uint8 // see comparePlanesCodes
}

func newCompareCodes(e Epilogue) Finisher {
	f := &compareCodes{Epilogue: e}
	zero := int64(e.Terms[0].Zero)
	for first := 0; first < e.Channels; first += vnniLanes {
		for _, levels := range e.T.T {
			var least, most [vnniLanes]uint8
			for lane := range vnniLanes {
				least[lane] = 1 // and none is 0 at most
				if c := first + lane; c < e.Channels {
					from, to := interval(e.T.M[0][c], levels[c])
					if from, to = max(0, from+zero), min(255, to+zero); from <= to {
						least[lane], most[lane] = uint8(from), uint8(to)
					}
				}
			}
			f.table = append(append(f.table, least[:]...), most[:]...)
		}
	}
	return f
}

func (e *compareCodes) Needs() Needs { return Needs{} }

func (e *compareCodes) Finish(t Tile, _ []int32, tensors []Tensor, _ *Scratch) {
	planes := len(e.T.T)
	first, last := t.Row*e.Channels+t.Channel, (t.Row+t.Rows-1)*e.Channels+t.Channel+t.Channels
	dst, x := tensors[e.Output].Codes[first:last], tensors[e.Others[0]].Codes[first:last]
	table := e.table[t.Channel*planes*2:]
	if planes == 1 {
		compareRowsCodes(&dst[0], e.Channels, &x[0], e.Channels, t.Rows, t.Channels, &table[0])
	} else {
		comparePlanesCodes(&dst[0], e.Channels, &x[0], e.Channels, t.Rows, t.Channels, &table[0], planes)
	}
}
