// SPDX-License-Identifier: Apache-2.0

// Package graphtest checks graphs against float64.
//
// [Gradients] compares every gradient of a graph with central differences of a
// reference: the same mathematics as a function of the parameters, written in
// float64 and in plain loops. The reference operations here share no code with
// package graph nor with its kernels.
package graphtest

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/graph"
)

// Values are the parameters of a graph, by name, in float64.
type Values map[string][]float64

// Gradients takes a step of g, by a pass, and compares loss and gradients with those of the
// reference. An error counts relative to the greatest gradient of its parameter;
// at most limit values of each parameter, evenly spread, are checked.
func Gradients(t testing.TB, g *graph.Graph, pass graph.Pass, limit int, tolerance float64, loss func(Values) float64) {
	t.Helper()
	got, err := g.Step(pass)
	if err != nil {
		t.Fatal(err)
	}
	v := Values{}
	for _, p := range g.Params() {
		v[p.Name] = Widen(p.Value)
	}
	if want := loss(v); !(math.Abs(float64(got)-want) <= tolerance*(1+math.Abs(want))) {
		t.Fatalf("the loss is %v, want %v", got, want)
	}
	for _, p := range g.Params() {
		x := v[p.Name]
		stride := (len(x) + limit - 1) / limit
		var at []int
		var want []float64
		var most float64
		for i := 0; i < len(x); i += stride {
			d := difference(&x[i], func() float64 { return loss(v) })
			at, want, most = append(at, i), append(want, d), max(most, math.Abs(d))
		}
		if most < 1e-9 {
			t.Errorf("%s: the reference does not depend on it", p.Name)
		}
		for k, i := range at {
			if got := float64(p.Grad[i]); !(math.Abs(got-want[k]) <= tolerance*most) {
				t.Errorf("%s: gradient %d is %v, want %v, off by %.1e of the greatest", p.Name, i, got, want[k], math.Abs(got-want[k])/most)
				break
			}
		}
	}
}

// difference is the central difference of f by x.
func difference(x *float64, f func() float64) float64 {
	at, h := *x, 1e-6*max(1, math.Abs(*x))
	*x = at + h
	above := f()
	*x = at - h
	below := f()
	*x = at
	return (above - below) / (2 * h)
}

// Widen returns x in float64.
func Widen(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Randomize fills x with normal numbers of a deviation.
func Randomize(x []float32, deviation float64, rng *rand.Rand) {
	for i := range x {
		x[i] = float32(deviation * rng.NormFloat64())
	}
}

// Lift makes a parameter the activation NAME, [batch, height, width, channels],
// so that gradients by an op's input can be checked like any other.
func Lift(g *graph.Graph, name string, height, width, channels int) *graph.Node {
	p := g.Param(name, graph.Weights, g.Batch(), height, width, channels)
	return g.Apply(name+".lift", lift(height*width*channels), height, width, channels, p.Node())
}

// lift is the size of an image.
type lift int

func (l lift) Forward(r *graph.Run, y []float32, x [][]float32) error {
	copy(y[:r.Batch*int(l)], x[0])
	return nil
}

func (l lift) Backward(r *graph.Run, dx [][]float32, dy []float32, _ [][]float32) error {
	clear(dx[0])
	copy(dx[0][:r.Batch*int(l)], dy)
	return nil
}

// Outputs is the number of outputs of a Probe.
const Outputs = 3

// A Probe is a fixed random linear map of each image to Outputs logits: it
// brings any op to a loss.
type Probe struct {
	matrix []float32 // [size, Outputs]
	size   int
	// Seen is a copy of the valid rows of the last input.
	Seen []float32
}

// NewProbe returns a probe of images of the given size.
func NewProbe(size int, rng *rand.Rand) *Probe {
	p := &Probe{size: size, matrix: make([]float32, size*Outputs)}
	Randomize(p.matrix, 1/math.Sqrt(float64(size)), rng)
	return p
}

// Forward implements [graph.Function].
func (p *Probe) Forward(r *graph.Run, y []float32, x [][]float32) error {
	p.Seen = append(p.Seen[:0], x[0][:r.Batch*p.size]...)
	for n := range r.Batch {
		row := x[0][n*p.size : (n+1)*p.size]
		for o := range Outputs {
			var sum float64
			for i, v := range row {
				sum += float64(v) * float64(p.matrix[i*Outputs+o])
			}
			y[n*Outputs+o] = float32(sum)
		}
	}
	return nil
}

// Backward implements [graph.Function].
func (p *Probe) Backward(r *graph.Run, dx [][]float32, dy []float32, _ [][]float32) error {
	for n := range r.Batch {
		row := dx[0][n*p.size : (n+1)*p.size]
		for i := range row {
			var sum float64
			for o := range Outputs {
				sum += float64(dy[n*Outputs+o]) * float64(p.matrix[i*Outputs+o])
			}
			row[i] = float32(sum)
		}
	}
	return nil
}

// Reference is the same map in float64.
func (p *Probe) Reference(x Tensor) Tensor {
	y := Zeros(x.N, 1, 1, Outputs)
	for n := range x.N {
		for i := range p.size {
			for o := range Outputs {
				y.Data[n*Outputs+o] += x.Data[n*p.size+i] * float64(p.matrix[i*Outputs+o])
			}
		}
	}
	return y
}
