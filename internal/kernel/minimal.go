// SPDX-License-Identifier: Apache-2.0

package kernel

// Minimal filtering takes 4 × 4 sums of 3 × 3 taps from 36 products for each channel, where
// 144 are multiplied otherwise (S. Winograd, Arithmetic Complexity of Computations, 1980; A.
// Lavin and S. Gray, Fast Algorithms for Convolutional Neural Networks, 2016, F(4×4, 3×3)).
//
// A line of 6 values d and one of 3 taps g are taken as polynomials, whose values at the
// points 0, a, -a, b, -b and ∞ are multiplied; 4 sums are read off the products. With a of
// 5/8 and b of 3/2 float32 loses half as much as with 1 and 2, and these numbers, their
// squares and their cubes are exact. All is done in columns, then in lines. The gradient of
// the taps takes the same steps backwards.
const (
	tileSide  = 4 // sums of a line
	pointSide = 6 // points of a line
	points    = pointSide * pointSide

	pointA, pointB = 0.625, 1.5
	squareA        = pointA * pointA
	squareB        = pointB * pointB
	cubeA          = pointA * squareA
	cubeB          = pointB * squareB
	pointProduct   = squareA * squareB
	pointSum       = squareA + squareB

	// What values of taps are multiplied with: one over the products of a point's distances
	// from the others.
	share0 = 1 / pointProduct
	shareA = 1 / (2 * squareA * (squareA - squareB))
	shareB = 1 / (2 * squareB * (squareB - squareA))
)

// A form is a transformation of a line of values.
type form int

const (
	valuesToPoints form = iota // 6 to 6
	pointsToSums               // 6 to 4
	sumsToPoints               // 4 to 6: pointsToSums, transposed
	tapsToPoints               // 3 to 6
	pointsToTaps               // 6 to 3: tapsToPoints, transposed
)

// sides returns the lengths of a line, before and after.
func (f form) sides() (from, to int) {
	s := [...][2]int{{pointSide, pointSide}, {pointSide, tileSide}, {tileSide, pointSide}, {3, pointSide}, {pointSide, 3}}[f]
	return s[0], s[1]
}

// A grid says where the vectors of a square are: those of a line col numbers apart, lines
// row numbers.
type grid struct{ row, col int }

// transform has f transform squares of vectors of n numbers, a multiple of 8: columns, then
// lines.
func (f form) transform(dst []float32, to grid, src []float32, from grid, n int) {
	inside, outside := f.sides()
	_ = src[(inside-1)*(from.row+from.col)+n-1]
	_ = dst[(outside-1)*(to.row+to.col)+n-1]
	if tier > Portable {
		f.vectorTransform(dst, to, src, from, n)
		return
	}
	for i := range n {
		var square [pointSide][pointSide]float32 // [column][line]
		for c := range inside {
			var line [pointSide]float32
			for r := range inside {
				line[r] = src[r*from.row+c*from.col+i]
			}
			square[c] = f.line(line)
		}
		for r := range outside {
			var line [pointSide]float32
			for c := range inside {
				line[c] = square[c][r]
			}
			line = f.line(line)
			for c := range outside {
				dst[r*to.row+c*to.col+i] = line[c]
			}
		}
	}
}

// line transforms a line. The vector kernels round a product that is added once, with the sum.
func (f form) line(x [pointSide]float32) (y [pointSide]float32) {
	switch f {
	case valuesToPoints:
		evenA, oddA := x[4]-float32(squareB*x[2]), x[3]-float32(squareB*x[1])
		evenB, oddB := x[4]-float32(squareA*x[2]), x[3]-float32(squareA*x[1])
		y[0] = x[4] - float32(pointSum*x[2]) + float32(pointProduct*x[0])
		y[1], y[2] = evenA+float32(pointA*oddA), evenA-float32(pointA*oddA)
		y[3], y[4] = evenB+float32(pointB*oddB), evenB-float32(pointB*oddB)
		y[5] = x[5] - float32(pointSum*x[3]) + float32(pointProduct*x[1])
	case pointsToSums:
		s, d, t, e := x[1]+x[2], x[1]-x[2], x[3]+x[4], x[3]-x[4]
		y[0] = x[0] + s + t
		y[1] = float32(pointA*d) + float32(pointB*e)
		y[2] = float32(squareA*s) + float32(squareB*t)
		y[3] = x[5] + float32(cubeA*d) + float32(cubeB*e)
	case sumsToPoints:
		evenA, oddA := x[0]+float32(squareA*x[2]), float32(pointA*x[1])+float32(cubeA*x[3])
		evenB, oddB := x[0]+float32(squareB*x[2]), float32(pointB*x[1])+float32(cubeB*x[3])
		y = [pointSide]float32{x[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, x[3]}
	case tapsToPoints:
		evenA, evenB := x[0]+float32(squareA*x[2]), x[0]+float32(squareB*x[2])
		y[0] = share0 * x[0]
		y[1], y[2] = shareA*(evenA+float32(pointA*x[1])), shareA*(evenA-float32(pointA*x[1]))
		y[3], y[4] = shareB*(evenB+float32(pointB*x[1])), shareB*(evenB-float32(pointB*x[1]))
		y[5] = x[2]
	case pointsToTaps:
		s, d, t, e := shareA*(x[1]+x[2]), shareA*(x[1]-x[2]), shareB*(x[3]+x[4]), shareB*(x[3]-x[4])
		y[0] = float32(share0*x[0]) + s + t
		y[1] = float32(pointA*d) + float32(pointB*e)
		y[2] = x[5] + float32(squareA*s) + float32(squareB*t)
	}
	return y
}
