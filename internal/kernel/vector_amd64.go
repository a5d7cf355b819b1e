// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package kernel

const (
	lanes       = 8
	maxVector   = 1 << 15 // elements of one assembly call, some 20 microseconds
	wideColumns = 256     // channels at most of one call of a kernel of sums
)

// The functions of this file do the leading elements, or channels, that make
// whole vectors and return how many.

func vectorAdd(dst, a, b []float32) int {
	n := len(dst) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		addAVX2(&dst[i], &a[i], &b[i], min(maxVector, n-i))
	}
	return n
}

func vectorReLUClamp(dst, src []float32, hi float32) int {
	n := len(dst) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		reluClampAVX2(&dst[i], &src[i], min(maxVector, n-i), hi)
	}
	return n
}

func vectorReLUClampBackward(dx, src, dy []float32, hi float32) int {
	n := len(dx) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		reluClampBackwardAVX2(&dx[i], &src[i], &dy[i], min(maxVector, n-i), hi)
	}
	return n
}

func vectorFakeQuantize(dst, src []float32, scale, lo, hi float32) int {
	n := len(dst) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		fakeQuantizeAVX2(&dst[i], &src[i], min(maxVector, n-i), scale, lo, hi)
	}
	return n
}

func vectorFakeQuantizeBackward(dx, src, dy []float32, scale, lo, hi float32) int {
	n := len(dx) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		fakeQuantizeBackwardAVX2(&dx[i], &src[i], &dy[i], min(maxVector, n-i), scale, lo, hi)
	}
	return n
}

func vectorTanh(dst, src []float32) (n int, middle bool) {
	n = len(dst) &^ (lanes - 1)
	middle = true
	for i := 0; i < n; i += maxVector {
		middle = tanhAVX2(&dst[i], &src[i], min(maxVector, n-i)) && middle
	}
	return n, middle
}

func vectorTanhBackward(dx, tanh, dy []float32, gain float32) int {
	n := len(dx) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		tanhBackwardAVX2(&dx[i], &tanh[i], &dy[i], min(maxVector, n-i), gain)
	}
	return n
}

func vectorOddLevels(dst, src []float32, most, levels, scale float32) int {
	n := len(dst) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		oddLevelsAVX2(&dst[i], &src[i], min(maxVector, n-i), most, levels, scale)
	}
	return n
}

func vectorMinMax(src []float32) (lo, hi float32, n int) {
	lo, hi = infinity, -infinity
	n = len(src) &^ (lanes - 1)
	for i := 0; i < n; i += maxVector {
		l, h := minMaxAVX2(&src[i], min(maxVector, n-i))
		lo, hi = min(lo, l), max(hi, h)
	}
	return lo, hi, n
}

// callRows returns the rows of n channels of one assembly call.
func callRows(n int) int { return max(1, maxVector/n) }

func vectorScaleShift(dst, src, a, b []float32) int {
	n := len(a)
	from := n &^ (lanes - 1)
	if from == 0 {
		return 0
	}
	for i, step := 0, callRows(n)*n; i < len(dst); i += step {
		if tier >= AVX512 && n%tileCols == 0 {
			scaleShiftAVX512(&dst[i], &src[i], &a[0], &b[0], min(step, len(dst)-i)/n, n)
		} else {
			scaleShiftAVX2(&dst[i], &src[i], &a[0], &b[0], min(step, len(dst)-i)/n, n)
		}
	}
	return from
}

func vectorAddScaleShift(dst, src, a, b []float32) int {
	n := len(a)
	from := n &^ (lanes - 1)
	if from == 0 {
		return 0
	}
	for i, step := 0, callRows(n)*n; i < len(dst); i += step {
		if tier >= AVX512 && n%tileCols == 0 {
			addScaleShiftAVX512(&dst[i], &src[i], &a[0], &b[0], min(step, len(dst)-i)/n, n)
		} else {
			addScaleShiftAVX2(&dst[i], &src[i], &a[0], &b[0], min(step, len(dst)-i)/n, n)
		}
	}
	return from
}

func vectorCombine(dst, x, y, a, b, s []float32) int {
	n := len(a)
	from := n &^ (lanes - 1)
	if from == 0 {
		return 0
	}
	for i, step := 0, callRows(n)*n; i < len(dst); i += step {
		if tier >= AVX512 && n%tileCols == 0 {
			combineAVX512(&dst[i], &x[i], &y[i], &a[0], &b[0], &s[0], min(step, len(dst)-i)/n, n)
		} else {
			combineAVX2(&dst[i], &x[i], &y[i], &a[0], &b[0], &s[0], min(step, len(dst)-i)/n, n)
		}
	}
	return from
}

func (e *Encoding) vectorStore(dst []uint8, src, add []float32) (from int, lo, hi float32, numbers bool) {
	n := len(e.Scale)
	from = n &^ (lanes - 1)
	lo, hi = infinity, -infinity
	if from == 0 {
		return 0, lo, hi, true
	}
	if tier >= AVX512 && n%tileCols == 0 {
		lo, hi, numbers = e.store512(dst, src, add)
		return n, lo, hi, numbers
	}
	limits := [5]float32{e.Floor, e.Ceil, e.Step, e.Least, e.Most}
	var extremes [2][lanes]float32
	for i := range lanes {
		extremes[0][i], extremes[1][i] = lo, hi
	}
	bad := 0
	shift := e.Shift[:n]
	for i, step := 0, callRows(n)*n; i < len(dst); i += step {
		rows := min(step, len(dst)-i) / n
		if add == nil {
			bad |= encodeAVX2(&dst[i], &src[i], &e.Scale[0], &shift[0], rows, n, &limits, &extremes)
		} else {
			bad |= encodeSumAVX2(&dst[i], &src[i], &add[:len(dst)][i], &e.Scale[0], &shift[0], rows, n, &limits, &extremes)
		}
	}
	for i := range lanes {
		lo, hi = min(lo, extremes[0][i]), max(hi, extremes[1][i])
	}
	return from, lo, hi, bad == 0
}

// store512 is Store of multiples of tileCols channels.
func (e *Encoding) store512(dst []uint8, src, add []float32) (lo, hi float32, numbers bool) {
	n := len(e.Scale)
	limits := [5]float32{max(e.Floor, e.Least*e.Step), min(e.Ceil, e.Most*e.Step), e.Step, 1 / e.Step, e.Least}
	lo, hi = infinity, -infinity
	var extremes [2][tileCols]float32
	for i := range tileCols {
		extremes[0][i], extremes[1][i] = lo, hi
	}
	bad := 0
	shift := e.Shift[:n]
	for i, step := 0, callRows(n)*n; i < len(dst); i += step {
		bad |= encodeAVX512(&dst[i], &src[i], place(add, i), &e.Scale[0], &shift[0], min(step, len(dst)-i)/n, n, &limits, &extremes)
	}
	for i := range tileCols {
		lo, hi = min(lo, extremes[0][i]), max(hi, extremes[1][i])
	}
	if lo <= hi {
		lo, hi = clamp(lo, e.Floor, e.Ceil), clamp(hi, e.Floor, e.Ceil)
	}
	return lo, hi, bad == 0
}

// wideOf returns the channels from c on of one call of a kernel of sums.
func wideOf(n, c int) int { return min(wideColumns, n&^(lanes-1)-c) }

// sumStep returns the numbers of the rows of n channels of one such call.
func sumStep(n int) int { return max(sumRows, callRows(n)&^(sumRows-1)) * n }

func vectorChannelMoments(sum, square []float64, src, shift []float32) int {
	n := len(shift)
	from := n &^ (lanes - 1)
	var s [2][wideColumns]float32
	for c, wide := 0, 0; c < from; c += wide {
		wide = wideOf(n, c)
		for at, step := c, sumStep(n); at < len(src); at += step {
			rows := min(step, len(src)-at+c) / n
			if tier >= AVX512 && n%tileCols == 0 {
				channelMomentsAVX512(&sum[c], &square[c], &s, &src[at], &shift[c], rows, n, wide)
			} else {
				channelMomentsAVX2(&sum[c], &square[c], &s, &src[at], &shift[c], rows, n, wide)
			}
		}
	}
	return from
}

func vectorChannelDots(sum, dot []float64, dy, x []float32) int {
	n := len(sum)
	from := n &^ (lanes - 1)
	var s [2][wideColumns]float32
	for c, wide := 0, 0; c < from; c += wide {
		wide = wideOf(n, c)
		for at, step := c, sumStep(n); at < len(dy); at += step {
			rows := min(step, len(dy)-at+c) / n
			if tier >= AVX512 && n%tileCols == 0 {
				channelDotsAVX512(&sum[c], &dot[c], &s, &dy[at], &x[at], rows, n, wide)
			} else {
				channelDotsAVX2(&sum[c], &dot[c], &s, &dy[at], &x[at], rows, n, wide)
			}
		}
	}
	return from
}

func vectorTranspose(panel, src []float32, stride, k int) int {
	n := k &^ (lanes - 1)
	if n == 0 {
		return 0
	}
	_, _ = panel[n*tileCols-1], src[(tileCols-1)*stride+n-1]
	wide := 0
	if tier >= AVX512 {
		wide = n &^ (tileCols - 1)
	}
	for i := 0; i < wide; i += maxVector / tileCols {
		transposeAVX512(&panel[i*tileCols], &src[i], stride, min(maxVector/tileCols, wide-i))
	}
	for i := wide; i < n; i += maxVector / tileCols {
		transposeAVX2(&panel[i*tileCols], &src[i], stride, min(maxVector/tileCols, n-i))
	}
	return n
}

func vectorCopyRows(dst []float32, dstPitch int, src []float32, srcPitch, n, rows int) int {
	whole := n &^ (tileCols - 1)
	if whole == 0 || rows == 0 {
		return 0
	}
	_, _ = dst[(rows-1)*dstPitch+whole-1], src[(rows-1)*srcPitch+whole-1]
	most := callRows(n)
	for i := 0; i < rows; i += most {
		copyRowsAVX2(&dst[i*dstPitch], dstPitch, &src[i*srcPitch], srcPitch, whole, min(most, rows-i))
	}
	return whole
}

func vectorFetch(memory []uint8) {
	n := len(memory) &^ (cacheLine - 1)
	for i := 0; i < n; i += maxVector {
		fetchAVX2(&memory[i], min(maxVector, n-i))
	}
}

func (r *maxRun) vectorTake(y []float32, taps []uint8, x []float32, c, step int) int {
	if c < lanes {
		return 0
	}
	_ = x[(r.pixels-1)*step+int(r.at[len(r.at)-1])+c-1]
	most := callRows(c * len(r.at))
	for i := 0; i < r.pixels; i += most {
		maxTakeAVX2(&y[i*c], &taps[i*c], &x[i*step], &r.at[0], &r.taps[0], len(r.at), min(most, r.pixels-i), c, step)
	}
	return c &^ (lanes - 1)
}

func (r *maxRun) vectorGive(dx, dy []float32, taps []uint8, c, step int) int {
	if c < lanes {
		return 0
	}
	_ = dx[(r.pixels-1)*step+int(r.at[len(r.at)-1])+c-1]
	most := callRows(c * len(r.at))
	for i := 0; i < r.pixels; i += most {
		maxGiveAVX2(&dy[i*c], &taps[i*c], &dx[i*step], &r.at[0], &r.taps[0], len(r.at), min(most, r.pixels-i), c, step)
	}
	return c &^ (lanes - 1)
}

// peakVector splits rounds into calls of some 20 microseconds.
func peakVector(rounds int) (flops int) {
	const most = 10000
	for i := 0; i < rounds; i += most {
		if tier >= AVX512 {
			peakAVX512(min(most, rounds-i))
		} else {
			peakAVX2(min(most, rounds-i))
		}
	}
	if tier >= AVX512 {
		return rounds * 24 * 2 * 16
	}
	return rounds * 12 * 2 * lanes
}
