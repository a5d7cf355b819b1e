// SPDX-License-Identifier: Apache-2.0

package kernel

// The functions of this file work on a block of whole rows (pixels) of C
// channels, C being the length of the slices per channel. dst may be one of
// the sources. Assembly and portable Go give the same bits: products are
// rounded before they are added.

// sumRows is how many rows a sum collects in float32 before it goes on in
// float64.
const sumRows = 64

// ScaleShift stores src*a[c] + b[c].
func ScaleShift(dst, src, a, b []float32) {
	n := len(a)
	src, b = src[:len(dst)], b[:n]
	from := 0
	if tier > Portable {
		from = vectorScaleShift(dst, src, a, b)
	}
	for i := 0; from < n && i < len(dst); i += n {
		d, s := dst[i:][:n], src[i:][:n]
		for c := from; c < n; c++ {
			d[c] = float32(s[c]*a[c]) + b[c]
		}
	}
}

// AddScaleShift adds src*a[c] + b[c] to dst.
func AddScaleShift(dst, src, a, b []float32) {
	n := len(a)
	src, b = src[:len(dst)], b[:n]
	from := 0
	if tier > Portable {
		from = vectorAddScaleShift(dst, src, a, b)
	}
	for i := 0; from < n && i < len(dst); i += n {
		d, s := dst[i:][:n], src[i:][:n]
		for c := from; c < n; c++ {
			d[c] += float32(s[c]*a[c]) + b[c]
		}
	}
}

// Combine stores x*a[c] + y*b[c] + s[c]: such is the input gradient of a batch
// normalization, of its output gradient x and its input y.
func Combine(dst, x, y, a, b, s []float32) {
	n := len(a)
	x, y, b, s = x[:len(dst)], y[:len(dst)], b[:n], s[:n]
	from := 0
	if tier > Portable {
		from = vectorCombine(dst, x, y, a, b, s)
	}
	for i := 0; from < n && i < len(dst); i += n {
		d, xs, ys := dst[i:][:n], x[i:][:n], y[i:][:n]
		for c := from; c < n; c++ {
			d[c] = float32(xs[c]*a[c]) + float32(ys[c]*b[c]) + s[c]
		}
	}
}

// ChannelMoments adds, per channel, the sum of src-shift[c] to sum and the sum
// of its square to square. A shift near the mean keeps the variance
// square/n - (sum/n)^2 from cancelling.
func ChannelMoments(sum, square []float64, src, shift []float32) {
	n := len(shift)
	sum, square = sum[:n], square[:n]
	from := 0
	if tier > Portable {
		from = vectorChannelMoments(sum, square, src, shift)
	}
	for c := from; c < n; c++ {
		for at := c; at < len(src); {
			var s1, s2 float32
			for end := min(len(src), at+sumRows*n); at < end; at += n {
				d := src[at] - shift[c]
				s1 += d
				s2 += float32(d * d)
			}
			sum[c] += float64(s1)
			square[c] += float64(s2)
		}
	}
}

// ChannelDots adds, per channel, the sum of dy to sum and the sum of dy*x to dot.
func ChannelDots(sum, dot []float64, dy, x []float32) {
	n := len(sum)
	x, dot = x[:len(dy)], dot[:n]
	from := 0
	if tier > Portable {
		from = vectorChannelDots(sum, dot, dy, x)
	}
	for c := from; c < n; c++ {
		for at := c; at < len(dy); {
			var s1, s2 float32
			for end := min(len(dy), at+sumRows*n); at < end; at += n {
				s1 += dy[at]
				s2 += float32(dy[at] * x[at])
			}
			sum[c] += float64(s1)
			dot[c] += float64(s2)
		}
	}
}
