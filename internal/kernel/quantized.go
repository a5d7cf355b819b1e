// SPDX-License-Identifier: Apache-2.0

package kernel

// The sums of this file are taken in float64, in eight lanes: element i belongs
// to lane i mod 8, and the lanes are added in one order. Products of two float32
// are exact in float64, so that assembly and portable Go give the same bits.

const sumLanes = 8

func total(s *[sumLanes]float64) float64 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// SumSquares returns the sum of the squares of src.
func SumSquares(src []float32) float64 {
	var s [1][sumLanes]float64
	i := 0
	if tier > Portable {
		i = vectorSquares(&s, src)
	}
	for ; i < len(src); i++ {
		s[0][i%sumLanes] += float64(float64(src[i]) * float64(src[i]))
	}
	return total(&s[0])
}

// QuantizedDots returns for each of two scales the sums of w*q and of q*q, where q is
// clamp(RNE(w/scale), -most, most), the codes of symmetric weights: of these
// codes wq/qq is the scale with the least squared error. most is an
// integer up to 2^12. There is no NaN in w. The sums of a scale that is not positive are not said.
func QuantizedDots(w []float32, scales [2]float32, most float32) (wq, qq [2]float64) {
	var products, squares [2][sumLanes]float64
	from := 0
	if tier > Portable {
		from = vectorQuantizedDots(&products, &squares, w, scales, most)
	}
	for k, scale := range scales {
		for i := from; i < len(w); i++ {
			q := float64(clamp(roundEven(w[i]/scale), -most, most))
			products[k][i%sumLanes] += float64(float64(w[i]) * q)
			squares[k][i%sumLanes] += float64(q * q)
		}
		wq[k], qq[k] = total(&products[k]), total(&squares[k])
	}
	return wq, qq
}

// ClipBackward stores dy where lo < src < hi, else 0, and returns the sums of dy
// where src <= lo and where src >= hi: the gradients of a clipping at src by its
// argument and its limits. dx may be one of the sources.
func ClipBackward(dx, src, dy []float32, lo, hi float32) (below, above float64) {
	src, dy = src[:len(dx)], dy[:len(dx)]
	var s [2][sumLanes]float64
	i := 0
	if tier > Portable {
		i = vectorClipBackward(&s, dx, src, dy, lo, hi)
	}
	for ; i < len(dx); i++ {
		v, g := src[i], dy[i]
		inside := float32(0)
		switch {
		case v > lo && v < hi:
			inside = g
		case v <= lo:
			s[0][i%sumLanes] += float64(g)
		case v >= hi:
			s[1][i%sumLanes] += float64(g)
		}
		dx[i] = inside
	}
	return total(&s[0]), total(&s[1])
}

// StepBackward stores dy where lo < v < hi, v being src/step, else 0. It returns
// the sum of dy where v <= lo, that of dy*(RNE(v) - v) between, and that of dy
// where v >= hi, of which the gradient of FakeQuantize by its scale is made.
// lo < hi; dx may be one of the sources.
func StepBackward(dx, src, dy []float32, step, lo, hi float32) (below, inside, above float64) {
	src, dy = src[:len(dx)], dy[:len(dx)]
	var s [3][sumLanes]float64
	i := 0
	if tier > Portable {
		i = vectorStepBackward(&s, dx, src, dy, step, lo, hi)
	}
	for ; i < len(dx); i++ {
		v, g := src[i]/step, dy[i]
		switch {
		case v <= lo:
			s[0][i%sumLanes] += float64(g)
			g = 0
		case v >= hi:
			s[2][i%sumLanes] += float64(g)
			g = 0
		default:
			s[1][i%sumLanes] += float64(float64(g) * float64(roundEven(v)-v))
		}
		dx[i] = g
	}
	return total(&s[0]), total(&s[1]), total(&s[2])
}
