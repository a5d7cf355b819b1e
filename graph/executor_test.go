// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/graph/graphtest"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// TestExecutorAgreesWithTapeMachine trains two copies of a network, one on each
// machine, to the same bits.
func TestExecutorAgreesWithTapeMachine(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	for name, quantized := range kinds {
		ours, theirs := residual(t, 6, pool, quantized), residual(t, 6, pool, quantized)
		if n := ours.Followed(); n != 5 {
			t.Errorf("%s: moments of %d convolutions are taken as they store, want those of c0, c1, c2, s2 and c3", name, n)
		}
		expr, loss, grads := theirs.Expr()
		tape := G.NewTapeMachine(expr)
		for step := range uint64(5) {
			count := 6 - int(step)%3
			for _, n := range []*subject{ours, theirs} {
				n.pass.Observe = true
				n.pass.Quantize = quantized && step != 2
				n.pass.Float = func(name string) bool { return step == 3 && name == "a3" }
			}
			ours.batch(t, step, count)
			theirs.batch(t, step, count)
			got := ours.step(t)

			theirs.SetPass(theirs.pass.In(graph.Train))
			if err := tape.RunAll(); err != nil {
				t.Fatal(err)
			}
			if want := float32(*loss.Value().(*G.F32)); got != want {
				t.Errorf("%s: step %d: loss %v, want %v", name, step, got, want)
			}
			for i, p := range theirs.Params() {
				p.Grad = slices.Clone(grads[i].Value().(*tensor.Dense).Float32s())
			}
			sameBits(t, name+": gradients", ours.gradients(), theirs.gradients())
			ours.descend(0.1)
			theirs.descend(0.1)
			sameBits(t, name+": state", ours.state(), theirs.state())
			tape.Reset()
		}
		if err := tape.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestSharedMemory has little of it, and a step does not read what an earlier run
// left there. Gradients and loss stay when the graph runs forward.
func TestSharedMemory(t *testing.T) {
	pool := kernel.NewPool(1)
	for name, quantized := range kinds {
		clean, dirty := residual(t, 6, pool, quantized), residual(t, 6, pool, quantized)
		arena, all := dirty.Arena()
		if 10*len(arena) > 7*all {
			t.Errorf("%s: an arena of %d for values of %d", name, len(arena), all)
		}
		for step := range uint64(3) {
			for i := range arena {
				arena[i] = float32(math.NaN())
			}
			var loss [2]float32
			for k, n := range []*subject{clean, dirty} {
				n.batch(t, step, 6-int(step))
				loss[k] = n.step(t)
			}
			if err := dirty.Forward(dirty.pass.In(graph.Eval)); err != nil {
				t.Fatal(err)
			}
			if loss[0] != loss[1] {
				t.Errorf("%s: step %d: the loss is %v, want %v", name, step, loss[1], loss[0])
			}
			sameBits(t, name+": gradients", dirty.gradients(), clean.gradients())
			clean.descend(0.1)
			dirty.descend(0.1)
		}
	}
}

// TestExecutorRunsOnlyWhatIsNeeded has an op that no output depends on.
func TestExecutorRunsOnlyWhatIsNeeded(t *testing.T) {
	g := graph.New(2, kernel.NewPool(1))
	x := g.Input(1, 1, 3)
	var aside, forward int
	g.Apply("aside", &counter{runs: &aside}, 1, 1, 3, x)
	w := g.Param("w", graph.Weights, 2, 3)
	y := g.Apply("forward", &counter{runs: &forward}, 1, 1, 3, x)
	if err := g.Finish(g.Linear("fc", y, w.Node()), graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	feed(t, g, []int32{0})
	if _, err := g.Step(graph.Pass{}); err != nil {
		t.Fatal(err)
	}
	if err := g.Forward(graph.Pass{Mode: graph.Eval}); err != nil {
		t.Fatal(err)
	}
	if aside != 0 || forward != 2 {
		t.Errorf("%d runs of an op without readers, %d of one with", aside, forward)
	}
}

// counter counts the runs of an identity, and fails or panics in the next.
type counter struct {
	runs  *int
	err   error
	panic any
}

func (c *counter) Forward(_ *graph.Run, y []float32, x [][]float32) error {
	if c.panic != nil {
		panic(c.panic)
	}
	*c.runs++
	copy(y, x[0])
	return c.err
}

func (c *counter) Backward(_ *graph.Run, dx [][]float32, dy []float32, _ [][]float32) error {
	copy(dx[0], dy)
	return nil
}

// TestFailingFunctions turns errors and panics of an op into errors of the run;
// the next run is sound.
func TestFailingFunctions(t *testing.T) {
	g := graph.New(2, kernel.NewPool(1))
	var runs int
	c := &counter{runs: &runs}
	x := g.Apply("weak", c, 1, 1, 3, graphtest.Lift(g, "x", 1, 1, 3))
	g.Input(1, 1, 1)
	if err := g.Finish(x, graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	graphtest.Randomize(g.Params()[0].Value, 1, rand.New(rand.NewPCG(1, 2)))
	feed(t, g, []int32{0, 1})
	want, err := g.Step(graph.Pass{})
	if err != nil {
		t.Fatal(err)
	}
	cause := errors.New("no more")
	c.err = cause
	if _, err := g.Step(graph.Pass{}); !errors.Is(err, cause) || !strings.Contains(err.Error(), "weak") {
		t.Errorf("error %v, want one of the layer weak", err)
	}
	c.err, c.panic = nil, "out of range"
	if err := g.Forward(graph.Pass{Mode: graph.Eval}); err == nil || !strings.Contains(err.Error(), "out of range") {
		t.Errorf("error %v, want the panic's", err)
	}
	if _, err := g.Step(graph.Pass{}); err == nil || !strings.Contains(err.Error(), "out of range") {
		t.Errorf("error %v, want the panic's", err)
	}
	c.panic = nil
	if got, err := g.Step(graph.Pass{}); err != nil || got != want {
		t.Errorf("after the failures the loss is %v, %v, want %v", got, err, want)
	}
}

// TestWrongFeeds refuses labels and batches that do not fit.
func TestWrongFeeds(t *testing.T) {
	n := residual(t, 4, kernel.NewPool(1), false)
	none := func([]float32) {}
	for _, count := range []int{0, 5} {
		if err := n.Feed(make([]int32, count), none); err == nil || !strings.Contains(err.Error(), "does not fit a graph for 4") {
			t.Errorf("batch of %d: error %v", count, err)
		}
	}
	for _, label := range []int32{-1, classes} {
		if err := n.Feed([]int32{0, label}, none); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Step(n.pass); err == nil || !strings.Contains(err.Error(), "image 1 is not one of 3 classes") {
			t.Errorf("label %d: error %v", label, err)
		}
	}
}

// TestHashes finds no two nodes of a large graph alike, and refuses a graph in
// which two are.
func TestHashes(t *testing.T) {
	pool := kernel.NewPool(1)
	n := residual(t, 2, pool, true)
	expr, _, _ := n.Expr()
	seen := map[uint32]*G.Node{}
	for _, n := range expr.AllNodes() {
		if m := seen[n.Hashcode()]; m != nil {
			t.Errorf("%v and %v have one hash", m, n)
		}
		seen[n.Hashcode()] = n
	}
	if len(seen) < 100 {
		t.Fatalf("only %d nodes", len(seen))
	}

	// Two names, found by trying, that give two parameters one hash.
	const one, two = "3di0urxee327f", "13zw584ufkbj9"
	g := graph.New(2, pool)
	g.Input(1, 1, 1)
	x := g.Apply("pair", &pair{}, 1, 1, 3, g.Param(one, graph.Weights, 3).Node(), g.Param(two, graph.Weights, 3).Node())
	err := g.Finish(x, graph.CrossEntropy)
	if err == nil || !strings.Contains(err.Error(), "have one hash") || !strings.Contains(err.Error(), one) || !strings.Contains(err.Error(), two) {
		t.Errorf("%s and %s: error %v", one, two, err)
	}
}

// pair is a Function of two vectors, never run.
type pair struct{ graph.Function }

// TestBuildingErrors names the layer in every error.
func TestBuildingErrors(t *testing.T) {
	pool := kernel.NewPool(1)
	conv := func(w geometry.Window, shape ...int) func(*graph.Graph, *graph.Node) *graph.Node {
		return func(g *graph.Graph, x *graph.Node) *graph.Node {
			return g.Conv2D("layer", x, g.Param("w", graph.Weights, shape...).Node(), w)
		}
	}
	groups := func(n int) geometry.Window {
		w := geometry.Same(3, 1)
		w.Groups = n
		return w
	}
	padded := func(pad int) geometry.Window {
		return geometry.Window{Kernel: [2]int{2, 2}, Stride: [2]int{1, 1}, Pad: [4]int{pad, pad, pad, pad}}
	}
	for name, c := range map[string]struct {
		build func(*graph.Graph, *graph.Node) *graph.Node
		want  string
	}{
		"weights of other channels": {conv(geometry.Same(3, 1), 4, 3, 3, 5), "layer: weights [4 3 3 5]"},
		"kernel too large":          {conv(geometry.Valid(9, 1), 4, 9, 9, 4), "layer: weights [4 9 9 4] in 1 groups by a 9×9 window"},
		"no kernel":                 {conv(geometry.Valid(0, 1), 4), "layer"},
		"stride 0":                  {conv(geometry.Valid(3, 0), 4, 3, 3, 4), "layer"},
		"stride negative":           {conv(geometry.Valid(3, -1), 4, 3, 3, 4), "layer"},
		"negative padding":          {conv(padded(-1), 4, 2, 2, 4), "layer: kernel: convolution: padding is -1"},
		"groups of inputs":          {conv(groups(3), 6, 3, 3, 1), "layer: weights [6 3 3 1] in 3 groups"},
		"groups of outputs":         {conv(groups(2), 3, 3, 3, 2), "layer: weights [3 3 3 2] in 2 groups"},
		"more groups than channels": {conv(groups(8), 8, 3, 3, 1), "layer"},
		"huge image":                {conv(padded(1<<13), 4, 2, 2, 4), "layer: kernel: convolution: an image"},
		"shape of no size":          {conv(geometry.Same(3, 1), 0, 3, 3, 4), "w has the shape [0 3 3 4]"},
		"linear of an image": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			return g.Linear("layer", x, g.Param("w", graph.Weights, 3, 196).Node())
		}, "layer: the input of a linear layer is 7×7×4"},
		"name twice": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			return g.Activate("layer", g.Activate("layer", x, network.ReLU), network.ReLU)
		}, `"layer" is empty or used twice`},
		"name of a parameter": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			g.Param("layer", graph.Weights, 3)
			return g.Activate("layer", x, network.ReLU)
		}, `"layer" is empty or used twice`},
		"no name": {func(g *graph.Graph, x *graph.Node) *graph.Node { return g.Flatten("", x) }, `"" is empty`},
		"unequal sum": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			return g.Add("layer", x, g.MaxPool("pool", x, geometry.Valid(2, 2)))
		}, "layer adds 3×3×4 to 7×7×4"},
		"no terms": {func(g *graph.Graph, x *graph.Node) *graph.Node { return g.Epilogue("layer", graph.Epilogue{}) }, "layer has no terms"},
		"normalization of other channels": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			return normalized(g, "layer", x, g.Norm("n", 3))
		}, "layer: a term of 4 channels"},
		"bias of other channels": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			return g.Epilogue("layer", graph.Epilogue{Terms: []graph.Term{{X: x, Bias: g.Param("b", graph.Biases, 5)}}})
		}, "layer: a term of 4 channels"},
		"normalization and bias": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			return g.Epilogue("layer", graph.Epilogue{Terms: []graph.Term{{X: x, Norm: g.Norm("n", 4), Bias: g.Param("b", graph.Biases, 4)}}})
		}, "not both"},
		"pooling too large":  {func(g *graph.Graph, x *graph.Node) *graph.Node { return g.MaxPool("layer", x, geometry.Valid(8, 1)) }, "layer: a 8×8 window"},
		"pooling of padding": {func(g *graph.Graph, x *graph.Node) *graph.Node { return g.MaxPool("layer", x, padded(2)) }, "layer: a 2×2 window"},
		"pooling of less": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			return g.MaxPool("layer", x, padded(-1))
		}, "layer: a 2×2 window"},
		"pooling of many": {func(g *graph.Graph, x *graph.Node) *graph.Node {
			return g.MaxPool("layer", x, geometry.Window{Kernel: [2]int{17, 16}, Stride: [2]int{1, 1}, Pad: [4]int{5, 5, 5, 5}})
		}, "layer: a 17×16 window has more than 256"},
		"average all padding": {func(g *graph.Graph, x *graph.Node) *graph.Node { return g.AvgPool("layer", x, padded(2), true) }, "layer: a 2×2 window"},
		"dropout of all":      {func(g *graph.Graph, x *graph.Node) *graph.Node { return g.Dropout("layer", x, 1) }, "layer: a dropout rate of 1"},
		"dropout of NaN":      {func(g *graph.Graph, x *graph.Node) *graph.Node { return g.Dropout("layer", x, math.NaN()) }, "layer: a dropout rate of NaN"},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New(2, pool)
			y := c.build(g, g.Input(7, 7, 4))
			// What follows an error is built on without further ones.
			y = g.Flatten("flat", g.MaxPool("last", g.Activate("after", y, network.ReLU), geometry.Valid(1, 1)))
			y = g.Linear("fc", y, g.Param("fc.weight", graph.Weights, 2, y.Channels).Node())
			if err := g.Finish(y, graph.CrossEntropy); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "graph: ") {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestFinishErrors(t *testing.T) {
	for name, c := range map[string]struct {
		build func(*graph.Graph) *graph.Node
		want  string
	}{
		"no input": {func(g *graph.Graph) *graph.Node { return graphtest.Lift(g, "x", 1, 1, 2) }, "there is no input"},
		"an image of no size": {func(g *graph.Graph) *graph.Node {
			x := g.Activate("a", g.Input(4, 0, 3), network.ReLU)
			return g.Flatten("flat", normalized(g, "n", g.Conv2D("c", x, g.Param("w", graph.Weights, 3, 1, 1, 3).Node(), geometry.Valid(1, 1)), g.Norm("norm", 3)))
		}, "image has the shape [2 4 0 3]"},
		"two inputs":          {func(g *graph.Graph) *graph.Node { g.Input(1, 1, 1); return g.Input(1, 1, 2) }, `"image" is empty or used twice`},
		"logits of an image":  {func(g *graph.Graph) *graph.Node { return g.Input(2, 1, 2) }, "the logits are 2×1×2"},
		"an error of a layer": {func(g *graph.Graph) *graph.Node { g.Errorf("conv1: broken"); return g.Input(1, 1, 2) }, "conv1: broken"},
		"an unused parameter": {func(g *graph.Graph) *graph.Node {
			g.Input(1, 1, 2)
			g.Param("idle", graph.Weights, 3)
			return graphtest.Lift(g, "x", 1, 1, 2)
		}, "gradients"},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New(2, kernel.NewPool(1))
			if err := g.Finish(c.build(g), graph.CrossEntropy); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	g := graph.New(0, kernel.NewPool(1))
	if err := g.Finish(graphtest.Lift(g, "x", 1, 1, 2), graph.CrossEntropy); err == nil || !strings.Contains(err.Error(), "has the shape [0 1 1 2]") {
		t.Errorf("a batch of 0: error %v", err)
	}
}
