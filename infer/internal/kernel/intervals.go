// SPDX-License-Identifier: Apache-2.0

package kernel

// Intervals is the finisher of thresholds on one accumulator: acc·m >= t is an interval of acc, for each channel and
// plane of signs.
type Intervals struct {
	Epilogue
	first  [][]int64  // [plane][channel]
	behind [][]uint64 // the last less the first
}

// none is the start of an interval that no accumulator is in.
const none = 1 << 40

// NewIntervals prepares thresholds of one accumulator.
func NewIntervals(e Epilogue) *Intervals {
	f := &Intervals{Epilogue: e}
	for _, levels := range e.T.T {
		first, behind := make([]int64, e.Channels), make([]uint64, e.Channels)
		for c, level := range levels {
			from, to := Interval(e.T.M[0][c], level)
			first[c], behind[c] = from, uint64(to-from)
		}
		f.first, f.behind = append(f.first, first), append(f.behind, behind)
	}
	return f
}

// Interval returns the first and the last int32 for which acc·m >= t; where there is none, two numbers beyond.
func Interval(m, t int64) (from, to int64) {
	const least, most = -1 << 31, 1<<31 - 1
	from, to, t = least, most, max(t, -1<<62) // far below all products
	switch {
	case m > 0:
		from = max(from, -floorDiv(-t, m))
	case m < 0:
		to = min(to, floorDiv(-t, -m))
	case t > 0:
		return none, none
	}
	if from > to {
		return none, none
	}
	return from, to
}

// Bounds returns the first and the last accumulator in an interval, and whether there is one.
func (e *Intervals) Bounds(plane, channel int) (first, last int32, ok bool) {
	from := e.first[plane][channel]
	return int32(from), int32(from + int64(e.behind[plane][channel])), from != none
}

// floorDiv returns x / y rounded down, for a positive y.
func floorDiv(x, y int64) int64 {
	q := x / y
	if x%y < 0 {
		q--
	}
	return q
}

// Compares returns the intervals, of a finisher that has more than these, too.
func (e *Intervals) Compares() *Intervals { return e }

func (e *Intervals) Needs() Needs { return Needs{} }

func (e *Intervals) Finish(t Tile, acc []int32, tensors []Tensor, _ *Scratch) {
	codes := tensors[e.Output].Codes
	for r := range t.Rows {
		sums := acc[r*t.Stride:][:t.Channels]
		dst := codes[(t.Row+r)*e.Channels+t.Channel:][:len(sums)]
		clear(dst)
		for plane := range e.first {
			first, behind := e.first[plane][t.Channel:][:len(sums)], e.behind[plane][t.Channel:][:len(sums)]
			for i, sum := range sums {
				var sign uint8
				if uint64(int64(sum)-first[i]) <= behind[i] {
					sign = 1
				}
				dst[i] |= sign << plane
			}
		}
	}
}
