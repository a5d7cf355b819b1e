// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
)

// guardedWords returns n zeros, an even number, that end where a page begins that faults when touched.
func guardedWords(t testing.TB, n int) []int16 { return wordsOf(guarded(t, n/2)) }

// specialNumbers are numbers whose parts are not like those of others.
var specialNumbers = []float32{0, float32(math.Copysign(0, -1)), 1, -math.MaxFloat32, math.MaxFloat32, 0x1.fffffep-102, -0x1.000002p0, 0x1.00ffp3, 0x1p-126, 0x1.fffffep-120, 0x1p-149}

// noNumbers are infinite, or no numbers.
var noNumbers = []float32{float32(math.NaN()), math.Float32frombits(0x7fffffff), math.Float32frombits(0xff800001), infinity}

// addsUp holds that parts add up to a number, exactly, where no part is less than normal numbers; and that the first of what is no
// number is none.
func addsUp(t *testing.T, want float32, part func(k int) int16) {
	t.Helper()
	if first := widened(part(0)); want-want != 0 {
		if first-first == 0 {
			t.Fatalf("the greatest part of %x is %g", math.Float32bits(want), first)
		}
		return
	}
	var sum float64
	for k := range bfloatParts {
		sum += float64(widened(part(k)))
	}
	if d := math.Abs(sum - float64(want)); d > 0 && (d >= 0x1p-126 || math.Abs(sum) >= 0x1p-102) {
		t.Fatalf("parts of %g add up to %g", want, sum)
	}
}

// TestSplitScaled adds the parts of products up again.
func TestSplitScaled(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for scales := tileCols; scales <= 4*tileCols; scales += tileCols {
			for n := tileCols; n <= 7*tileCols; n += tileCols {
				part := n + n%5
				src, scale, dst := guarded(t, n), guarded(t, scales), guardedWords(t, (2*part+n+1)&^1)
				copy(src, random(n, uint64(part)))
				copy(src[n-tileCols:], append(slices.Clone(specialNumbers), noNumbers...))
				for i := range scale {
					scale[i] = []float32{1, 0x1p-3, 1.25}[i%3]
				}
				splitScaled(dst, part, src, scale)
				for i, v := range src {
					addsUp(t, v*scale[i%scales], func(k int) int16 { return dst[k*part+i] })
				}
			}
		}
	})
}

// TestPairParts adds the parts of pairs up again, of rows that end at a page that faults.
func TestPairParts(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for n := tileCols; n <= 3*tileCols; n += tileCols {
			for rows := 1; rows < 20; rows++ {
				part := rows*n + rows%3
				src, dst := guarded(t, 90+n), guarded(t, 2*part+rows*n)
				copy(src, random(len(src), uint64(part)))
				copy(src, append(slices.Clone(specialNumbers), noNumbers...))
				var at []int32
				for i := range 2 * rows {
					at = append(at, int32((90+i*7)%91))
				}
				pairParts(dst, part, src, at, n)
				for i, from := range at {
					for c := range n {
						addsUp(t, src[int(from)+c], func(k int) int16 { return wordsOf(dst)[2*(k*part+i/2*n+c)+i%2] })
					}
				}
			}
		}
	})
}

// TestPairRows reads rows that end at a page that faults.
func TestPairRows(t *testing.T) {
	tiers(t, func(t *testing.T) {
		for rows := 0; rows < 80; rows += 2 {
			src, dst := guarded(t, 50+tileCols), guardedWords(t, rows*tileCols)
			copy(src, random(len(src), 1))
			var at []int32
			for i := range rows {
				at = append(at, int32((50+i*7)%51))
			}
			pairRows(dst, src, at)
			for k, from := range at {
				for n := range tileCols {
					if got, want := dst[k/2*2*tileCols+2*n+k%2], upper(src[int(from)+n]); got != want {
						t.Fatalf("row %d of %d: number %d is %x, want %x", k, rows, n, got, want)
					}
				}
			}
		}
	})
}

// dotByHand is bfloatDot of one column, on numbers of any precision.
func dotByHand(c float32, a, b []float32) float32 {
	exact := func(v float32) *big.Float {
		if math.Abs(float64(v)) < 0x1p-126 {
			v = float32(math.Copysign(0, float64(v)))
		}
		return new(big.Float).SetPrec(1000).SetFloat64(float64(v))
	}
	rounded := func(x *big.Float) *big.Float {
		v, _ := x.Float32()
		return exact(v)
	}
	chain := [2]*big.Float{exact(0), exact(0)}
	for k := range a {
		x := exact(a[k])
		x.Mul(x, exact(b[k]))
		chain[k%2] = rounded(x.Add(x, chain[k%2]))
	}
	sum := rounded(chain[0].Add(chain[0], chain[1]))
	sum = rounded(sum.Add(sum, exact(c)))
	v, _ := sum.Float32()
	return v
}

// TestBfloatDot compares the definition with numbers of any precision: of all sizes, such that sums are ties, are lost, or
// are less than normal numbers.
func TestBfloatDot(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	number := func(spread int) float32 {
		v := widened(int16(r.Uint32()&0x807f | 0x3f80))
		return float32(math.Ldexp(float64(v), r.IntN(2*spread+1)-spread-spread/13))
	}
	for round := range 400 {
		spread := []int{0, 1, 12, 30, 65}[round%5]
		depth := 2 * (1 + r.IntN(tileBytes/4))
		row, panel := make([]int16, depth), make([]int16, depth*tileCols)
		for i := range row {
			row[i] = upper(number(spread))
		}
		for i := range panel {
			panel[i] = upper(number(spread))
		}
		var c, before [tileCols]float32
		for n := range c {
			c[n] = number(spread) * (1 + float32(r.Uint32()>>8)/(1<<24))
		}
		before = c
		var slice bfloatPanel
		for i, v := range panel {
			slice[i/(2*tileCols)][i%(2*tileCols)] = flushed(widened(v))
		}
		bfloatDot(&c, bytesOf(row), &slice)
		for n, got := range c {
			var a, b []float32
			for k := range row {
				a, b = append(a, widened(row[k])), append(b, widened(panel[k/2*2*tileCols+2*n+k%2]))
			}
			if want := dotByHand(before[n], a, b); math.Float32bits(got) != math.Float32bits(want) {
				t.Fatalf("%v by %v, added to %g: %g, want %g", a, b, before[n], got, want)
			}
		}
	}
}

// A gradientCase is what the backward passes of a convolution of whole numbers read.
type gradientCase struct {
	Conv
	batch    int
	x        Values
	dy, w    []float32
	integers Integers
}

// newGradientCase draws a case; weights have a step for each channel, or one for all.
func newGradientCase(t testing.TB, c Conv, batch int, perChannel, codes bool) gradientCase {
	k := newIntegerCase(t, c, batch, MostCode, 127, !codes, perChannel)
	g := gradientCase{Conv: c, batch: batch, dy: guarded(t, batch*c.OutSize()), w: k.w, integers: k.steps}
	copy(g.dy, random(len(g.dy), 3))
	g.x = Values{Real: k.x, Step: k.steps.Input}
	if codes {
		g.x = Values{Codes: make([]uint8, len(k.x)), Step: k.steps.Input, Zero: 3}
		for i := range g.x.Codes {
			g.x.Codes[i] = uint8(i * 37)
		}
	}
	return g
}

// passes returns the gradients on a pool.
func (g *gradientCase) passes(pool *Pool) (dx, dw []float32) {
	p := NewConvPlan(g.Conv, g.batch, pool)
	dx, dw = random(g.batch*g.InSize(), 5), random(g.Weights(), 6)
	p.BackwardInputIntegers(dx, g.dy, g.w, g.batch, g.integers)
	p.BackwardWeights(dw, g.x, g.dy, g.batch)
	return dx, dw
}

// want returns the gradients in float64, with the sums of the magnitudes of their terms.
func (g *gradientCase) want() (dx, sizeX, dw, sizeW []float64) {
	dx, dw = make([]float64, g.batch*g.InSize()), make([]float64, g.Weights())
	sizeX, sizeW = make([]float64, len(dx)), make([]float64, len(dw))
	x := make([]float32, len(dx))
	g.x.Read(x, 0)
	each(g.Conv, g.batch, func(iy, ix, iw int) {
		v := float64(g.dy[iy]) * float64(g.w[iw])
		dx[ix], sizeX[ix] = dx[ix]+v, sizeX[ix]+math.Abs(v)
		v = float64(g.dy[iy]) * float64(x[ix])
		dw[iw], sizeW[iw] = dw[iw]+v, sizeW[iw]+math.Abs(v)
	})
	return dx, sizeX, dw, sizeW
}

type tiledShape struct {
	Conv
	batch          int
	input, weights bool
}

// tiledShapes are convolutions for products of tiles, and whether both gradients, that of the weights or none take them:
// blocks that end in a tile of few rows, lines that tiles cover twice in part, odd numbers of panels and of pixels,
// several classes, some without taps, strips of an image, output channels in two bands.
var tiledShapes = []tiledShape{
	{conv(1, 1, 32, 48, 1, 1, 1, 1, 0, 0, 0, 0, 1), 37, true, true},
	{conv(1, 1, 48, 32, 1, 1, 1, 1, 0, 0, 0, 0, 1), 199, true, true},
	{conv(1, 1, 560, 32, 1, 1, 1, 1, 0, 0, 0, 0, 1), 21, true, true},
	{conv(6, 6, 16, 32, 1, 1, 1, 1, 0, 0, 0, 0, 1), 3, true, true},
	{conv(8, 8, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 5, true, true},
	{conv(5, 17, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 1, true, true},
	{conv(3, 28, 16, 48, 3, 3, 1, 1, 1, 1, 1, 1, 1), 2, true, true},
	{conv(16, 16, 32, 32, 3, 3, 2, 2, 0, 0, 1, 1, 1), 2, true, true},
	{conv(6, 32, 16, 32, 1, 1, 2, 2, 0, 0, 0, 0, 1), 2, true, true},
	{dilated(conv(9, 32, 16, 32, 3, 3, 1, 1, 2, 2, 2, 2, 1), 2, 2), 1, true, true},
	{conv(41, 40, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 1, true, true},
	{conv(40, 60, 16, 16, 1, 3, 1, 1, 0, 1, 0, 1, 1), 3, true, true},
	{conv(16, 16, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 9, true, true},
	{conv(1, 1, 32, 32, 1, 1, 1, 1, 0, 0, 0, 0, 1), 2100, true, true},
	{conv(31, 64, 80, 16, 1, 3, 1, 1, 0, 1, 0, 1, 1), 1, true, true}, // a window of the channels of some panels at a time
	{conv(1, 1, 32, 160, 1, 1, 1, 1, 0, 0, 0, 0, 1), 33, true, true},
	{conv(7, 16, 16, 16, 5, 5, 1, 1, 2, 2, 2, 2, 1), 1, false, true}, // 80 numbers of a line in four slices
	{conv(4, 4, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 3, false, true},  // 4 pixels of a line
	{conv(8, 8, 3, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 2, false, false},
	{conv(8, 8, 32, 32, 3, 3, 1, 1, 1, 1, 1, 1, 2), 2, false, false},
	{conv(8, 8, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 16), 2, false, false},
}

// withTiles runs f on every tier this machine has, and on AMX in portable Go.
func withTiles(t *testing.T, f func(t *testing.T)) {
	tiers(t, f)
	defer EmulateTiles()()
	t.Run("amx, emulated", f)
}

// TestGradientsOfIntegers compares the gradients of shapes with float64.
func TestGradientsOfIntegers(t *testing.T) {
	type reference struct{ dx, sizeX, dw, sizeW []float64 }
	wants := map[string]reference{}
	withTiles(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for i, s := range tiledShapes {
			g := newGradientCase(t, s.Conv, s.batch, i%3 > 0, i%2 > 0)
			want, ok := wants[s.Conv.String()]
			if !ok {
				want.dx, want.sizeX, want.dw, want.sizeW = g.want()
				wants[s.Conv.String()] = want
			}
			ulps := 16.0
			if s.filtersMinimally() {
				ulps = 64
			}
			dx, dw := g.passes(pool)
			near(t, s.Conv.String()+": dx", dx, want.dx, want.sizeX, ulps)
			near(t, s.Conv.String()+": dw", dw, want.dw, want.sizeW, ulps)
			p, tiled := NewConvPlan(s.Conv, s.batch, pool), CurrentTier() == AMX
			if (p.bfloatInput != nil) != (tiled && s.input) || (p.bfloatWeights != nil) != (tiled && s.weights) {
				t.Errorf("%v by tiles: the gradient of the input %v, of the weights %v", s.Conv, p.bfloatInput != nil, p.bfloatWeights != nil)
			}
		}
	})
}

// TestGradientsByTiles holds that no result depends on the number of threads, on what form the input has, or on what else the
// pool has done; that the processor's tiles, where there are any, give the bits of those in Go; and that nothing allocates.
func TestGradientsByTiles(t *testing.T) {
	undo := EmulateTiles()
	defer func() { undo() }()
	pools := []*Pool{NewPool(1), NewPool(2), NewPool(8)}
	shapes := tiledShapes
	if testing.Short() {
		shapes = shapes[:3]
	}
	inOnePass := 0
	for i, s := range shapes {
		g := newGradientCase(t, s.Conv, s.batch, i%2 > 0, true)
		real := Values{Real: make([]float32, len(g.x.Codes)), Step: g.x.Step}
		g.x.Read(real.Real, 0)
		wantX, wantW := g.passes(pools[0])
		compare := func(what string, dx, dw []float32) {
			sameBits(t, fmt.Sprintf("%v, %s: dx", s.Conv, what), dx, wantX)
			sameBits(t, fmt.Sprintf("%v, %s: dw", s.Conv, what), dw, wantW)
		}
		for _, pool := range pools[1:] {
			dx, dw := g.passes(pool)
			compare(fmt.Sprintf("%d threads", pool.Threads()), dx, dw)
		}
		if before := SetTier(AMX); CurrentTier() == AMX {
			dx, dw := g.passes(pools[1])
			compare("by the processor", dx, dw)
			NewConvPlan(s.Conv, s.batch, pools[1]).BackwardIntegers(dx, dw, g.x, g.dy, g.w, g.batch, g.integers)
			compare("both in one pass, by the processor", dx, dw)
			SetTier(before)
		}
		undo()
		undo = EmulateTiles()
		p := NewConvPlan(s.Conv, s.batch, pools[1])
		dx, dw := make([]float32, len(wantX)), make([]float32, len(wantW))
		x := real
		run := func() {
			p.BackwardInputIntegers(dx, g.dy, g.w, g.batch, g.integers)
			p.BackwardWeights(dw, x, g.dy, g.batch)
		}
		if n := testing.AllocsPerRun(1, run); n != 0 {
			t.Errorf("%v: %g allocations", s.Conv, n)
		}
		if s.weights { // others take real numbers
			compare("real numbers", dx, dw)
		}
		x = g.x
		if s.input && s.weights && p.both.suits(s.batch*p.pixels) {
			inOnePass++
		}
		both := func() { p.BackwardIntegers(dx, dw, x, g.dy, g.w, g.batch, g.integers) }
		clear(dx)
		clear(dw)
		both()
		compare("both in one pass", dx, dw)
		if n := testing.AllocsPerRun(1, both); n != 0 {
			t.Errorf("%v: %g allocations by both in one pass", s.Conv, n)
		}
		p.Hold(false)
		run()
		p.Hold(true)
		run()
		compare("weights that stay", dx, dw)
	}
	if !testing.Short() && inOnePass < 3 {
		t.Errorf("%d shapes in one pass", inOnePass)
	}
	for _, p := range pools {
		p.Close()
	}
}

// TestForwardIntegersByTiles holds that sums of integers by tiles are those of the definition, bit for bit, for real numbers and for
// codes, for codes that tiles do not take, and for several runs of the same weights.
func TestForwardIntegersByTiles(t *testing.T) {
	undo := EmulateTiles()
	t.Run("in Go", testForwardByTiles)
	undo()
	defer SetTier(SetTier(AMX))
	if CurrentTier() == AMX {
		t.Run("by the processor", testForwardByTiles)
	}
}

func testForwardByTiles(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	byTiles := 0
	for _, s := range append(slices.Clone(tiledShapes), tiledForward...) {
		p := NewConvPlan(s.Conv, s.batch, pool)
		for _, m := range []struct {
			input, weights int
			signed         bool
		}{{MostCode, 127, false}, {MostCode, 127, true}, {15, 7, false}, {3, 255, false}} {
			k := newIntegerCase(t, s.Conv, s.batch, m.input, m.weights, m.signed, true)
			y := guarded(t, len(k.want))
			for again := range 2 {
				p.Hold(again > 0)
				p.ForwardIntegers(y, Real(k.x), k.w, s.batch, k.steps)
				sameBits(t, s.Conv.String(), y, k.want)
			}
			p.Release()
			if m.signed {
				continue
			}
			codes := guardedCodes(t, (len(k.x)+1)/2)
			x := Values{Codes: bytesOf(codes)[2*len(codes)-len(k.x):], Step: k.steps.Input}
			NarrowCodes(x.Codes, k.x, 1/k.steps.Input, 0)
			p.ForwardIntegers(y, x, k.w, s.batch, k.steps)
			sameBits(t, s.Conv.String()+" of codes", y, k.want)
			if p.integers.byTiles {
				byTiles++
			}
		}
	}
	if byTiles < 20 {
		t.Errorf("%d runs by tiles", byTiles)
	}
}

// tiledForward are shapes for products of codes by tiles: a matrix whose rows are taken as they are.
var tiledForward = []tiledShape{
	{conv(1, 1, 1536, 48, 1, 1, 1, 1, 0, 0, 0, 0, 1), 9, true, true},
	{conv(6, 16, 20, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 2, false, false},
}

// TestGradientErrors measures the error against float64, by the root of the mean square: by tiles at most 2e-7 of the
// result's.
func TestGradientErrors(t *testing.T) {
	if testing.Short() {
		t.Skip("errors are measured in whole runs")
	}
	for _, c := range []struct {
		Conv
		batch int
	}{
		{conv(4, 16, 64, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1), 2},
		{conv(8, 16, 32, 64, 3, 3, 2, 2, 1, 1, 1, 1, 1), 2},
		{conv(32, 32, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 1},
		{conv(1, 1, 64, 512, 1, 1, 1, 1, 0, 0, 0, 0, 1), 64},
	} {
		g := newGradientCase(t, c.Conv, c.batch, true, false)
		pool := NewPool(2)
		var direct, tiled [2][]float32
		wantX, _, wantW, _ := g.want()
		direct[0], direct[1] = g.passes(pool)
		undo := EmulateTiles()
		tiled[0], tiled[1] = g.passes(pool)
		undo()
		pool.Close()
		for i, name := range []string{"input", "weights"} {
			reference := [][]float64{wantX, wantW}[i]
			e := relative(tiled[i], reference)
			t.Logf("%v, gradient of the %s: error %.1e, without tiles %.1e", c.Conv, name, e, relative(direct[i], reference))
			if e > 2e-7 {
				t.Errorf("%v, gradient of the %s: error %.1e", c.Conv, name, e)
			}
		}
	}
}

// relative returns the root of the mean square of got less want, by that of want.
func relative(got []float32, want []float64) float64 {
	var errors, values float64
	for i, w := range want {
		d := float64(got[i]) - w
		errors, values = errors+d*d, values+w*w
	}
	return math.Sqrt(errors / values)
}

// TestGradientsPassOnNaN: a training that diverges must be seen to.
func TestGradientsPassOnNaN(t *testing.T) {
	defer EmulateTiles()()
	pool := NewPool(1)
	defer pool.Close()
	g := newGradientCase(t, conv(8, 8, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 1, false, false)
	g.dy[0] = float32(math.NaN())
	dx, dw := g.passes(pool)
	bad := func(v float32) bool { return v != v }
	if !slices.ContainsFunc(dx, bad) || !slices.ContainsFunc(dw, bad) {
		t.Error("gradients are numbers where that of the result is none")
	}
	g.dy[0], g.x.Real[0] = 1, float32(math.NaN())
	if _, dw := g.passes(pool); !slices.ContainsFunc(dw, bad) {
		t.Error("the gradient of the weights is numbers where the input is none")
	}
}
