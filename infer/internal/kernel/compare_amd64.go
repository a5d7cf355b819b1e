// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

// compareAVX512 is the finisher of thresholds on one accumulator, 16 channels at a time.
type compareAVX512 struct {
	Epilogue
	table []int32 // see comparePlanes
}

const compareLanes = 16

func newCompareAVX512(e Epilogue) Finisher {
	if len(e.Terms) > 1 || len(e.Others) > 0 {
		return newSums(e)
	}
	f := &compareAVX512{Epilogue: e}
	for first := 0; first < e.Channels; first += compareLanes {
		for _, levels := range e.T.T {
			var from, to [compareLanes]int32
			for lane := range compareLanes {
				from[lane], to[lane] = 1, 0 // nothing is in this interval
				if c := first + lane; c < e.Channels {
					if a, b := interval(e.T.M[0][c], levels[c]); a != none {
						from[lane], to[lane] = int32(a), int32(b)
					}
				}
			}
			f.table = append(append(f.table, from[:]...), to[:]...)
		}
	}
	return f
}

func (e *compareAVX512) Needs() Needs { return Needs{} }

func (e *compareAVX512) Finish(t Tile, acc []int32, tensors []Tensor, _ *Scratch) {
	planes := len(e.T.T)
	first, last := t.Row*e.Channels+t.Channel, (t.Row+t.Rows-1)*e.Channels+t.Channel+t.Channels
	dst, acc := tensors[e.Output].Codes[first:last], acc[:(t.Rows-1)*t.Stride+t.Channels]
	table := e.table[t.Channel/compareLanes*planes*2*compareLanes:]
	if planes == 1 {
		compareRows(&dst[0], e.Channels, &acc[0], 4*t.Stride, t.Rows, t.Channels, &table[0])
	} else {
		comparePlanes(&dst[0], e.Channels, &acc[0], 4*t.Stride, t.Rows, t.Channels, &table[0], planes)
	}
}
