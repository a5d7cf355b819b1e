// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// guardedCodes returns n zeros that end where a page begins that faults when touched.
func guardedCodes(t testing.TB, n int) []int16 {
	if n == 0 {
		return nil
	}
	s := guarded(t, (n+1)/2)
	return wordsOf(s)[len(wordsOf(s))-n:]
}

// TestCodes brings whole numbers of steps to real numbers and back, scaled again as dropout
// does for every second step.
func TestCodes(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for k, step := range []float32{1, third, 0x1p-99, 3.3e29, 0.01, 12345.678} {
			src, want := make([]float32, 2*MostCode+1), make([]int16, 2*MostCode+1)
			gain := float32(1)
			if k%2 == 1 {
				gain = 1 / float32(0.7)
			}
			for i := range src {
				want[i] = int16(i - MostCode)
				src[i] = float32(float32(want[i])*step) * gain
			}
			step *= gain
			for n := range len(src) + 1 {
				x, got := guarded(t, n), guardedCodes(t, n)
				copy(x, src)
				narrow := bytesOf(guardedCodes(t, (n+1)/2))
				narrow = narrow[len(narrow)-n:]
				if !Codes(got, x, 1/step) || !NarrowCodes(narrow, x, 1/step, 0) {
					t.Fatalf("%d of steps of %g: not all are numbers", n, step)
				}
				whole := guarded(t, n)
				WholeSteps(whole, x, 1/step)
				for i := range got {
					if whole[i] != float32(want[i]) {
						t.Fatalf("%d of steps of %g: whole number %d is %g, want %d", n, step, i, whole[i], want[i])
					}
					if narrow[i] != uint8(want[i]) {
						t.Fatalf("%d of steps of %g: narrow code %d is %d, want %d", n, step, i, narrow[i], uint8(want[i]))
					}
					if got[i] != want[i] {
						t.Fatalf("%d of steps of %g: code %d is %d, want %d", n, step, i, got[i], want[i])
					}
				}
			}
		}
		for n := 1; n < 70; n++ {
			for at := range n {
				x := make([]float32, n)
				x[at] = float32(math.NaN())
				if Codes(make([]int16, n), x, 1) || NarrowCodes(make([]uint8, n), x, 1, 0) {
					t.Fatalf("value %d of %d is a number", at, n)
				}
			}
		}
	})
}

// rowsOfTilings are numbers of rows below, at and above those of the tiles.
func rowsOfTilings() []int {
	if testing.Short() {
		return []int{1, 7, 37}
	}
	return []int{1, 5, 6, 7, 12, 25, 37}
}

// TestIntegerTiling compares a tiling of integers with its definition, every slice ending
// at a page that faults, for numbers of rows, groups and columns around the tile's.
func TestIntegerTiling(t *testing.T) {
	tiers(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		for _, narrow := range []bool{false, true} {
			for _, rows := range rowsOfTilings() {
				for _, groups := range []int{1, 2, 3, 4, 5, 9, 30} {
					for _, cols := range []int{1, 7, 8, 9, 15, 16, 17, 31, 33} {
						for flags := range 8 {
							testIntegerTiling(t, r, narrow, rows, groups, cols, flags&1 > 0, flags&2 > 0, flags&4 > 0)
						}
					}
				}
			}
		}
	})
}

func testIntegerTiling(t *testing.T, r *rand.Rand, narrow bool, rows, groups, cols int, accumulate, scaled, pitched bool) {
	const gap = 3 // floats between the rows of c that must stay
	panels, each := (cols+tileCols-1)/tileCols, 2
	if narrow {
		each = 4
	}
	next := 2 * (groups*tileCols + r.IntN(3))
	pitch := 0
	if pitched {
		pitch = 1 + r.IntN(9)
	}
	// The last group of a ends with it.
	first, last := r.IntN(4), rows+3*pitch+each*(groups-1)
	length := (first + last + each + each - 1) / each * each
	first = length - last - each
	x := integerTiling{
		c: guarded(t, rows*(cols+gap)-gap), a: guardedCodes(t, length*2/each), b: guardedCodes(t, (panels-1)*next+2*groups*tileCols),
		first: first, next: next, pitch: pitch, cols: cols, accumulate: accumulate, narrow: narrow,
	}
	// The greatest magnitudes whose sums fit.
	input, weights := MostCode, MostCode
	if narrow {
		weights = math.MaxInt8
		if foursAtOnce(input, weights) < groups {
			weights = math.MaxInt16 / (2 * input * groups)
		}
		if weights == 0 {
			input, weights = math.MaxInt16/(2*groups), 1
		}
	}
	a, b := func(i int) int64 { return int64(x.a[i]) }, func(i int) int64 { return int64(x.b[i]) }
	if narrow {
		a, b = func(i int) int64 { return int64(bytesOf(x.a)[i]) }, func(i int) int64 { return int64(int8(bytesOf(x.b)[i])) }
		for i := range bytesOf(x.a) {
			bytesOf(x.a)[i] = uint8(input - r.IntN(2)*r.IntN(input+1))
		}
		for i := range bytesOf(x.b) {
			bytesOf(x.b)[i] = uint8(weights - r.IntN(2)*r.IntN(2*weights+1))
		}
	} else {
		for _, s := range [][]int16{x.a, x.b} {
			for i := range s {
				s[i] = int16(r.IntN(2*MostCode+1) - MostCode)
			}
		}
	}
	if r.IntN(2) == 0 {
		x.less = guarded(t, panels*tileCols)
		for i := range x.less {
			x.less[i] = math.Float32frombits(uint32(int32(r.Uint32()) >> 4))
		}
	}
	if scaled {
		x.scale = guarded(t, panels*tileCols)
		copy(x.scale, random(len(x.scale), r.Uint64()))
	}
	want := make([]uint32, len(x.c))
	for i := range want {
		want[i] = uint32(int32(r.Uint32()) >> 2)
		x.c[i] = math.Float32frombits(want[i])
	}
	for _, i := range r.Perm(rows) {
		x.cRow = append(x.cRow, int32(i*(cols+gap)))
		at := int32(r.IntN(rows + 1))
		if n := len(x.aRow); pitched && n%4 > 0 {
			at = x.aRow[n-1] + int32(pitch)
		}
		x.aRow = append(x.aRow, at)
	}
	for range groups {
		x.aGroup = append(x.aGroup, int32(r.IntN(each*(groups-1)+1)))
	}
	for i, at := range x.cRow {
		for n := range cols {
			var sum int64
			if accumulate {
				sum = int64(int32(want[int(at)+n]))
			}
			for k, group := range x.aGroup {
				for j := range each {
					sum += a(x.first+int(x.aRow[i]+group)+j) * b(each*(n/tileCols*next/2+k*tileCols+n%tileCols)+j)
				}
			}
			if x.less != nil {
				sum -= int64(int32(math.Float32bits(x.less[n])))
			}
			want[int(at)+n] = uint32(int32(sum))
			if scaled {
				want[int(at)+n] = math.Float32bits(float32(sum) * x.scale[n])
			}
		}
	}
	x.run()
	for i := range want {
		if got := math.Float32bits(x.c[i]); got != want[i] {
			t.Fatalf("narrow %v, %d rows, %d groups, %d columns, accumulated %v, scaled %v, pitch %d: c[%d] is %#x, want %#x", narrow, rows, groups, cols, accumulate, scaled, pitch, i, got, want[i])
		}
	}
}

// An integerCase is a convolution of whole numbers of steps.
type integerCase struct {
	x, w  []float32
	steps Integers
	want  []float32 // by the definition
}

// newIntegerCase draws numbers up to the given magnitudes, those of x not negative unless
// signed; x and w end at a page that faults.
func newIntegerCase(t testing.TB, c Conv, batch, input, weights int, signed, perChannel bool) integerCase {
	r := rand.New(rand.NewPCG(uint64(c.Weights()), uint64(batch)))
	s := integerCase{x: guarded(t, batch*c.InSize()), w: guarded(t, c.Weights()), steps: Integers{Input: 0.037, Weights: []float32{third}, MostInput: input, MostWeights: weights, Signed: signed}, want: make([]float32, batch*c.OutSize())}
	if perChannel {
		s.steps.Weights = make([]float32, c.OutC)
		for o := range s.steps.Weights {
			s.steps.Weights[o] = float32(math.Exp(r.NormFloat64()))
		}
	}
	p, q := make([]float64, len(s.x)), make([]float64, len(s.w))
	draw := func(dst []float32, numbers []float64, most int, signed bool, step func(i int) float32) {
		for i := range dst {
			v := float32(r.IntN(most + 1))
			if signed && r.IntN(2) == 0 {
				v = -v
			}
			dst[i], numbers[i] = v*step(i), float64(v)
		}
	}
	each := func(o int) float32 { return s.steps.Weights[o%len(s.steps.Weights)] }
	draw(s.x, p, input, signed, func(int) float32 { return s.steps.Input })
	draw(s.w, q, weights, true, func(i int) float32 { return each(i / (c.Weights() / c.OutC)) })
	sums := make([]float64, len(s.want))
	ConvReference(c, sums, p, q, batch)
	for i, v := range sums {
		s.want[i] = float32(v) * float32(s.steps.Input*each(i%c.OutC))
	}
	return s
}

// TestForwardIntegers compares the convolutions of all shapes with their definition, bit
// for bit.
func TestForwardIntegers(t *testing.T) {
	tiers(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for _, s := range shapes {
			p := NewConvPlan(s.Conv, s.batch+1, pool)
			for _, m := range []struct {
				input, weights     int
				signed, perChannel bool
			}{{MostCode, MostCode, true, false}, {MostCode, 127, true, true}, {MostCode, 127, false, true}, {127, 127, true, true}, {3, 1, true, true}, {15, 7, false, true}, {MostCode, 1, false, false}, {31, 32, false, true}} {
				k := newIntegerCase(t, s.Conv, s.batch, m.input, m.weights, m.signed, m.perChannel)
				if !p.HasIntegers(k.steps) {
					t.Errorf("%v has no integers", s.Conv)
					continue
				}
				y := guarded(t, len(k.want))
				copy(y, random(len(y), 4))
				p.ForwardIntegers(y, Real(k.x), k.w, s.batch, k.steps)
				sameBits(t, fmt.Sprintf("%v", s.Conv), y, k.want)
			}
		}
	})
}

// TestForwardIntegersOfManyThreads compares numbers of threads.
func TestForwardIntegersOfManyThreads(t *testing.T) {
	for _, s := range shapes {
		k := newIntegerCase(t, s.Conv, s.batch, MostCode, 127, true, true)
		for _, threads := range []int{1, 2, 8} {
			pool := NewPool(threads)
			y := make([]float32, len(k.want))
			NewConvPlan(s.Conv, s.batch, pool).ForwardIntegers(y, Real(k.x), k.w, s.batch, k.steps)
			sameBits(t, fmt.Sprintf("%v of %d threads", s.Conv, threads), y, k.want)
			pool.Close()
		}
	}
}

// TestForwardIntegersPassesOnNaN: a training that diverges must be seen to.
func TestForwardIntegersPassesOnNaN(t *testing.T) {
	tiers(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for _, s := range shapes {
			if s.MACs()*s.batch > 1e5 {
				continue
			}
			p := NewConvPlan(s.Conv, s.batch, pool)
			k := newIntegerCase(t, s.Conv, s.batch, 1, 1, false, false)
			// Where the first output looks, but for the padding.
			bad := -1
			each(s.Conv, s.batch, func(y, x, _ int) {
				if y == 0 {
					bad = x
				}
			})
			if bad < 0 {
				continue
			}
			k.x[bad] = float32(math.NaN())
			y := make([]float32, len(k.want))
			p.ForwardIntegers(y, Real(k.x), k.w, s.batch, k.steps)
			if y[0] == y[0] {
				t.Errorf("%v: the first value is %g, want NaN", s.Conv, y[0])
			}
		}
	})
}

func TestForwardIntegersAllocations(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	for _, s := range shapes {
		p := NewConvPlan(s.Conv, s.batch, pool)
		k := newIntegerCase(t, s.Conv, s.batch, 1, 1, true, true)
		y := make([]float32, len(k.want))
		if n := testing.AllocsPerRun(3, func() { p.ForwardIntegers(y, Real(k.x), k.w, s.batch, k.steps) }); n != 0 {
			t.Errorf("%v: %g allocations", s.Conv, n)
		}
	}
}

// TestHasIntegers checks the bound on sums at its edge.
func TestHasIntegers(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	const terms = math.MaxInt32 / (255 * 127)
	for _, c := range []struct {
		terms, input, weights int
		want                  bool
	}{{terms, 255, 127, true}, {terms + 1, 255, 127, false}, {terms + 1, 254, 127, true}, {4, 256, 1, false}, {4, 1, 256, false}} {
		p := NewConvPlan(conv(1, 1, c.terms, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1), 1, pool)
		if got := p.HasIntegers(Integers{Input: 1, Weights: []float32{1}, MostInput: c.input, MostWeights: c.weights}); got != c.want {
			t.Errorf("sums of %d products of up to %d and %d: %v, want %v", c.terms, c.input, c.weights, got, c.want)
		}
	}
}
