// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

var lopsided = geometry.Window{Kernel: [2]int{3, 2}, Stride: [2]int{1, 1}, Pad: [4]int{2, 1, 0, 1}}

// padded puts a border of a value around t.
func padded(t graphtest.Tensor, w geometry.Window, value float64) graphtest.Tensor {
	y := graphtest.Zeros(t.N, t.H+w.Pad[0]+w.Pad[2], t.W+w.Pad[1]+w.Pad[3], t.C)
	for i := range y.Data {
		c, x, row := i%t.C, i/t.C%y.W, i/(t.C*y.W)
		y.Data[i] = t.At(row/y.H, row%y.H-w.Pad[0], x-w.Pad[1], c, value)
	}
	return y
}

func TestPadSignsGradients(t *testing.T) {
	for _, quantize := range []bool{false, true} {
		t.Run(fmt.Sprint(quantize), func(t *testing.T) {
			checkPass(t, graph.Pass{Quantize: quantize}, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
				x, xr := lift(g, "x", 3, 4, 2)
				return g.PadSigns("pad", "signs", x, lopsided, nil), func(v graphtest.Values) graphtest.Tensor {
					value := 0.0
					if quantize {
						value = -1
					}
					return padded(xr(v), lopsided, value)
				}
			})
		})
	}
	t.Run("learned", func(t *testing.T) {
		checkPass(t, graph.Pass{Quantize: true}, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 3, 4, 2)
			scale := g.Param("scale", graph.Clips, 3)
			return g.PadSigns("pad", "signs", x, lopsided, scale), func(v graphtest.Values) graphtest.Tensor {
				s := v["scale"]
				return padded(xr(v), lopsided, -s[0]-s[1]-s[2])
			}
		})
	})
}

// TestReplacedActivation has a rectifier in float runs only.
func TestReplacedActivation(t *testing.T) {
	for _, quantize := range []bool{false, true} {
		t.Run(fmt.Sprint(quantize), func(t *testing.T) {
			checkPass(t, graph.Pass{Quantize: quantize}, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
				x, xr := lift(g, "x", 3, 4, 2)
				y := g.Epilogue("y", graph.Epilogue{Terms: []graph.Term{{X: x}}, Activation: network.ReLU, Replaced: true})
				return y, func(v graphtest.Values) graphtest.Tensor {
					if quantize {
						return xr(v)
					}
					return xr(v).ReLU()
				}
			})
		})
	}
}

// TestIntegerPlanes sums signs of codes by weights of several planes, padded with
// −1, and compares each with thresholds, all against int64 arithmetic.
func TestIntegerPlanes(t *testing.T) {
	const batch, h, w, in, out, signs = 2, 4, 3, 3, 4, 2
	rng := rand.New(rand.NewPCG(5, 6))
	pool := kernel.NewPool(2)
	defer pool.Close()
	g := graph.New(batch, pool)
	image := g.Input(h, w, in)
	weights := g.Param("w", graph.Weights, out, lopsided.Kernel[0], lopsided.Kernel[1], in)
	conv := g.Conv2D("conv", g.PadSigns("pad", "signs", image, lopsided, nil), weights.Node(), geometry.Window{Kernel: [2]int{3, 2}, Stride: [2]int{1, 1}})
	conv.SetPlanes(graph.SignPlanes(signs), graph.SplitPlanes{})
	y := g.Add("y", conv, conv)
	top := g.MaxPool("pool", y, geometry.Window{Kernel: [2]int{y.Height, y.Width}, Stride: [2]int{1, 1}})
	if err := g.Finish(top, graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	ws := draw(weights.Value, -3, 3, rng)
	rule := &fixed.Thresholds{}
	for range 8 { // 2 planes × 2 signs, twice
		rule.M = append(rule.M, []int64{rng.Int64N(99) - 49, rng.Int64N(99) - 49, rng.Int64N(99) - 49, rng.Int64N(99) - 49})
	}
	rule.T = [][]int64{{-300, -200, -100, 0}, {-50, 0, 0, 100}, {10, 10, 0, 100}}
	y.SetSigns(rule)
	var codes []int64
	if err := g.Feed(make([]int32, batch), func(x []float32) {
		codes = draw(x, 0, 2, rng)
		for i := range codes {
			codes[i] = 1<<codes[i] - 1
			x[i] = float32(codes[i])
		}
	}); err != nil {
		t.Fatal(err)
	}
	// term is one accumulator, by definition.
	term := func(n, oy, ox, o, plane, sign int) (acc int64) {
		for ky := range 3 {
			for kx := range 2 {
				for c := range in {
					x, wv := int64(-1), ws[((o*3+ky)*2+kx)*in+c]
					if iy, ix := oy+ky-lopsided.Pad[0], ox+kx-lopsided.Pad[1]; iy >= 0 && iy < h && ix >= 0 && ix < w {
						x = codes[((n*h+iy)*w+ix)*in+c]>>sign&1*2 - 1
					}
					if (wv > 0) == (plane == 0) {
						acc += x * wv
					}
				}
			}
		}
		return acc
	}
	seen := 0
	tap := func(s graph.Site) {
		if s.Name != "y" {
			return
		}
		seen++
		for i, got := range s.Codes {
			c, ox, oy, n := i%out, i/out%y.Width, i/(out*y.Width)%y.Height, i/(out*y.Width*y.Height)
			var terms []int64
			for range 2 {
				for plane := range 2 {
					for sign := range signs {
						terms = append(terms, term(n, oy, ox, c, plane, sign))
					}
				}
			}
			if want := rule.Apply(c, terms...); int64(got) != int64(want) || s.Y[i] != float32(want) {
				t.Fatalf("signs %d of channel %d are %b and %v, want %b", i, c, got, s.Y[i], want)
			}
		}
	}
	if err := g.Forward(graph.Pass{Mode: graph.Integer, Tap: tap}); err != nil || seen != 1 {
		t.Fatalf("%v, %d times", err, seen)
	}
}

// signum takes signs, with the gradient of a clip at ±1.
type signum struct{}

func (signum) Params() []*graph.Param          { return nil }
func (signum) Begin(*graph.Run)                {}
func (signum) Observe(*graph.Run, graph.Stats) {}

func (signum) Forward(dst, src []float32) {
	for i, x := range src {
		dst[i] = 1
		if x < 0 {
			dst[i] = -1
		}
	}
}

func (signum) Backward(dx, src, dy []float32, _ []float64) {
	for i, x := range src {
		dx[i] = dy[i]
		if x < -1 || x > 1 {
			dx[i] = 0
		}
	}
}

// TestMaxPoolSigns pools signs as if the values were pooled first: same result,
// same gradient.
func TestMaxPoolSigns(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	window := geometry.Window{Kernel: [2]int{3, 2}, Stride: [2]int{2, 2}, Pad: [4]int{1, 0, 1, 0}}
	run := func(first bool) (logits, gradient []float32) {
		rng := rand.New(rand.NewPCG(7, 8))
		g := graph.New(3, pool)
		g.Input(1, 1, 1)
		pass := graph.Pass{Quantize: true}
		x := graphtest.Lift(g, "x", 7, 6, 5)
		sign := func(x *graph.Node) *graph.Node {
			return g.Epilogue("sign", graph.Epilogue{Terms: []graph.Term{{X: x}}, Activation: network.ReLU, Replaced: true, Quantizer: signum{}})
		}
		var y *graph.Node
		if first {
			y = sign(g.MaxPool("pool", x, window))
		} else {
			y = g.MaxPoolSigns("pool", sign(x), window)
		}
		if err := g.Finish(g.Apply("probe", graphtest.NewProbe(y.Height*y.Width*y.Channels, rng), 1, 1, graphtest.Outputs, y), graph.CrossEntropy); err != nil {
			t.Fatal(err)
		}
		p := g.Params()[0]
		graphtest.Randomize(p.Value, 1, rng)
		feed(t, g, []int32{2, 0})
		if _, err := g.Step(pass); err != nil {
			t.Fatal(err)
		}
		gradient = slices.Clone(p.Grad)
		logits = slices.Clone(g.Logits())
		if err := g.Forward(pass.In(graph.Eval)); err != nil || !slices.Equal(g.Logits(), logits) {
			t.Fatalf("evaluated as %v (%v), trained as %v", g.Logits(), err, logits)
		}
		return logits, gradient
	}
	logits, gradient := run(false)
	wantLogits, wantGradient := run(true)
	if !slices.Equal(logits, wantLogits) || !slices.Equal(gradient, wantGradient) {
		t.Errorf("logits %v, want %v; gradient\n%v, want\n%v", logits, wantLogits, gradient, wantGradient)
	}
}

// TestScaleByInput multiplies by the mean magnitudes of each window of another
// tensor, in quantized runs.
func TestScaleByInput(t *testing.T) {
	images := graphtest.Zeros(3, 4, 3, 2)
	rng := rand.New(rand.NewPCG(11, 12))
	for i := range images.Data {
		images.Data[i] = float64(float32(rng.NormFloat64()))
	}
	for _, quantize := range []bool{false, true} {
		checkOpOn(t, graph.Pass{Quantize: quantize}, images, func(g *graph.Graph, image *graph.Node, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 4, 4, 3) // what lopsided makes of the image
			return g.ScaleByInput("y", x, image, lopsided), func(v graphtest.Values) graphtest.Tensor {
				y := xr(v)
				if !quantize {
					return y
				}
				ones := make([]float64, lopsided.Kernel[0]*lopsided.Kernel[1]*images.C)
				for i := range ones {
					ones[i] = 1 / float64(len(ones))
				}
				k := images.Map(math.Abs).Conv(ones, 1, lopsided)
				scaled := graphtest.Zeros(y.N, y.H, y.W, y.C)
				for i := range scaled.Data {
					scaled.Data[i] = y.Data[i] * k.Data[i/y.C]
				}
				return scaled
			}
		})
	}
}
