// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

// tolerance of a gradient, of the greatest of its parameter: float32 sums
// against float64.
const tolerance = 2e-5

// reference is an op in float64, by the values of its parameters.
type reference func(v graphtest.Values) graphtest.Tensor

// checkOp checks the gradients of what build adds to a graph, the last row of
// whose batch is not valid.
func checkOp(t *testing.T, build func(g *graph.Graph, rng *rand.Rand) (*graph.Node, reference)) {
	t.Helper()
	checkPass(t, graph.Pass{}, build)
}

// checkPass does the same by a pass that is not of the zero value.
func checkPass(t *testing.T, pass graph.Pass, build func(g *graph.Graph, rng *rand.Rand) (*graph.Node, reference)) {
	t.Helper()
	checkOpOn(t, pass, graphtest.Zeros(3, 1, 1, 1), func(g *graph.Graph, _ *graph.Node, rng *rand.Rand) (*graph.Node, reference) {
		return build(g, rng)
	})
}

// checkOpOn does the same where the op reads images.
func checkOpOn(t *testing.T, pass graph.Pass, images graphtest.Tensor, build func(g *graph.Graph, image *graph.Node, rng *rand.Rand) (*graph.Node, reference)) {
	t.Helper()
	const batch, valid = 4, 3
	pool := kernel.NewPool(2)
	defer pool.Close()
	rng := rand.New(rand.NewPCG(1, 2))
	g := graph.New(batch, pool)
	y, want := build(g, g.Input(images.H, images.W, images.C), rng)
	probe := graphtest.NewProbe(y.Height*y.Width*y.Channels, rng)
	if err := g.Finish(g.Apply("probe", probe, 1, 1, graphtest.Outputs, y), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	for _, p := range g.Params() {
		graphtest.Randomize(p.Value, 1, rng)
	}
	labels := []int32{2, 0, 1}
	if err := g.Feed(labels, func(x []float32) {
		for i := range x {
			x[i] = float32(images.Data[i])
		}
	}); err != nil {
		t.Fatal(err)
	}
	targets := graphtest.OneHot(labels, graphtest.Outputs)
	graphtest.Gradients(t, g, pass, 60, tolerance, func(v graphtest.Values) float64 {
		y := want(v)
		rows := len(y.Data) / y.N * valid
		return probe.Reference(graphtest.Tensor{N: valid, H: y.H, W: y.W, C: y.C, Data: y.Data[:rows]}).CrossEntropy(targets, 1)
	})
	if t.Failed() {
		t.FailNow()
	}
}

// feed binds labels to images of zeros.
func feed(t *testing.T, g *graph.Graph, labels []int32) {
	t.Helper()
	if err := g.Feed(labels, func(x []float32) { clear(x) }); err != nil {
		t.Fatal(err)
	}
}

// lift is an activation to take gradients by, with its reference.
func lift(g *graph.Graph, name string, h, w, c int) (*graph.Node, reference) {
	return graphtest.Lift(g, name, h, w, c), func(v graphtest.Values) graphtest.Tensor {
		n := len(v[name]) / (h * w * c)
		valid := min(n, 3)
		return graphtest.Tensor{N: valid, H: h, W: w, C: c, Data: v[name][:valid*h*w*c]}
	}
}

func TestConvGradients(t *testing.T) {
	for _, c := range []struct {
		name         string
		h, w, in, to int
		window       geometry.Window
	}{
		{"same", 5, 6, 3, 4, geometry.Same(3, 1)},
		{"stride", 7, 6, 2, 3, geometry.Same(3, 2)},
		{"asymmetric padding", 4, 5, 2, 3, geometry.Window{Kernel: [2]int{3, 2}, Stride: [2]int{1, 1}, Pad: [4]int{2, 1, 0, 0}}},
		{"valid 5x5", 6, 7, 1, 17, geometry.Valid(5, 1)},
		{"stride beyond the kernel", 7, 7, 2, 2, geometry.Valid(2, 3)},
		{"groups", 4, 4, 6, 4, geometry.Window{Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Pad: [4]int{1, 1, 1, 1}, Groups: 2}},
		{"depthwise", 5, 5, 10, 10, geometry.Window{Kernel: [2]int{3, 3}, Stride: [2]int{2, 2}, Pad: [4]int{1, 1, 1, 1}, Groups: 10}},
		{"depthwise of several", 4, 4, 3, 6, geometry.Window{Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Groups: 3}},
		{"rectangular", 6, 8, 2, 3, geometry.Window{Kernel: [2]int{1, 5}, Stride: [2]int{2, 3}, Pad: [4]int{0, 2, 0, 3}}},
		{"dilated", 7, 8, 2, 3, geometry.Window{Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Dilation: [2]int{2, 3}, Pad: [4]int{2, 1, 1, 2}}},
		{"dilated depthwise", 6, 6, 8, 8, geometry.Window{Kernel: [2]int{3, 3}, Stride: [2]int{1, 1}, Dilation: [2]int{2, 2}, Pad: [4]int{2, 2, 2, 2}, Groups: 8}},
		{"1x1", 3, 4, 5, 6, geometry.Valid(1, 1)},
		{"1x1 stride", 5, 5, 3, 4, geometry.Valid(1, 2)},
		{"kernel of the image", 3, 3, 2, 2, geometry.Valid(3, 1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
				x, xr := lift(g, "x", c.h, c.w, c.in)
				w := g.Param("w", graph.Weights, c.to, c.window.Kernel[0], c.window.Kernel[1], c.in/max(1, c.window.Groups))
				return g.Conv2D("conv", x, w.Node(), c.window), func(v graphtest.Values) graphtest.Tensor {
					return xr(v).Conv(v["w"], c.to, c.window)
				}
			})
		})
	}
}

func TestLinearGradients(t *testing.T) {
	checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
		x, xr := lift(g, "x", 2, 2, 5)
		w := g.Param("w", graph.Weights, 7, 20)
		return g.Linear("linear", g.Flatten("flat", x), w.Node()), func(v graphtest.Values) graphtest.Tensor {
			return xr(v).Flat().Linear(v["w"], 7)
		}
	})
}

func TestBatchNormGradients(t *testing.T) {
	const c = 5
	t.Run("batch statistics", func(t *testing.T) {
		checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 4, 3, c)
			n := g.Norm("bn", c)
			return normalized(g, "y", x, n), func(v graphtest.Values) graphtest.Tensor {
				return xr(v).BatchNorm(v["bn.gamma"], v["bn.beta"], float64(n.Epsilon))
			}
		})
	})
	t.Run("several blocks", func(t *testing.T) {
		checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 20, 15, c) // 900 rows
			n := g.Norm("bn", c)
			pool := geometry.Valid(5, 5)
			return g.AvgPool("pool", g.Epilogue("y", graph.Epilogue{Terms: []graph.Term{{X: x, Norm: n}}, Activation: network.ReLU}), pool, true),
				func(v graphtest.Values) graphtest.Tensor {
					return xr(v).BatchNorm(v["bn.gamma"], v["bn.beta"], float64(n.Epsilon)).ReLU().AvgPool(pool, true)
				}
		})
	})
	t.Run("frozen", func(t *testing.T) {
		checkPass(t, graph.Pass{FreezeNorm: true}, func(g *graph.Graph, rng *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 4, 3, c)
			n := g.Norm("bn", c)
			for i := range c {
				n.Mean[i], n.Variance[i] = float32(rng.NormFloat64()), float32(0.1+rng.Float64())
			}
			mean, variance := graphtest.Widen(n.Mean), graphtest.Widen(n.Variance)
			return normalized(g, "y", x, n), func(v graphtest.Values) graphtest.Tensor {
				return xr(v).Normalize(v["bn.gamma"], v["bn.beta"], mean, variance, float64(n.Epsilon))
			}
		})
	})
}

func TestActivationGradients(t *testing.T) {
	t.Run("ReLU", func(t *testing.T) {
		checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 3, 3, 4)
			return g.Activate("y", x, network.ReLU), func(v graphtest.Values) graphtest.Tensor { return xr(v).ReLU() }
		})
	})
	t.Run("ReLU6", func(t *testing.T) {
		checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 3, 3, 4)
			b := g.Param("b", graph.Biases, 4)
			// The sum of 8 copies reaches beyond 6.
			y := x
			for i := range 3 {
				y = g.Add(fmt.Sprint("double", i), y, y)
			}
			return g.Epilogue("y", graph.Epilogue{Terms: []graph.Term{{X: y, Bias: b}}, Activation: network.ReLU6}),
				func(v graphtest.Values) graphtest.Tensor {
					return xr(v).Map(func(x float64) float64 { return 8 * x }).Bias(v["b"]).ReLU6()
				}
		})
	})
}

// TestEpilogueGradients has everything that an epilogue can hold at once.
func TestEpilogueGradients(t *testing.T) {
	for _, a := range []network.Activation{network.Identity, network.ReLU, network.ReLU6} {
		for _, h := range []int{3, 19} { // one block and several
			checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
				const c = 4
				x, xr := lift(g, "x", h, h, c)
				s, sr := lift(g, "s", h, h, c)
				u, ur := lift(g, "u", h, h, c)
				v, vr := lift(g, "v", h, h, c)
				n1, n2, b := g.Norm("n1", c), g.Norm("n2", c), g.Param("b", graph.Biases, c)
				y := g.Epilogue("y", graph.Epilogue{Terms: []graph.Term{{X: x, Norm: n1}, {X: s, Norm: n2}, {X: u}, {X: v, Bias: b}}, Activation: a})
				return y, func(p graphtest.Values) graphtest.Tensor {
					e := float64(n1.Epsilon)
					y := xr(p).BatchNorm(p["n1.gamma"], p["n1.beta"], e).Add(sr(p).BatchNorm(p["n2.gamma"], p["n2.beta"], e)).Add(ur(p)).Add(vr(p).Bias(p["b"]))
					switch a {
					case network.ReLU:
						return y.ReLU()
					case network.ReLU6:
						return y.ReLU6()
					}
					return y
				}
			})
		}
	}
}

// TestEpilogueOfDataGradients has terms that want no gradient, first and later.
func TestEpilogueOfDataGradients(t *testing.T) {
	images := graphtest.Zeros(3, 3, 3, 2)
	rng := rand.New(rand.NewPCG(9, 10))
	for i := range images.Data {
		images.Data[i] = float64(float32(rng.NormFloat64()))
	}
	for _, first := range []bool{false, true} {
		checkOpOn(t, graph.Pass{}, images, func(g *graph.Graph, image *graph.Node, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 3, 3, 2)
			n, m := g.Norm("n", 2), g.Norm("m", 2)
			terms := []graph.Term{{X: x, Norm: n}, {X: image, Norm: m}, {X: image}}
			if first {
				terms[0], terms[1] = terms[1], terms[0]
			}
			return g.Epilogue("y", graph.Epilogue{Terms: terms, Activation: network.ReLU}), func(v graphtest.Values) graphtest.Tensor {
				y := xr(v).BatchNorm(v["n.gamma"], v["n.beta"], float64(n.Epsilon))
				return y.Add(images.BatchNorm(v["m.gamma"], v["m.beta"], float64(m.Epsilon))).Add(images).ReLU()
			}
		})
	}
}

func TestAddGradients(t *testing.T) {
	t.Run("two", func(t *testing.T) {
		checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 2, 3, 4)
			y, yr := lift(g, "y", 2, 3, 4)
			return g.Add("sum", x, y), func(v graphtest.Values) graphtest.Tensor { return xr(v).Add(yr(v)) }
		})
	})
	t.Run("with itself", func(t *testing.T) {
		checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 2, 3, 4)
			return g.Add("sum", x, x), func(v graphtest.Values) graphtest.Tensor { return xr(v).Add(xr(v)) }
		})
	})
	t.Run("many readers", func(t *testing.T) {
		checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 2, 3, 4)
			n := g.Norm("n", 4)
			y := g.Epilogue("y", graph.Epilogue{Terms: []graph.Term{{X: x, Norm: n}, {X: g.Activate("a", x, network.ReLU)}, {X: x}}})
			return g.Add("sum", y, x), func(v graphtest.Values) graphtest.Tensor {
				x := xr(v)
				return x.BatchNorm(v["n.gamma"], v["n.beta"], float64(n.Epsilon)).Add(x.ReLU()).Add(x).Add(x)
			}
		})
	})
	t.Run("shared weights", func(t *testing.T) {
		checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
			x, xr := lift(g, "x", 3, 3, 2)
			w := g.Param("w", graph.Weights, 2, 3, 3, 2)
			y := g.Conv2D("c1", x, w.Node(), geometry.Same(3, 1))
			for i := range 2 {
				y = g.Conv2D(fmt.Sprint("again", i), g.Activate(fmt.Sprint("a", i), y, network.ReLU), w.Node(), geometry.Same(3, 1))
			}
			return y, func(v graphtest.Values) graphtest.Tensor {
				y := xr(v).Conv(v["w"], 2, geometry.Same(3, 1))
				for range 2 {
					y = y.ReLU().Conv(v["w"], 2, geometry.Same(3, 1))
				}
				return y
			}
		})
	})
}

func TestConcatGradients(t *testing.T) {
	checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
		x, xr := lift(g, "x", 3, 2, 4)
		y, yr := lift(g, "y", 3, 2, 1)
		return g.Concat("joined", x, y, x), func(v graphtest.Values) graphtest.Tensor {
			a, b := xr(v), yr(v)
			z := graphtest.Zeros(a.N, a.H, a.W, 9)
			for i := range z.Data {
				pixel, c := i/9, i%9
				switch {
				case c < 4:
					z.Data[i] = a.Data[4*pixel+c]
				case c == 4:
					z.Data[i] = b.Data[pixel]
				default:
					z.Data[i] = a.Data[4*pixel+c-5]
				}
			}
			return z
		}
	})
}

func TestPoolGradients(t *testing.T) {
	for _, c := range []struct {
		name         string
		window       geometry.Window
		max, counted bool
	}{
		{"max rectangular", geometry.Window{Kernel: [2]int{2, 3}, Stride: [2]int{1, 2}, Pad: [4]int{0, 1, 1, 2}}, true, false},
		{"average of the padding too", geometry.Same(3, 2), false, true},
		{"average without the padding", geometry.Window{Kernel: [2]int{3, 2}, Stride: [2]int{2, 1}, Pad: [4]int{1, 0, 2, 1}}, false, false},
		{"max", geometry.Valid(2, 2), true, false},
		{"max overlapping", geometry.Valid(3, 2), true, false},
		{"max padded", geometry.Same(3, 2), true, false},
		{"max of gaps", geometry.Valid(2, 3), true, false},
		{"average", geometry.Valid(2, 2), false, false},
		{"average overlapping", geometry.Valid(3, 1), false, false},
		{"average global", geometry.Window{Kernel: [2]int{7, 6}, Stride: [2]int{1, 1}}, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkOp(t, func(g *graph.Graph, _ *rand.Rand) (*graph.Node, reference) {
				x, xr := lift(g, "x", 7, 6, 3)
				if c.max {
					return g.MaxPool("pool", x, c.window), func(v graphtest.Values) graphtest.Tensor { return xr(v).MaxPool(c.window) }
				}
				return g.AvgPool("pool", x, c.window, c.counted), func(v graphtest.Values) graphtest.Tensor { return xr(v).AvgPool(c.window, c.counted) }
			})
		})
	}
}

// TestDropout takes the mask from the graph itself and checks what must hold of
// it: its rate, its scale, and what it depends on.
func TestDropout(t *testing.T) {
	const h, c, rate = 20, 5, 0.3
	rng := rand.New(rand.NewPCG(3, 4))
	pool := kernel.NewPool(1)
	g := graph.New(4, pool)
	g.Input(1, 1, 1)
	x, xr := lift(g, "x", h, h, c)
	probe := graphtest.NewProbe(h*h*c, rng)
	if err := g.Finish(g.Apply("probe", probe, 1, 1, graphtest.Outputs, g.Dropout("drop", x, rate)), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	p := g.Params()[0]
	for i := range p.Value {
		p.Value[i] = 1
	}
	labels := []int32{0, 1, 2}
	feed(t, g, labels)
	masks, pass := map[string][]float32{}, graph.Pass{}
	for _, at := range []struct {
		name       string
		seed, step uint64
	}{{"another seed", 8, 0}, {"another step", 7, 1}, {"again", 7, 0}, {"", 7, 0}} {
		pass.Seed, pass.Step = at.seed, at.step
		if _, err := g.Step(pass); err != nil {
			t.Fatal(err)
		}
		masks[at.name] = append([]float32(nil), probe.Seen...)
	}
	mask := masks[""]
	var dropped int
	for i, v := range mask {
		switch v {
		case 0:
			dropped++
		case float32(1 / (1 - rate)):
		default:
			t.Fatalf("value %d of ones became %v", i, v)
		}
	}
	n := float64(len(mask))
	if off := float64(dropped) - rate*n; math.Abs(off) > 4*math.Sqrt(n*rate*(1-rate)) {
		t.Errorf("%d of %d values dropped at a rate of %v", dropped, len(mask), rate)
	}
	for name, m := range masks {
		var same int
		for i := range m {
			if m[i] == mask[i] {
				same++
			}
		}
		share := float64(same) / n
		if want := rate*rate + (1-rate)*(1-rate); name == "" || name == "again" {
			if share != 1 {
				t.Errorf("the same seed and step drop other values")
			}
		} else if math.Abs(share-want) > 0.05 {
			t.Errorf("%s: %v of the values have the same fate, want about %v", name, share, want)
		}
	}

	scale := graphtest.Widen(mask)
	graphtest.Gradients(t, g, pass, 100, tolerance, func(v graphtest.Values) float64 {
		y := xr(v)
		z := graphtest.Zeros(y.N, y.H, y.W, y.C)
		for i := range z.Data {
			z.Data[i] = y.Data[i] * scale[i]
		}
		return probe.Reference(z).CrossEntropy(graphtest.OneHot(labels, graphtest.Outputs), 1)
	})

	if err := g.Forward(pass.In(graph.Eval)); err != nil {
		t.Fatal(err)
	}
	for i, v := range probe.Seen {
		if v != 1 {
			t.Fatalf("evaluation made value %d of ones %v", i, v)
		}
	}
}

func TestLossGradients(t *testing.T) {
	const classes, valid = 5, 3
	labels := []int32{4, 0, 2}
	build := func(t *testing.T, loss graph.Loss) *graph.Graph {
		g := graph.New(valid+1, kernel.NewPool(1))
		g.Input(1, 1, 1)
		x := graphtest.Lift(g, "x", 1, 1, classes)
		if err := g.Finish(x, loss); err != nil {
			t.Fatal(err)
		}
		graphtest.Randomize(g.Params()[0].Value, 3, rand.New(rand.NewPCG(5, 6)))
		feed(t, g, labels)
		return g
	}
	logits := func(v graphtest.Values) graphtest.Tensor {
		return graphtest.Tensor{N: valid, H: 1, W: 1, C: classes, Data: v["x"][:valid*classes]}
	}
	hard := graphtest.OneHot(labels, classes)

	t.Run("cross entropy", func(t *testing.T) {
		graphtest.Gradients(t, build(t, graph.CrossEntropy), graph.Pass{}, 100, tolerance, func(v graphtest.Values) float64 {
			return logits(v).CrossEntropy(hard, 1)
		})
	})
	for _, c := range []struct{ weight, temperature float64 }{{0.25, 1}, {0.75, 4}, {1, 2}} {
		t.Run(fmt.Sprintf("soft targets, weight %v, temperature %v", c.weight, c.temperature), func(t *testing.T) {
			g := build(t, graph.CrossEntropy)
			pass := graph.Pass{SoftWeight: float32(c.weight), Temperature: float32(c.temperature)}
			teacher := graphtest.Zeros(valid, 1, 1, classes)
			rng := rand.New(rand.NewPCG(7, 8))
			for i := range teacher.Data {
				teacher.Data[i] = 2 * rng.NormFloat64()
			}
			teacher = teacher.Softmax(c.temperature)
			soft := make([]float32, len(teacher.Data))
			for i, v := range teacher.Data {
				soft[i] = float32(v)
			}
			g.FeedSoft(soft)
			target := graphtest.Widen(soft)
			graphtest.Gradients(t, g, pass, 100, tolerance, func(v graphtest.Values) float64 {
				l := c.temperature * c.temperature * logits(v).CrossEntropy(target, c.temperature)
				return (1-c.weight)*logits(v).CrossEntropy(hard, 1) + c.weight*l
			})
		})
	}
	weights, partners := []float32{0.5, 2, 1, 0, 3}, make([]int32, valid)
	for i := range partners {
		partners[i] = (labels[i]*2 + 1) % int32(classes)
	}
	mixed := graphtest.OneHot(partners, classes)
	for _, c := range []struct {
		name string
		pass graph.Pass
	}{
		{"class weights", graph.Pass{ClassWeights: weights}},
		{"smoothing", graph.Pass{Smoothing: 0.25}},
		{"partners", graph.Pass{Partners: partners, Share: 0.75}},
		{"all three", graph.Pass{ClassWeights: weights, Smoothing: 0.25, Partners: partners, Share: 0.75}},
	} {
		t.Run(c.name, func(t *testing.T) {
			target := make([]float64, len(hard))
			for i := range target {
				target[i] = hard[i]
				if c.pass.Partners != nil {
					target[i] = float64(c.pass.Share)*hard[i] + (1-float64(c.pass.Share))*mixed[i]
				}
				e := float64(c.pass.Smoothing)
				target[i] = (1-e)*target[i] + e/classes
				if c.pass.ClassWeights != nil {
					target[i] *= float64(weights[i%classes])
				}
			}
			graphtest.Gradients(t, build(t, graph.CrossEntropy), c.pass, 100, tolerance, func(v graphtest.Values) float64 {
				return logits(v).CrossEntropy(target, 1)
			})
		})
	}
	t.Run("weighted squared hinge", func(t *testing.T) {
		graphtest.Gradients(t, build(t, graph.SquaredHinge), graph.Pass{ClassWeights: weights}, 100, tolerance, func(v graphtest.Values) float64 {
			var sum float64
			for i, x := range logits(v).Data {
				m := max(0, 1-(2*hard[i]-1)*x)
				sum += float64(weights[labels[i/classes]]) * m * m
			}
			return sum / (valid * classes)
		})
	})
	t.Run("squared hinge", func(t *testing.T) {
		graphtest.Gradients(t, build(t, graph.SquaredHinge), graph.Pass{}, 100, tolerance, func(v graphtest.Values) float64 {
			var sum float64
			for i, x := range logits(v).Data {
				m := max(0, 1-(2*hard[i]-1)*x)
				sum += m * m
			}
			return sum / (valid * classes)
		})
	})
}

// TestLossOfExtremeLogits has logits whose exponentials overflow.
func TestLossOfExtremeLogits(t *testing.T) {
	g := graph.New(2, kernel.NewPool(1))
	g.Input(1, 1, 1)
	x := graphtest.Lift(g, "x", 1, 1, 2)
	if err := g.Finish(x, graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	copy(g.Params()[0].Value, []float32{1000, -1000, -3e38, 3e38})
	feed(t, g, []int32{0, 1})
	loss, err := g.Step(graph.Pass{})
	if err != nil || loss != 0 {
		t.Errorf("the loss of certain and right answers is %v, %v", loss, err)
	}
	feed(t, g, []int32{1})
	if loss, err = g.Step(graph.Pass{}); err != nil || loss != 2000 {
		t.Errorf("the loss is %v, %v, want 2000", loss, err)
	}
	if d := g.Params()[0].Grad; d[0] != 1 || d[1] != -1 {
		t.Errorf("the gradient is %v", d)
	}
}
