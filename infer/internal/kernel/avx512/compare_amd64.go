// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx512

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// compareCodes is the finisher of thresholds on one tensor of codes, 16 channels at a time, or of one plane 64 codes, where these are
// whole pixels.
type compareCodes struct {
	kernel.Epilogue
	table  []uint8 // see comparePlanesCodes
	pixels []uint8 // see compareCodes64; nil where that is not used
}

const together = 64 // codes of compareCodes64

func newCompareCodes(e kernel.Epilogue) kernel.Finisher {
	bounds := func(plane, c int) (least, most uint8, ok bool) { return codeBounds(&e, plane, c%e.Channels) }
	f := &compareCodes{Epilogue: e, table: vector.IntervalTable(e.Channels, lanes, len(e.T.T), bounds)}
	if len(e.T.T) == 1 && together%e.Channels == 0 {
		f.pixels = vector.IntervalTable(together, together, 1, bounds)
	}
	return f
}

// codeBounds returns the least and the greatest code of a tensor whose sign is 1, if there is one.
func codeBounds(e *kernel.Epilogue, plane, c int) (least, most uint8, ok bool) {
	zero := int64(e.Terms[0].Zero)
	from, to := kernel.Interval(e.T.M[0][c], e.T.T[plane][c])
	from, to = max(0, from+zero), min(255, to+zero)
	return uint8(from), uint8(to), from <= to
}

func (e *compareCodes) Needs() kernel.Needs { return kernel.Needs{} }

func (e *compareCodes) Finish(t kernel.Tile, _ []int32, tensors []kernel.Tensor, _ *kernel.Scratch) {
	planes := len(e.T.T)
	first, last := t.Row*e.Channels+t.Channel, (t.Row+t.Rows-1)*e.Channels+t.Channel+t.Channels
	dst, x := tensors[e.Output].Codes[first:last], tensors[e.Others[0]].Codes[first:last]
	if e.pixels != nil && t.Channels == e.Channels {
		blocks := len(dst) / together
		if blocks > 0 {
			compareCodes64(&dst[0], &x[0], blocks, &e.pixels[0])
		}
		if t.Rows -= blocks * together / e.Channels; t.Rows == 0 {
			return
		}
		dst, x = dst[blocks*together:], x[blocks*together:]
	}
	table := e.table[t.Channel*planes*2:]
	if planes == 1 {
		compareRowsCodes(&dst[0], e.Channels, &x[0], e.Channels, t.Rows, t.Channels, &table[0])
	} else {
		comparePlanesCodes(&dst[0], e.Channels, &x[0], e.Channels, t.Rows, t.Channels, &table[0], planes)
	}
}
