// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/geometry"
)

// conv returns a convolution without dilation.
func conv(inH, inW, inC, outC, kh, kw, strideH, strideW, top, left, bottom, right, groups int) Conv {
	return Conv{inH, inW, inC, outC, geometry.Window{
		Kernel: [2]int{kh, kw}, Stride: [2]int{strideH, strideW}, Pad: [4]int{top, left, bottom, right}, Groups: groups,
	}}
}

// dilated returns c with a dilation.
func dilated(c Conv, h, w int) Conv {
	c.Dilation = [2]int{h, w}
	return c
}

// pooling returns the pooling of images.
func pooling(inH, inW, c, kh, kw, strideH, strideW, top, left, bottom, right int) Pooling {
	return Pooling{inH, inW, c, conv(inH, inW, c, c, kh, kw, strideH, strideW, top, left, bottom, right, 0).Window}
}

// shapes are the convolutions every pass is tested on: edges of the tiles,
// primes, strides over odd sizes, padding on one side only, groups, depthwise.
var shapes = []struct {
	Conv
	batch int
}{
	{conv(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1), 1},
	{conv(1, 1, 7, 5, 1, 1, 1, 1, 0, 0, 0, 0, 1), 13},
	{conv(1, 1, 800, 33, 1, 1, 1, 1, 0, 0, 0, 0, 1), 7},
	{conv(1, 1, 1024, 2048, 1, 1, 1, 1, 0, 0, 0, 0, 1), 5},
	{conv(1, 1, 64, 10, 1, 1, 1, 1, 0, 0, 0, 0, 1), 400},
	{conv(1, 1, 20, 390, 1, 1, 1, 1, 0, 0, 0, 0, 1), 150},
	{conv(1, 1, 300, 10, 1, 1, 1, 1, 0, 0, 0, 0, 1), 150},
	{conv(1, 1, 1300, 20, 1, 1, 1, 1, 0, 0, 0, 0, 1), 2},
	{conv(3, 3, 160, 5, 3, 3, 1, 1, 1, 1, 1, 1, 1), 1},
	{conv(9, 9, 44, 50, 1, 1, 1, 1, 0, 0, 0, 0, 1), 5},
	{conv(1, 1, 5, 7, 3, 3, 1, 1, 1, 1, 1, 1, 1), 20},
	{conv(1, 1, 24, 24, 3, 3, 1, 1, 1, 1, 1, 1, 24), 20},
	{conv(1, 1, 24, 24, 3, 3, 2, 2, 1, 1, 1, 1, 24), 3},
	{conv(6, 6, 16, 32, 1, 1, 1, 1, 0, 0, 0, 0, 1), 3},
	{conv(7, 5, 3, 17, 1, 1, 2, 2, 0, 0, 0, 0, 1), 3},
	{conv(8, 8, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 5},
	{conv(32, 32, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 1), 1},
	{conv(9, 9, 16, 32, 3, 3, 2, 2, 1, 1, 1, 1, 1), 3},
	{conv(16, 16, 32, 32, 3, 3, 2, 2, 0, 0, 1, 1, 1), 2},
	{conv(13, 11, 5, 15, 3, 5, 2, 3, 1, 2, 0, 1, 1), 3},
	{conv(11, 13, 3, 31, 5, 3, 3, 2, 4, 0, 2, 3, 1), 2},
	{conv(14, 14, 1, 8, 5, 5, 1, 1, 2, 2, 2, 2, 1), 3},
	{conv(28, 28, 1, 32, 5, 5, 1, 1, 2, 2, 2, 2, 1), 2},
	{conv(4, 4, 12, 18, 3, 3, 1, 1, 1, 1, 1, 1, 3), 4},
	{conv(5, 7, 8, 40, 3, 3, 2, 2, 1, 1, 1, 1, 2), 3},
	{conv(5, 5, 4, 8, 3, 3, 1, 1, 1, 1, 1, 1, 4), 2},
	{conv(8, 8, 16, 16, 3, 3, 1, 1, 1, 1, 1, 1, 16), 5},
	{conv(9, 7, 37, 37, 3, 3, 2, 2, 1, 1, 1, 1, 37), 3},
	{conv(6, 6, 48, 48, 5, 5, 1, 1, 2, 2, 2, 2, 48), 4},
	{conv(4, 4, 9, 9, 1, 1, 1, 1, 0, 0, 0, 0, 9), 4},
	{conv(3, 3, 4, 6, 3, 3, 1, 1, 0, 0, 0, 0, 1), 9},
	{conv(2, 2, 3, 4, 2, 2, 1, 1, 3, 3, 3, 3, 1), 2},
	{conv(5, 5, 2, 3, 2, 2, 4, 4, 0, 0, 0, 0, 1), 2},
	{conv(45, 40, 20, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1), 1},
	{conv(41, 40, 20, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1), 2},
	{dilated(conv(9, 11, 5, 17, 3, 3, 1, 1, 2, 2, 2, 2, 1), 2, 2), 3},
	{dilated(conv(13, 12, 3, 18, 3, 2, 2, 3, 3, 1, 2, 0, 1), 3, 2), 2},
	{dilated(conv(14, 14, 16, 16, 3, 3, 2, 2, 2, 2, 2, 2, 1), 2, 2), 2},
	{dilated(conv(15, 9, 6, 6, 4, 1, 2, 1, 4, 0, 5, 0, 2), 4, 7), 2},
	{dilated(conv(10, 10, 24, 24, 3, 3, 1, 1, 2, 2, 2, 2, 24), 2, 2), 3},
	{dilated(conv(45, 40, 20, 3, 3, 3, 1, 1, 4, 4, 4, 4, 1), 4, 4), 1},
	{dilated(conv(1, 40, 4, 5, 1, 5, 1, 2, 0, 6, 0, 6, 1), 1, 3), 3},
}

func (c Conv) String() string {
	return fmt.Sprintf("%dx%dx%d-%d,%dx%d/%dx%d+%d%d%d%d,g%d", c.InH, c.InW, c.InC, c.OutC, c.Kernel[0], c.Kernel[1],
		c.Stride[0], c.Stride[1], c.Pad[0], c.Pad[1], c.Pad[2], c.Pad[3], c.Groups)
}

// each calls f for every product of the convolution: the indices of the
// output, the input and the weight. It shares nothing with the kernels.
func each(c Conv, batch int, f func(y, x, w int)) {
	inG, outG := c.InC/c.Groups, c.OutC/c.Groups
	for n := range batch {
		for oh := range c.OutH() {
			for ow := range c.OutW() {
				for o := range c.OutC {
					for kh := range c.Kernel[0] {
						for kw := range c.Kernel[1] {
							for i := range inG {
								h, w := oh*c.Stride[0]-c.Pad[0]+kh*c.Dilated()[0], ow*c.Stride[1]-c.Pad[1]+kw*c.Dilated()[1]
								if h < 0 || h >= c.InH || w < 0 || w >= c.InW {
									continue
								}
								f(((n*c.OutH()+oh)*c.OutW()+ow)*c.OutC+o,
									((n*c.InH+h)*c.InW+w)*c.InC+o/outG*inG+i,
									((o*c.Kernel[0]+kh)*c.Kernel[1]+kw)*inG+i)
							}
						}
					}
				}
			}
		}
	}
}

func random(n int, seed uint64) []float32 {
	r := rand.New(rand.NewPCG(seed, 1))
	s := make([]float32, n)
	for i := range s {
		s[i] = float32(r.NormFloat64())
	}
	return s
}

// tiers runs f on every tier this machine has.
func tiers(t *testing.T, f func(t *testing.T)) {
	for want := Portable; want <= AMX; want++ {
		before := SetTier(want)
		if CurrentTier() == want {
			t.Run(want.String(), f)
		}
		SetTier(before)
	}
}

// near reports the first element of got further from want than the rounding of
// a sum of terms products allows: ulps times the unit roundoff times the sum of
// their magnitudes.
func near(t *testing.T, what string, got []float32, want, magnitude []float64, ulps float64) {
	t.Helper()
	for i := range got {
		if d := math.Abs(float64(got[i]) - want[i]); !(d <= ulps*magnitude[i]/(1<<24)) {
			t.Fatalf("%s[%d] = %g, want %g within %g", what, i, got[i], want[i], ulps*magnitude[i]/(1<<24))
		}
	}
}

func TestConv(t *testing.T) {
	tiers(t, func(t *testing.T) {
		pool := NewPool(2)
		defer pool.Close()
		for _, s := range shapes {
			c, batch := s.Conv, s.batch
			x, w := random(batch*c.InSize(), 1), random(c.Weights(), 2)
			dy := random(batch*c.OutSize(), 3)
			wantY, sizeY := make([]float64, len(dy)), make([]float64, len(dy))
			wantX, sizeX := make([]float64, len(x)), make([]float64, len(x))
			wantW, sizeW := make([]float64, len(w)), make([]float64, len(w))
			each(c, batch, func(iy, ix, iw int) {
				add := func(want, size []float64, i int, a, b float32) {
					v := float64(a) * float64(b)
					want[i] += v
					size[i] += math.Abs(v)
				}
				add(wantY, sizeY, iy, x[ix], w[iw])
				add(wantX, sizeX, ix, dy[iy], w[iw])
				add(wantW, sizeW, iw, dy[iy], x[ix])
			})
			p := NewConvPlan(c, batch+1, pool)
			ulps := 16.0
			if c.filtersMinimally() {
				ulps = 64
			}
			t.Run(c.String(), func(t *testing.T) {
				y, dx, dw := random(len(dy), 4), random(len(x), 5), random(len(w), 6)
				p.Forward(y, x, w, batch)
				near(t, "y", y, wantY, sizeY, ulps)
				p.BackwardInput(dx, dy, w, batch)
				near(t, "dx", dx, wantX, sizeX, ulps)
				p.BackwardWeights(dw, Real(x), dy, batch)
				near(t, "dw", dw, wantW, sizeW, ulps)
				ConvReference(c, y, x, w, batch)
				near(t, "reference y", y, wantY, sizeY, 64)
			})
		}
	})
}

// passes returns a function that does the three passes of a convolution on a
// pool, and what it computes: y, dx and dw.
func passes(c Conv, batch int, pool *Pool) (run func(), y, dx, dw []float32) {
	x, w, dy := random(batch*c.InSize(), 1), random(c.Weights(), 2), random(batch*c.OutSize(), 3)
	y, dx, dw = make([]float32, len(dy)), make([]float32, len(x)), make([]float32, len(w))
	p := NewConvPlan(c, batch, pool)
	return func() {
		p.Forward(y, x, w, batch)
		p.BackwardInput(dx, dy, w, batch)
		p.BackwardWeights(dw, Real(x), dy, batch)
	}, y, dx, dw
}

func TestConvSameBitsForAnyThreads(t *testing.T) {
	tiers(t, func(t *testing.T) {
		pools := []*Pool{NewPool(1), NewPool(2), NewPool(8)}
		for _, s := range shapes {
			var want [3][]float32
			for i, pool := range pools {
				run, y, dx, dw := passes(s.Conv, s.batch, pool)
				run()
				if i == 0 {
					want = [3][]float32{y, dx, dw}
					continue
				}
				what := fmt.Sprintf("%v with %d threads: ", s.Conv, pool.Threads())
				sameBits(t, what+"y", y, want[0])
				sameBits(t, what+"dx", dx, want[1])
				sameBits(t, what+"dw", dw, want[2])
			}
		}
		for _, p := range pools {
			p.Close()
		}
	})
}

// TestConvSameBitsForVectorTiers compares AVX2 and AVX-512.
func TestConvSameBitsForVectorTiers(t *testing.T) {
	if best < AVX512 {
		t.Skip("no AVX-512")
	}
	pool := NewPool(2)
	defer pool.Close()
	for _, s := range shapes {
		run, y, dx, dw := passes(s.Conv, s.batch, pool)
		run()
		before := SetTier(AVX2)
		avx2, wantY, wantX, wantW := passes(s.Conv, s.batch, pool)
		avx2()
		SetTier(before)
		sameBits(t, s.Conv.String()+": y", y, wantY)
		sameBits(t, s.Conv.String()+": dx", dx, wantX)
		sameBits(t, s.Conv.String()+": dw", dw, wantW)
	}
}

func TestConvAllocations(t *testing.T) {
	pool := NewPool(2)
	defer pool.Close()
	for _, s := range shapes {
		run, _, _, _ := passes(s.Conv, s.batch, pool)
		if n := testing.AllocsPerRun(3, run); n != 0 {
			t.Errorf("%v: %g allocations", s.Conv, n)
		}
	}
}

// TestConvGuarded runs the passes on tensors that end at a page that faults.
func TestConvGuarded(t *testing.T) {
	pool := NewPool(1)
	defer pool.Close()
	for _, s := range shapes {
		c, batch := s.Conv, s.batch
		x, w, y := guarded(t, batch*c.InSize()), guarded(t, c.Weights()), guarded(t, batch*c.OutSize())
		p := NewConvPlan(c, batch, pool)
		p.Forward(y, x, w, batch)
		p.BackwardInput(x, y, w, batch)
		p.BackwardWeights(w, Real(x), y, batch)
	}
}

func TestConvValidate(t *testing.T) {
	good := conv(8, 8, 4, 6, 3, 3, 1, 1, 1, 1, 1, 1, 2)
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(c *Conv){
		"height":  func(c *Conv) { c.InH = 0 },
		"stride":  func(c *Conv) { c.Stride[1] = -1 },
		"padding": func(c *Conv) { c.Pad[1] = -1 },
		"groups":  func(c *Conv) { c.Groups = 4 },
		"kernel":  func(c *Conv) { c.Kernel[0] = 11 },
		"size":    func(c *Conv) { c.InH, c.InW = 1<<20, 1<<20 },
		"weights": func(c *Conv) { c.InC, c.OutC, c.Kernel[0], c.Kernel[1], c.InH, c.InW = 1<<18, 1<<18, 1, 1, 1, 1 },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil {
			t.Errorf("%s: %v is valid", name, c)
		}
	}
}
