// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"testing"
)

// minimalShapes are convolutions that are filtered minimally: with whole tiles, with parts of
// them in both directions, in strips, and with several panels.
var minimalShapes = []Conv{
	conv(8, 8, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1),
	conv(14, 13, 16, 32, 3, 3, 1, 1, 0, 0, 0, 0, 1),
	conv(11, 8, 32, 16, 3, 3, 1, 1, 2, 1, 0, 2, 1),
	conv(44, 40, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1),
	conv(4, 4, 64, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1),
}

// TestMinimalForms compares the transformations with their definition as matrices, every
// slice ending at a page that faults: rows of values at points, and Lagrange's polynomials.
func TestMinimalForms(t *testing.T) {
	at := []float64{0, pointA, -pointA, pointB, -pointB}
	var values, taps [pointSide][pointSide]float64 // [point][value], and [point][tap]
	for i, p := range at {
		product, others := 1.0, []float64{1}
		for j, q := range at {
			if j != i {
				product *= p - q
				others = times(others, q)
			}
		}
		copy(values[i][:], others)
		for k := range 3 {
			taps[i][k] = math.Pow(p, float64(k)) / product
		}
	}
	all := []float64{1}
	for _, q := range at {
		all = times(all, q)
	}
	copy(values[pointSide-1][:], all)
	taps[pointSide-1][2] = 1
	sums := func(i, p int) float64 {
		if p == pointSide-1 {
			return map[bool]float64{true: 1}[i == tileSide-1]
		}
		return math.Pow(at[p], float64(i))
	}
	matrices := map[form]func(to, from int) float64{
		valuesToPoints: func(to, from int) float64 { return values[to][from] },
		pointsToSums:   sums,
		sumsToPoints:   func(to, from int) float64 { return sums(from, to) },
		tapsToPoints:   func(to, from int) float64 { return taps[to][from] },
		pointsToTaps:   func(to, from int) float64 { return taps[from][to] },
	}
	tiers(t, func(t *testing.T) {
		for f, matrix := range matrices {
			inside, outside := f.sides()
			for _, n := range []int{8, 16, 40} {
				from, to := grid{inside*(n+1) + 2, n + 1}, grid{outside*(n+3) + 1, n + 3}
				src := guarded(t, (inside-1)*(from.row+from.col)+n)
				dst := guarded(t, (outside-1)*(to.row+to.col)+n)
				copy(src, random(len(src), uint64(n)))
				f.transform(dst, to, src, from, n)
				for r := range outside {
					for c := range outside {
						for i := range n {
							var want, size float64
							for y := range inside {
								for x := range inside {
									v := matrix(r, y) * matrix(c, x) * float64(src[y*from.row+x*from.col+i])
									want += v
									size += math.Abs(v)
								}
							}
							near(t, fmt.Sprintf("form %d, n %d, %d %d %d", f, n, r, c, i), dst[r*to.row+c*to.col+i:][:1], []float64{want}, []float64{size}, 16)
						}
					}
				}
			}
		}
	})
}

// times returns the polynomial p times x - q, lowest power first.
func times(p []float64, q float64) []float64 {
	r := make([]float64, len(p)+1)
	for i, c := range p {
		r[i+1] += c
		r[i] -= q * c
	}
	return r
}

// TestMinimalError holds the passes to the error of sums of all products, of the same input by float64: by the
// root of the mean square, to four times of it.
func TestMinimalError(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	const batch = 3
	for _, c := range minimalShapes {
		if !c.filtersMinimally() {
			t.Errorf("%v is not filtered minimally", c)
			continue
		}
		x, w, dy := random(batch*c.InSize(), 1), random(c.Weights(), 2), random(batch*c.OutSize(), 3)
		want := [3][]float64{make([]float64, len(dy)), make([]float64, len(x)), make([]float64, len(w))}
		each(c, batch, func(iy, ix, iw int) {
			want[0][iy] += float64(x[ix]) * float64(w[iw])
			want[1][ix] += float64(dy[iy]) * float64(w[iw])
			want[2][iw] += float64(dy[iy]) * float64(x[ix])
		})
		minimal, direct := NewConvPlan(c, batch, pool), NewConvPlan(c, batch, pool)
		direct.minimal = [2]*minimalPass{}
		direct.weights = newWeightsPass(newForward(c, batch, false), pool)
		direct.weights.reserve(batch)
		var rms [2][3]float64
		for i, p := range []*ConvPlan{minimal, direct} {
			y, dx, dw := make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
			p.Forward(y, x, w, batch)
			p.BackwardInput(dx, dy, w, batch)
			p.BackwardWeights(dw, Real(x), dy, batch)
			for k, got := range [][]float32{y, dx, dw} {
				for n, v := range got {
					rms[i][k] += (float64(v) - want[k][n]) * (float64(v) - want[k][n])
				}
				rms[i][k] = math.Sqrt(rms[i][k] / float64(len(got)))
			}
		}
		for k, what := range []string{"y", "dx", "dw"} {
			ratio := rms[0][k] / rms[1][k]
			t.Logf("%v: error of %s %.3g, of the direct sums %.3g: %.2f", c, what, rms[0][k], rms[1][k], ratio)
			if !(ratio < 4) {
				t.Errorf("%v: error of %s is %.3g, %.2f of the direct sums'", c, what, rms[0][k], ratio)
			}
		}
	}
}

// TestMinimalChunks: chunks of several blocks, each of which ends with parts of tiles, sum the gradient of the weights that
// direct sums have.
func TestMinimalChunks(t *testing.T) {
	const batch = maxChunks + 3
	c := conv(30, 31, 16, 32, 3, 3, 1, 1, 1, 1, 1, 1, 1)
	pool := NewPool(2)
	defer pool.Close()
	p := NewConvPlan(c, batch, pool)
	direct := newWeightsPass(newForward(c, batch, false), pool)
	direct.reserve(batch)
	x, dy := random(batch*c.InSize(), 1), random(batch*c.OutSize(), 2)
	got, want := make([]float32, c.Weights()), make([]float32, c.Weights())
	if m, ok := p.weights.(*minimalWeights); !ok || m.block.blocks(batch) <= maxChunks {
		t.Fatal("a chunk has one block")
	}
	p.BackwardWeights(got, Real(x), dy, batch)
	direct.run(want, Real(x), dy, batch)
	for i, v := range want {
		if math.Abs(float64(got[i]-v)) > 1e-2 { // of sums of some 17,000 products, which are tens
			t.Fatalf("weight %d: %g, by direct sums %g", i, got[i], v)
		}
	}
}

// TestForwardWhole: sums of whole numbers are exact, in layers that are filtered minimally too.
func TestForwardWhole(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	for _, c := range minimalShapes {
		k := newIntegerCase(t, c, 1, 15, 7, false, false)
		x, w := make([]float32, len(k.x)), make([]float32, len(k.w))
		WholeSteps(x, k.x, 1/k.steps.Input)
		WholeSteps(w, k.w, 1/k.steps.Weights[0])
		want, got := make([]float32, len(k.want)), make([]float32, len(k.want))
		ConvReference(c, want, x, w, 1)
		NewConvPlan(c, 1, pool).ForwardWhole(got, x, w, 1)
		sameBits(t, c.String(), got, want)
	}
}

// TestMinimalSameBits: the number of threads changes no bit, and nothing allocates.
func TestMinimalSameBits(t *testing.T) {
	one, many := NewPool(1), NewPool(8)
	defer one.Close()
	defer many.Close()
	for _, c := range minimalShapes {
		const batch = 9
		run, y, dx, dw := passes(c, batch, one)
		run()
		run, y8, dx8, dw8 := passes(c, batch, many)
		run()
		sameBits(t, c.String()+": y", y8, y)
		sameBits(t, c.String()+": dx", dx8, dx)
		sameBits(t, c.String()+": dw", dw8, dw)
		if n := testing.AllocsPerRun(1, run); n != 0 {
			t.Errorf("%v: %g allocations", c, n)
		}
	}
}
