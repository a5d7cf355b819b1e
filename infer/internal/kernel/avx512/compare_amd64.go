// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import "github.com/goqat/goqat/infer/internal/kernel"

// compareCodes is the finisher of thresholds on one tensor of codes, 16 channels at a time.
type compareCodes struct {
	kernel.Epilogue
	table []uint8 // see comparePlanesCodes
}

func newCompareCodes(e kernel.Epilogue) kernel.Finisher {
	f := &compareCodes{Epilogue: e}
	zero := int64(e.Terms[0].Zero)
	for first := 0; first < e.Channels; first += lanes {
		for _, levels := range e.T.T {
			var least, most [lanes]uint8
			for lane := range lanes {
				least[lane] = 1 // and none is 0 at most
				if c := first + lane; c < e.Channels {
					from, to := kernel.Interval(e.T.M[0][c], levels[c])
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

func (e *compareCodes) Needs() kernel.Needs { return kernel.Needs{} }

func (e *compareCodes) Finish(t kernel.Tile, _ []int32, tensors []kernel.Tensor, _ *kernel.Scratch) {
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
