// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package avx2

import (
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/vector"
)

// wideFinish requantizes one term of int32 to codes, where no channel has more than one that leads to a tie: half a
// unit more is in the constant, which rounds a tie up, and 1 less where that one must go down. What is left of the channels
// is done in portable Go.
type wideFinish struct {
	kernel.Epilogue
	// The table has, for each eight channels, of even and then of odd ones as words of 64 bits the constants, and so the
	// multipliers, all so that shifts are at least 32; then as 32 bits the shifts less 32.
	table []int64
	rest  kernel.Finisher
}

// newWideFinish prepares an epilogue so, nil where that cannot be.
func newWideFinish(e kernel.Epilogue) kernel.Finisher {
	if e.R == nil || e.ByImage() || e.R.Lo != 0 || e.R.Hi > 255 || e.R.Zero < 0 || e.R.Zero > 255 || len(e.Terms) != 1 || e.Terms[0].Codes {
		return nil
	}
	f := &wideFinish{Epilogue: e, rest: kernel.NewFinish(e)}
	constants := e.Constants()
	for first := 0; first+vector.Lanes <= e.Channels; first += vector.Lanes {
		if !f.addBlock(constants, first) {
			return nil
		}
	}
	return f
}

// addBlock adds the table of eight channels and says whether they can be computed so.
func (e *wideFinish) addBlock(constants []int64, first int) bool {
	var constant, multiplier [vector.Lanes]int64
	var shift [vector.Lanes / 2]int64
	for lane := range vector.Lanes {
		c := first + lane
		once, ok := vector.RoundOnce(e.R.M[0][c], constants[c], e.R.Shift[c], e.Terms[0].Width())
		if !ok {
			return false
		}
		constant[lane], multiplier[lane] = once.Constant, once.Multiplier
		shift[lane/2] |= int64(once.Shift-32) << (lane % 2 * 32)
	}
	for _, values := range [][vector.Lanes]int64{constant, multiplier} {
		e.table = appendEvenOdd(e.table, values)
	}
	e.table = append(e.table, shift[:]...)
	return true
}

// blockSize is the numbers of eight channels in the table.
const blockSize = 5 * vector.Lanes / 2

func (e *wideFinish) Needs() kernel.Needs { return e.rest.Needs() }

func (e *wideFinish) Finish(t kernel.Tile, acc []int32, tensors []kernel.Tensor, s *kernel.Scratch) {
	blocks := t.Channels / vector.Lanes
	n := blocks * vector.Lanes
	if blocks > 0 {
		place := func(row int) int { return (t.Row+row)*e.Channels + t.Channel }
		dst := tensors[e.Output].Codes[place(0) : place(t.Rows-1)+n]
		table := e.table[t.Channel/vector.Lanes*blockSize:][:blocks*blockSize]
		a, stride := acc, t.Stride
		if e.Own() == 0 {
			a, stride = tensors[e.Others[0]].Wide[place(0):], e.Channels
		}
		a = a[:(t.Rows-1)*stride+n]
		finishWide(&dst[0], e.Channels, t.Rows, blocks, &a[0], 4*stride, &table[0], int(e.R.Zero), int(e.R.Hi))
	}
	if t.Channels > n {
		t.Channel, t.Channels = t.Channel+n, t.Channels-n
		if acc != nil {
			acc = acc[n:]
		}
		e.rest.Finish(t, acc, tensors, s)
	}
}
