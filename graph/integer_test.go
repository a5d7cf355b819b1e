// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/geometry"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/network"
)

// convolve is the integer convolution of images [n, h, w, c] by weights [out,
// k, k, c] with padding p on all sides.
func convolve(x []int64, n, h, w, c int, weights []int64, out, k, p int) (y []int64, oh, ow int) {
	oh, ow = h+2*p-k+1, w+2*p-k+1
	for at := range n * oh * ow {
		img, r, q := at/(oh*ow), at/ow%oh, at%ow
		for o := range out {
			var sum int64
			for i := range k * k * c {
				kh, kw, ch := i/(k*c), i/c%k, i%c
				if ih, iw := r+kh-p, q+kw-p; ih >= 0 && ih < h && iw >= 0 && iw < w {
					sum += weights[o*k*k*c+i] * x[((img*h+ih)*w+iw)*c+ch]
				}
			}
			y = append(y, sum)
		}
	}
	return y, oh, ow
}

// draw fills x with integers in [lo, hi], which it returns.
func draw(x []float32, lo, hi int64, rng *rand.Rand) []int64 {
	y := make([]int64, len(x))
	for i := range x {
		y[i] = lo + rng.Int64N(hi-lo+1)
		x[i] = float32(y[i])
	}
	return y
}

// requantizer draws a requantizer whose results fill its range, for sums of the
// given deviations.
func requantizer(channels int, deviation []float64, rng *rand.Rand) *fixed.Requantizer {
	r := &fixed.Requantizer{Bias: make([]int64, channels), AccBias: make([]int32, channels), Shift: make([]uint8, channels), Zero: 3, Hi: 255}
	for range deviation {
		r.M = append(r.M, make([]int64, channels))
	}
	for c := range channels {
		r.Shift[c] = uint8(20 + rng.IntN(10))
		unit := math.Exp2(float64(r.Shift[c]))
		r.Bias[c] = int64(unit * (100 + 20*rng.NormFloat64()))
		for k, d := range deviation {
			r.M[k][c] = int64(unit * 50 * rng.NormFloat64() / d)
		}
		if len(deviation) == 1 {
			r.AccBias[c] = int32(rng.IntN(200) - 100)
		}
	}
	return r
}

// TestIntegerRun compares every integer of a network with int64 arithmetic.
func TestIntegerRun(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	const valid, h, w, c, out = 3, 9, 8, 3, 70 // several blocks of the epilogues
	rng := rand.New(rand.NewPCG(1, 2))
	g := graph.New(4, pool)
	image := g.Input(h, w, c)
	w1, w2 := g.Param("w1", graph.Weights, out, 3, 3, c), g.Param("w2", graph.Weights, out, 1, 1, c)
	fc := g.Param("fc", graph.Weights, classes, out)
	one := g.Activate("one", g.Conv2D("c1", image, w1.Node(), geometry.Same(3, 1)), network.ReLU)
	two := g.Add("two", g.Conv2D("c2", image, w2.Node(), geometry.Valid(1, 1)), one)
	mean := g.Activate("mean", g.AvgPool("sum", two, geometry.Window{Kernel: [2]int{h, w}, Stride: [2]int{1, 1}}, true), network.Identity)
	logits := g.Activate("logits", g.Linear("c3", g.Flatten("flat", mean), fc.Node()), network.Identity)
	if err := g.Finish(logits, graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	v1, v2, v3 := draw(w1.Value, -127, 127, rng), draw(w2.Value, -127, 127, rng), draw(fc.Value, -127, 127, rng)
	var x []int64
	if err := g.Feed(make([]int32, valid), func(buf []float32) { x = draw(buf, -120, 135, rng) }); err != nil {
		t.Fatal(err)
	}

	if err := g.Forward(graph.Pass{Mode: graph.Integer}); err == nil || !strings.Contains(err.Error(), "one: it has no integer parameters") {
		t.Errorf("without integer parameters: error %v", err)
	}
	r1, r2 := requantizer(out, []float64{30000}, rng), requantizer(out, []float64{10000, 90}, rng)
	r3, r4 := requantizer(out, []float64{6000}, rng), requantizer(classes, []float64{60000}, rng)
	r4.Lo, r4.Hi, r4.Zero = math.MinInt32, math.MaxInt32, 0
	one.SetInteger(r1)
	two.SetInteger(r2)
	mean.SetInteger(r3)
	logits.SetInteger(r4)

	sites, memory := map[string]graph.Site{}, map[*int32]bool{}
	tap := func(s graph.Site) {
		if s.Codes != nil {
			memory[&s.Codes[0]] = true
		}
		s.Y, s.Codes = append([]float32(nil), s.Y...), append([]int32(nil), s.Codes...)
		sites[s.Name] = s
	}
	if err := g.Forward(graph.Pass{Mode: graph.Integer, Tap: tap}); err != nil {
		t.Fatal(err)
	}
	if len(memory) != 1 {
		t.Errorf("the codes of the epilogues are in %d memories", len(memory))
	}
	// apply requantizes sums and returns q - zero.
	apply := func(name string, r *fixed.Requantizer, terms ...[]int64) []int64 {
		t.Helper()
		s := sites[name]
		if len(s.Codes) != len(terms[0]) || len(s.Y) != len(s.Codes) {
			t.Fatalf("%s: %d codes, %d values, want %d", name, len(s.Codes), len(s.Y), len(terms[0]))
		}
		y := make([]int64, len(terms[0]))
		seen := map[int32]bool{}
		for i := range y {
			acc := make([]int64, len(terms))
			for k := range terms {
				acc[k] = terms[k][i]
			}
			q := r.Apply(i%len(r.Shift), acc...)
			if s.Codes[i] != q || s.Y[i] != float32(q-r.Zero) {
				t.Fatalf("%s: value %d is %d (%v), want %d", name, i, s.Codes[i], s.Y[i], q)
			}
			y[i] = int64(q - r.Zero)
			seen[q] = true
		}
		if len(seen) < 3 {
			t.Errorf("%s: only %d different codes", name, len(seen))
		}
		return y
	}
	a1, _, _ := convolve(x, valid, h, w, c, v1, out, 3, 1)
	a2, _, _ := convolve(x, valid, h, w, c, v2, out, 1, 0)
	y2 := apply("two", r2, a2, apply("one", r1, a1))
	sums := make([]int64, valid*out)
	for i, v := range y2 {
		sums[i/(h*w*out)*out+i%out] += v
	}
	a3, _, _ := convolve(apply("mean", r3, sums), valid, 1, 1, out, v3, classes, 1, 0)
	apply("logits", r4, a3)
}

// TestIntegerWideAccumulators has sums that float32 cannot hold, as one term of
// two and alone, then again sums that it can.
func TestIntegerWideAccumulators(t *testing.T) {
	const in = 1031
	rng := rand.New(rand.NewPCG(3, 4))
	g := graph.New(2, kernel.NewPool(1))
	image := g.Input(1, 1, in)
	w, v := g.Param("w", graph.Weights, 2, in), g.Param("v", graph.Weights, 2, in)
	y := g.Add("y", g.Linear("cw", image, w.Node()), g.Linear("cv", image, v.Node()))
	if err := g.Finish(y, graph.CrossEntropy); err != nil {
		t.Fatal(err)
	}
	r := &fixed.Requantizer{M: [][]int64{{1, 1}, {1, 1}}, Bias: make([]int64, 2), AccBias: []int32{7, -9}, Shift: make([]uint8, 2), Lo: math.MinInt32, Hi: math.MaxInt32}
	y.SetInteger(r)
	ws, vs := draw(w.Value, 100, 127, rng), draw(v.Value, -1, 1, rng)
	for _, most := range []int64{255, 1} {
		var x []int64
		if err := g.Feed(make([]int32, 1), func(buf []float32) { x = draw(buf, most-most/20, most, rng) }); err != nil {
			t.Fatal(err)
		}
		a, _, _ := convolve(x, 1, 1, 1, in, ws, 2, 1, 0)
		b, _, _ := convolve(x, 1, 1, 1, in, vs, 2, 1, 0)
		beyond := false
		tap := func(s graph.Site) {
			want := map[string][]int64{"cw": a, "cv": b}[s.Name]
			for i, wide := range s.Wide {
				beyond = beyond || int64(float32(want[i])) != want[i]
				if int64(wide) != want[i] {
					t.Errorf("%s: accumulator %d is %v, want %d", s.Name, i, wide, want[i])
				}
			}
			if isWide := s.Name == "cw" && most == 255; isWide != (s.Wide != nil) && s.Name != "y" {
				t.Errorf("%s: wide accumulators %v for inputs up to %d", s.Name, s.Wide != nil, most)
			}
			for i, q := range s.Codes {
				if int64(q) != a[i]+b[i]+int64(r.AccBias[i]) {
					t.Errorf("sum %d is %d, want %d", i, q, a[i]+b[i]+int64(r.AccBias[i]))
				}
			}
		}
		if err := g.Forward(graph.Pass{Mode: graph.Integer, Tap: tap}); err != nil {
			t.Fatal(err)
		}
		if beyond != (most == 255) {
			t.Errorf("inputs up to %d: an accumulator beyond float32 is %v", most, beyond)
		}
	}
}
