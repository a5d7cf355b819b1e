// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

const classes = 3

// A subject is a graph under test with its state beside the parameters.
type subject struct {
	pass graph.Pass
	*graph.Graph
	norms      []*graph.Norm
	quantizers []*clip
}

// clip is a quantizer of 16 levels with everything that one can have: a learned
// range and an observed one.
type clip struct {
	alpha    *graph.Param
	observed [2]float32
	span     float32
	stepwise bool // it does not say that it takes the nearest step
}

func (q *clip) Params() []*graph.Param { return []*graph.Param{q.alpha} }
func (q *clip) Begin(*graph.Run)       { q.span = q.alpha.Value[0] + q.observed[1]/100 }

// Steps makes codes of the results.
func (q *clip) Steps() graph.Steps {
	return graph.Steps{Step: q.span / 15, Most: 15, Nearest: !q.stepwise}
}

func (q *clip) Forward(dst, src []float32) {
	step := q.span / 15
	for i, x := range src {
		dst[i] = step * float32(math.RoundToEven(float64(min(max(x, 0), q.span)/step)))
	}
}

func (q *clip) Backward(dx, src, dy []float32, grad []float64) {
	for i, x := range src {
		d := dy[i]
		if x > q.span {
			grad[0] += float64(d)
		}
		if !(x > 0 && x < q.span) {
			d = 0
		}
		dx[i] = d
	}
}

func (q *clip) Observe(_ *graph.Run, s graph.Stats) {
	q.observed[0] += (s.Min - q.observed[0]) / 4
	q.observed[1] += (s.Max - q.observed[1]) / 4
}

// eighths rounds weights to multiples of 1/8 in quantized runs.
type eighths struct{}

func (eighths) Forward(r *graph.Run, y []float32, x [][]float32) error {
	for i, v := range x[0] {
		y[i] = v
		if r.Quantize {
			y[i] = float32(math.RoundToEven(float64(8*v))) / 8
		}
	}
	return nil
}

// WeightSteps makes integers of the products.
func (eighths) WeightSteps(r *graph.Run) ([]float32, int) {
	if !r.Quantize {
		return nil, 0
	}
	return eighth, 127
}

var eighth = []float32{1. / 8}

func (eighths) Backward(_ *graph.Run, dx [][]float32, dy []float32, _ [][]float32) error {
	copy(dx[0], dy)
	return nil
}

// plainEighths does not say that they are multiples.
type plainEighths struct{ graph.Function }

// builder adds layers to a network.
type builder struct {
	*subject
	quantized bool
}

func (b *builder) conv(name string, x *graph.Node, out int, w geometry.Window) *graph.Node {
	p := b.Param(name+".weight", graph.Weights, out, w.Kernel[0], w.Kernel[1], x.Channels/max(1, w.Groups))
	n := p.Node()
	if b.quantized {
		var f graph.Function = eighths{}
		if name == "s2" {
			f = plainEighths{f}
		}
		n = b.ApplyParam(name+".quantize", f, p, n)
	}
	return b.Conv2D(name, x, n, w)
}

func (b *builder) norm(name string, channels int) *graph.Norm {
	n := b.Norm(name, channels)
	b.norms = append(b.norms, n)
	return n
}

func (b *builder) epilogue(name string, a network.Activation, terms ...graph.Term) *graph.Node {
	e := graph.Epilogue{Terms: terms, Activation: a}
	if b.quantized {
		q := &clip{alpha: b.Param(name+".clip", graph.Clips, 1)}
		q.alpha.Value[0] = 2
		b.quantizers = append(b.quantizers, q)
		e.Quantizer = q
	}
	return b.Epilogue(name, e)
}

// residual builds a small residual network for 6×6 images of 2 channels: a block
// whose shortcut is a convolution and one whose skip tensor has two more readers.
func residual(t testing.TB, batch int, pool *kernel.Pool, quantized bool) *subject {
	t.Helper()
	n := &subject{Graph: graph.New(batch, pool)}
	b := builder{n, quantized}
	x := n.Input(6, 6, 2)
	x = b.epilogue("a0", network.ReLU, graph.Term{X: b.conv("c0", x, 4, geometry.Same(3, 1)), Norm: b.norm("n0", 4)})

	y := b.epilogue("a1", network.ReLU, graph.Term{X: b.conv("c1", x, 6, geometry.Same(3, 2)), Norm: b.norm("n1", 6)})
	x = b.epilogue("a2", network.ReLU,
		graph.Term{X: b.conv("c2", y, 6, geometry.Same(3, 1)), Norm: b.norm("n2", 6)},
		graph.Term{X: b.conv("s2", x, 6, geometry.Valid(1, 2)), Norm: b.norm("ns", 6)})

	depthwise := geometry.Same(3, 1)
	depthwise.Groups = 6
	y = b.epilogue("a3", network.ReLU6, graph.Term{X: b.conv("c3", x, 6, depthwise), Norm: b.norm("n3", 6)})
	z := b.epilogue("a4", network.Identity, graph.Term{X: x}, graph.Term{X: y})
	x = b.epilogue("a5", network.ReLU, graph.Term{X: b.conv("c5", z, 6, geometry.Valid(1, 1)), Bias: n.Param("b5", graph.Biases, 6)}, graph.Term{X: x})

	x = n.MaxPool("maximum", x, geometry.Valid(2, 1))
	x = n.Dropout("dropout", x, 0.25)
	x = n.AvgPool("average", x, geometry.Whole(x.Height, x.Width), true)
	w := n.Param("fc.weight", graph.Weights, classes, 6)
	x = n.Epilogue("logits", graph.Epilogue{Terms: []graph.Term{{X: n.Linear("fc", n.Flatten("flat", x), w.Node()), Bias: n.Param("fc.bias", graph.Biases, classes)}}})
	if err := n.Finish(x, graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(11, 12))
	for _, p := range n.Params() {
		if p.Group == graph.Weights {
			graphtest.Randomize(p.Value, math.Sqrt(2*float64(p.Shape[0])/float64(len(p.Value))), rng)
		}
	}
	n.pass.Quantize = quantized
	return n
}

// batch feeds count random images, the same for the same key.
func (n *subject) batch(t testing.TB, key uint64, count int) {
	t.Helper()
	rng := rand.New(rand.NewPCG(key, 13))
	labels := make([]int32, count)
	for i := range labels {
		labels[i] = rng.Int32N(classes)
	}
	if err := n.Feed(labels, func(x []float32) { graphtest.Randomize(x, 1, rng) }); err != nil {
		t.Fatal(err)
	}
	n.pass.Step = key
}

// descend moves the parameters against their gradients.
func (n *subject) descend(rate float32) {
	for _, p := range n.Params() {
		for i, d := range p.Grad {
			p.Value[i] -= float32(rate * d)
		}
	}
	for _, q := range n.quantizers {
		q.alpha.Value[0] = max(0.1, q.alpha.Value[0])
	}
}

// state copies everything that lasts from run to run.
func (n *subject) state() map[string][]float32 {
	s := map[string][]float32{}
	for _, p := range n.Params() {
		s[p.Name] = slices.Clone(p.Value)
	}
	for _, m := range n.norms {
		s[m.Gamma.Name+" mean"], s[m.Gamma.Name+" variance"] = slices.Clone(m.Mean), slices.Clone(m.Variance)
	}
	for _, q := range n.quantizers {
		s[q.alpha.Name+" observed"] = slices.Clone(q.observed[:])
	}
	return s
}

// gradients copies the gradients.
func (n *subject) gradients() map[string][]float32 {
	g := map[string][]float32{}
	for _, p := range n.Params() {
		g[p.Name] = slices.Clone(p.Grad)
	}
	return g
}

// step takes a step and returns its loss.
func (n *subject) step(t testing.TB) float32 {
	t.Helper()
	loss, err := n.Step(n.pass)
	if err != nil {
		t.Fatal(err)
	}
	return loss
}

// sameBits reports the first difference of the bits.
func sameBits(t testing.TB, what string, got, want map[string][]float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d tensors, want %d", what, len(got), len(want))
	}
	for name, w := range want {
		for i := range w {
			if math.Float32bits(got[name][i]) != math.Float32bits(w[i]) {
				t.Errorf("%s: %s: value %d is %v, want %v", what, name, i, got[name][i], w[i])
				break
			}
		}
	}
}

// kinds are the networks under test: in floating point, and quantized.
var kinds = map[string]bool{"float": false, "quantized": true}

// TestNetworkGradients checks a residual network as a whole.
func TestNetworkGradients(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	n := residual(t, 5, pool, false)
	n.batch(t, 1, 4)

	// What is dropped is taken from a run on ones.
	probe := graph.New(5, pool)
	seen := graphtest.NewProbe(2*2*6, rand.New(rand.NewPCG(1, 1)))
	x := probe.Dropout("dropout", graphtest.Lift(probe, "x", 2, 2, 6), 0.25)
	probe.Input(1, 1, 1)
	if err := probe.Finish(probe.Apply("probe", seen, 1, 1, graphtest.Outputs, x), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	for i := range probe.Params()[0].Value {
		probe.Params()[0].Value[i] = 1
	}
	feed(t, probe, make([]int32, 4))
	if _, err := probe.Step(n.pass); err != nil {
		t.Fatal(err)
	}

	rng := rand.New(rand.NewPCG(1, 13)) // as batch draws
	labels := make([]int32, 4)
	for i := range labels {
		labels[i] = rng.Int32N(classes)
	}
	image := graphtest.Zeros(4, 6, 6, 2)
	for i := range image.Data {
		image.Data[i] = float64(float32(rng.NormFloat64()))
	}
	target := graphtest.OneHot(labels, classes)
	graphtest.Gradients(t, n.Graph, n.pass, 40, 1e-4, func(v graphtest.Values) float64 {
		norm := func(x graphtest.Tensor, name string) graphtest.Tensor {
			return x.BatchNorm(v[name+".gamma"], v[name+".beta"], float64(float32(1e-5)))
		}
		conv := func(x graphtest.Tensor, name string, out int, w geometry.Window) graphtest.Tensor {
			return x.Conv(v[name+".weight"], out, w)
		}
		x := norm(conv(image, "c0", 4, geometry.Same(3, 1)), "n0").ReLU()
		y := norm(conv(x, "c1", 6, geometry.Same(3, 2)), "n1").ReLU()
		x = norm(conv(y, "c2", 6, geometry.Same(3, 1)), "n2").Add(norm(conv(x, "s2", 6, geometry.Valid(1, 2)), "ns")).ReLU()
		depthwise := geometry.Same(3, 1)
		depthwise.Groups = 6
		y = norm(conv(x, "c3", 6, depthwise), "n3").ReLU6()
		x = conv(x.Add(y), "c5", 6, geometry.Valid(1, 1)).Bias(v["b5"]).Add(x).ReLU()
		x = x.MaxPool(geometry.Valid(2, 1))
		dropped := graphtest.Zeros(x.N, x.H, x.W, x.C)
		for i := range x.Data {
			dropped.Data[i] = x.Data[i] * float64(seen.Seen[i])
		}
		x = dropped.AvgPool(geometry.Valid(2, 1), true)
		return x.Flat().Linear(v["fc.weight"], classes).Bias(v["fc.bias"]).CrossEntropy(target, 1)
	})
}

// TestRunningStatistics compares the running statistics with their definition,
// also for values far from 0, whose variance must not cancel.
func TestRunningStatistics(t *testing.T) {
	for _, offset := range []float64{0, 100} {
		g := graph.New(8, kernel.NewPool(1))
		g.Input(1, 1, 1)
		x, xr := graphtest.Lift(g, "x", 12, 10, 3), graphtest.Zeros(8, 12, 10, 3)
		n := g.Norm("bn", 3)
		probe := graphtest.NewProbe(360, rand.New(rand.NewPCG(1, 2)))
		if err := g.Finish(g.Apply("probe", probe, 1, 1, graphtest.Outputs, normalized(g, "y", x, n)), graph.CrossEntropy); err != nil {
			t.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(3, 4))
		mean, variance := make([]float64, 3), []float64{1, 1, 1}
		feed(t, g, make([]int32, 8))
		for range 20 {
			for i := range g.Params()[0].Value {
				g.Params()[0].Value[i] = float32(offset + float64(1+i%3)*rng.NormFloat64())
				xr.Data[i] = float64(g.Params()[0].Value[i])
			}
			if _, err := g.Step(graph.Pass{}); err != nil {
				t.Fatal(err)
			}
			m, v := xr.Moments()
			count := float64(8 * 12 * 10)
			for c := range 3 {
				mean[c] = 0.9*mean[c] + 0.1*m[c]
				variance[c] = 0.9*variance[c] + 0.1*v[c]*count/(count-1)
			}
		}
		for c := range 3 {
			if got := float64(n.Mean[c]); math.Abs(got-mean[c]) > 1e-5*max(1, offset) {
				t.Errorf("offset %v: running mean %v, want %v", offset, got, mean[c])
			}
			if got := float64(n.Variance[c]); math.Abs(got-variance[c]) > 1e-4*variance[c] {
				t.Errorf("offset %v: running variance %v, want %v", offset, got, variance[c])
			}
		}
		before := slices.Clone(n.Mean)
		if _, err := g.Step(graph.Pass{FreezeNorm: true}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, n.Mean) {
			t.Error("frozen statistics moved")
		}
	}
}

// TestRowsBeyondTheBatch poisons all memory of the rows that are not valid.
func TestRowsBeyondTheBatch(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	nan := float32(math.NaN())
	for name, quantized := range kinds {
		clean, poisoned := residual(t, 7, pool, quantized), residual(t, 7, pool, quantized)
		small := residual(t, 3, pool, quantized)
		before := poisoned.state()
		for _, run := range []func() error{
			func() error { _, err := poisoned.Step(poisoned.pass); return err },
			func() error { return poisoned.Forward(poisoned.pass.In(graph.Eval)) },
		} {
			if err := poisoned.Feed(make([]int32, 7), func(x []float32) {
				for i := range x {
					x[i] = nan
				}
			}); err != nil {
				t.Fatal(err)
			}
			if err := run(); err != nil {
				t.Fatal(err)
			}
		}
		poisoned.restore(before)
		poisoned.FeedSoft([]float32{6*classes - 1: 0, 7*classes - 1: nan})
		for step := range uint64(3) {
			count := []int{3, 1, 2}[step]
			var losses []float32
			for _, n := range []*subject{clean, poisoned, small} {
				n.pass.Observe = true
				n.batch(t, step, count)
				losses = append(losses, n.step(t))
				n.descend(0.1)
				if err := n.Forward(n.pass.In(graph.Eval)); err != nil {
					t.Fatal(err)
				}
			}
			if losses[0] != losses[1] || losses[0] != losses[2] {
				t.Errorf("%s: losses %v of a clean, a poisoned and a small graph", name, losses)
			}
			want := clean.gradients()
			sameBits(t, name+": poisoned gradients", poisoned.gradients(), want)
			sameBits(t, name+": small graph's gradients", small.gradients(), want)
			if !slices.Equal(clean.Logits(), poisoned.Logits()) || !slices.Equal(clean.Logits(), small.Logits()) || len(clean.Logits()) != count*classes {
				t.Errorf("%s: logits %v and %v", name, clean.Logits(), poisoned.Logits())
			}
		}
		sameBits(t, name+": poisoned state", poisoned.state(), clean.state())
	}
}

func (n *subject) restore(s map[string][]float32) {
	for _, p := range n.Params() {
		copy(p.Value, s[p.Name])
	}
	for _, m := range n.norms {
		copy(m.Mean, s[m.Gamma.Name+" mean"])
		copy(m.Variance, s[m.Gamma.Name+" variance"])
	}
	for _, q := range n.quantizers {
		copy(q.observed[:], s[q.alpha.Name+" observed"])
	}
}

// TestThreads has the same bits for any number of them, over several steps.
func TestThreads(t *testing.T) {
	for name, quantized := range kinds {
		var want, wantGradients map[string][]float32
		for _, threads := range []int{1, 2, 8} {
			pool := kernel.NewPool(threads)
			n := residual(t, 40, pool, quantized)
			n.pass.Observe = true
			for step := range uint64(3) {
				n.batch(t, step, 40-int(step))
				n.step(t)
				n.descend(0.1)
			}
			pool.Close()
			if want == nil {
				want, wantGradients = n.state(), n.gradients()
				continue
			}
			sameBits(t, name+": state", n.state(), want)
			sameBits(t, name+": gradients", n.gradients(), wantGradients)
		}
	}
}

// TestEvaluationChangesNothing leaves the training's switches on.
func TestEvaluationChangesNothing(t *testing.T) {
	for name, quantized := range kinds {
		n := residual(t, 6, kernel.NewPool(1), quantized)
		n.pass.Observe = true
		for step := range uint64(2) {
			n.batch(t, step, 6)
			n.step(t)
			n.descend(0.1)
		}
		before := n.state()
		n.batch(t, 5, 6)
		if err := n.Forward(n.pass.In(graph.Eval)); err != nil {
			t.Fatal(err)
		}
		logits := slices.Clone(n.Logits())
		sameBits(t, name, n.state(), before)
		n.batch(t, 6, 2)
		if err := n.Forward(n.pass.In(graph.Eval)); err != nil {
			t.Fatal(err)
		}
		n.batch(t, 5, 6)
		n.pass.Step, n.pass.Seed = 77, 78 // nothing is random
		if err := n.Forward(n.pass.In(graph.Eval)); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(n.Logits(), logits) {
			t.Errorf("%s: one batch evaluated twice: %v and %v", name, logits, n.Logits())
		}
	}
}

func TestAllocations(t *testing.T) {
	for name, quantized := range kinds {
		for _, threads := range []int{1, 2} {
			pool := kernel.NewPool(threads)
			n := residual(t, 6, pool, quantized)
			n.pass.Observe = true
			n.batch(t, 0, 6)
			n.pass.SoftWeight = 0.5
			if a := testing.AllocsPerRun(20, func() { n.step(t) }); a != 0 {
				t.Errorf("%s, %d threads: %v allocations in a step", name, threads, a)
			}
			forward := func() {
				if err := n.Forward(n.pass.In(graph.Eval)); err != nil {
					t.Fatal(err)
				}
				n.Logits()
			}
			if a := testing.AllocsPerRun(20, forward); a != 0 {
				t.Errorf("%s, %d threads: %v allocations in an evaluation", name, threads, a)
			}
			labels, fill := []int32{0, 1}, func(x []float32) { clear(x) }
			if a := testing.AllocsPerRun(20, func() { n.Feed(labels, fill) }); a != 0 {
				t.Errorf("%s, %d threads: %v allocations to feed", name, threads, a)
			}
			pool.Close()
		}
	}
}

// TestSiteOrder sees every site of an evaluation once, in order, and none of a
// training step.
func TestSiteOrder(t *testing.T) {
	n := residual(t, 4, kernel.NewPool(1), false)
	n.batch(t, 0, 3)
	var names []string
	n.pass.Tap = func(s graph.Site) {
		names = append(names, s.Name)
		if len(s.Y)%3 != 0 || s.Codes != nil || s.Wide != nil {
			t.Errorf("%s: %d values for 3 images, codes %v, wide %v", s.Name, len(s.Y), s.Codes != nil, s.Wide != nil)
		}
	}
	n.step(t)
	if names != nil {
		t.Errorf("a training step showed %v", names)
	}
	if err := n.Forward(n.pass.In(graph.Eval)); err != nil {
		t.Fatal(err)
	}
	want := []string{"c0", "a0", "c1", "a1", "s2", "c2", "a2", "c3", "a3", "a4", "c5", "a5", "maximum", "flat", "fc", "logits"}
	slices.Sort(want)
	got := slices.Clone(names)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("sites %v, want %v", got, want)
	}
	for i, pair := range [][2]string{{"c0", "a0"}, {"a0", "c1"}, {"a1", "c2"}, {"s2", "a2"}, {"c2", "a2"}, {"a5", "maximum"}, {"fc", "logits"}} {
		if slices.Index(names, pair[0]) > slices.Index(names, pair[1]) {
			t.Errorf("pair %d: %s before %s in %v", i, pair[1], pair[0], names)
		}
	}
}
