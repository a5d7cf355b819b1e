// SPDX-License-Identifier: Apache-2.0

package images

// Resize returns m with the given height and width, both at least 1; m itself if it has that size. Along a side that
// shrinks, a new pixel is the mean of the old ones it covers, each weighted by the part covered; along one that grows,
// it is interpolated linearly between the two old pixels whose centres are nearest (the outermost pixels go on beyond
// the border). The weighted sum over both sides is exact and rounded once, to nearest, half up.
func (m Image) Resize(height, width int) Image {
	if m.Height == height && m.Width == width {
		return m
	}
	out := Image{height, width, m.Channels, make([]uint8, height*width*m.Channels)}
	down, across := newAxis(m.Height, height), newAxis(m.Width, width)
	unit := down.unit * across.unit
	stride := width * m.Channels
	var rows [2][]int64 // the last two rows of m, resized across: row y in rows[y%2]
	held := [2]int{-1, -1}
	for i := range rows {
		rows[i] = make([]int64, stride)
	}
	sums := make([]int64, stride)
	for y := range height {
		clear(sums)
		taps := down.taps[y]
		for k, weight := range taps.weights {
			from := taps.first + k
			row := rows[from%2]
			if held[from%2] != from {
				held[from%2] = from
				across.row(row, m.Pixels[from*m.Width*m.Channels:(from+1)*m.Width*m.Channels], m.Channels)
			}
			for i, v := range row {
				sums[i] += weight * v
			}
		}
		for i, sum := range sums {
			out.Pixels[y*stride+i] = uint8((sum + unit/2) / unit)
		}
	}
	return out
}

// An axis resamples one side of an image: new pixel i is the sum over k of weights[k] x old pixel first+k, divided by
// unit.
type axis struct {
	unit int64
	taps []taps
}

type taps struct {
	first   int
	weights []int64 // they add up to the axis's unit
}

func newAxis(from, to int) axis {
	if to <= from {
		return coverage(int64(from), int64(to))
	}
	return interpolation(int64(from), int64(to))
}

// coverage gives the weights of a shrinking side. In units of 1/to of an old pixel, old pixel j covers [j to, (j+1) to)
// and new pixel i covers [i from, (i+1) from).
func coverage(from, to int64) axis {
	a := axis{unit: from, taps: make([]taps, to)}
	for i := range to {
		low, high := i*from, (i+1)*from
		first, end := low/to, (high+to-1)/to
		weights := make([]int64, 0, end-first)
		for j := first; j < end; j++ {
			weights = append(weights, min(high, (j+1)*to)-max(low, j*to))
		}
		a.taps[i] = taps{int(first), weights}
	}
	return a
}

// interpolation gives the weights of a growing side. In units of 1/(2 to) of an old pixel, the centre of new pixel i
// lies (2i+1) from - to beyond the centre of old pixel 0.
func interpolation(from, to int64) axis {
	a := axis{unit: 2 * to, taps: make([]taps, to)}
	for i := range to {
		position := (2*i+1)*from - to
		j, rest := position/(2*to), position%(2*to)
		if position <= 0 || j >= from-1 {
			a.taps[i] = taps{int(min(j, from-1)), []int64{2 * to}}
			continue
		}
		a.taps[i] = taps{int(j), []int64{2*to - rest, rest}}
	}
	return a
}

// row sets out to the resampled row in, times unit.
func (a axis) row(out []int64, in []uint8, channels int) {
	if channels == 3 {
		a.row3(out, in)
		return
	}
	for x, t := range a.taps {
		at := out[x*channels : (x+1)*channels]
		clear(at)
		for k, weight := range t.weights {
			pixel := in[(t.first+k)*channels:][:channels]
			for c, v := range pixel {
				at[c] += weight * int64(v)
			}
		}
	}
}

// row3 is row for three channels, whose sums stay in registers. All weights between the first and the last are the
// same.
func (a axis) row3(out []int64, in []uint8) {
	for x, t := range a.taps {
		n := len(t.weights)
		pixels := in[3*t.first:][:3*n]
		first, last := t.weights[0], int64(0)
		var red, green, blue int64
		if n > 1 {
			red, green, blue = sum3(pixels[3 : 3*n-3])
			red, green, blue = red*t.weights[1], green*t.weights[1], blue*t.weights[1]
			last = t.weights[n-1]
		}
		p, q := (*[3]uint8)(pixels), (*[3]uint8)(pixels[3*n-3:])
		out := (*[3]int64)(out[3*x:])
		out[0] = red + first*int64(p[0]) + last*int64(q[0])
		out[1] = green + first*int64(p[1]) + last*int64(q[1])
		out[2] = blue + first*int64(p[2]) + last*int64(q[2])
	}
}

// sum3 returns the sums of three channels.
func sum3(pixels []uint8) (red, green, blue int64) {
	for ; len(pixels) >= 12; pixels = pixels[12:] {
		p := (*[12]uint8)(pixels)
		red += int64(uint(p[0]) + uint(p[3]) + uint(p[6]) + uint(p[9]))
		green += int64(uint(p[1]) + uint(p[4]) + uint(p[7]) + uint(p[10]))
		blue += int64(uint(p[2]) + uint(p[5]) + uint(p[8]) + uint(p[11]))
	}
	for ; len(pixels) >= 3; pixels = pixels[3:] {
		red, green, blue = red+int64(pixels[0]), green+int64(pixels[1]), blue+int64(pixels[2])
	}
	return red, green, blue
}
