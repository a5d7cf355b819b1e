// SPDX-License-Identifier: Apache-2.0

package qat_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/ste"
)

const learning, settled = true, false

// step is a training step of batches of one image, without an optimizer.
func step(observe bool) *graph.Run {
	return &graph.Run{Pass: graph.Pass{Mode: graph.Train, Quantize: true, Observe: observe}, Batch: 1}
}

// TestHGQWidths moves widths as an optimizer could: they are used rounded, move by little
// in a step, end at 2 and at where they began, and stay when ranges do.
func TestHGQWidths(t *testing.T) {
	w := normal(100, 0.3, 1)
	q := method(t, "hgq").Weights(graph.New(1, graph.NewPool(1)), "w", qat.Options{Bits: 6}, []int{4, 25})
	q.Start(w)
	width := q.Params()[0].Value
	move := func(observe bool, by float32) {
		q.(ste.Begun).Begin(step(observe))
		width[0] += by
		q.Constrain(w)
	}
	if q.Bits() != 6 || width[0] != 6 {
		t.Fatalf("begins at %v, %d bits", width[0], q.Bits())
	}
	if move(learning, -3); width[0] != 6-1.0/32 || q.Bits() != 6 {
		t.Errorf("a step from 6 to %v", width[0])
	}
	for range 200 {
		move(learning, -3)
	}
	y, codes := make([]float32, len(w)), make([]int16, len(w))
	q.Forward(y, w)
	scale := q.Integers(codes, w)
	for i, c := range codes {
		if c < -1 || c > 1 || y[i] != float32(c)*scale[i/25] {
			t.Fatalf("code %d stands for %v of scale %v", c, y[i], scale[i/25])
		}
	}
	if width[0] != 2 || q.Bits() != 2 {
		t.Errorf("ends at %v", width[0])
	}
	for range 50 {
		move(learning, 0.03)
	}
	if width[0] < 3.4 || width[0] > 3.6 {
		t.Errorf("rose to %v", width[0])
	}
	at := q.Bits()
	if move(settled, 3); width[0] != float32(at) {
		t.Errorf("settles at %v, not %d", width[0], at)
	}
	if move(settled, float32(math.NaN())); width[0] != float32(at) {
		t.Errorf("settles at %v, not %d", width[0], at)
	}
	for range 500 {
		move(learning, 1)
	}
	if width[0] != 6 {
		t.Errorf("rose to %v", width[0])
	}
}

// TestHGQGradients has the gradients of widths in units of their price: 1 for what the
// loss does not feel, and the formula's over price and size for what it does.
func TestHGQGradients(t *testing.T) {
	const size, price = 120, 0.25
	m := qat.HGQ{Price: price}
	g := graph.New(1, graph.NewPool(1))
	x, dy, dx := normal(size, 0.4, 1), normal(size, 1, 2), make([]float32, size)

	q := m.Weights(g, "w", qat.Options{Bits: 3}, []int{2, size / 2})
	q.Start(x)
	y, codes := make([]float32, size), make([]int16, size)
	q.Forward(y, x)
	scale := q.Integers(codes, x)
	loss := 0.0
	for c, s := range scale {
		lo, hi := c*size/2, (c+1)*size/2
		_, width := (&ste.HGQ{Step: s, Least: -3, Most: 3}).Backward(dx[lo:hi], x[lo:hi], dy[lo:hi])
		loss += width
	}
	grad := [][]float32{{0}}
	q.Backward(dx, x, dy, grad)
	if want := 1 + 1e6/(price*size)*loss; math.Abs(float64(grad[0][0])-want) > 1e-5*math.Abs(want) {
		t.Errorf("weights: %v, want %v", grad[0][0], want)
	}
	q.Backward(dx, x, make([]float32, size), grad)
	if grad[0][0] != 1 {
		t.Errorf("weights without a loss: %v", grad[0][0])
	}

	// A batch of two images in three blocks.
	a := m.Activation(g, "a", qat.Options{Bits: 3, Size: size / 2})
	a.(qat.Ranged).SetRange(0, 0.5)
	r := step(learning)
	r.Batch = 2
	a.Begin(r)
	sums := make([]float64, 2)
	for lo := 0; lo < size; lo += size / 3 {
		a.Backward(dx[lo:lo+size/3], x[lo:lo+size/3], dy[lo:lo+size/3], sums)
	}
	clip, width := (&ste.HGQ{Step: a.Quantization().Scale, Most: 7}).Backward(dx, x, dy)
	if want := 1 + 1e6/(price*size/2)*width; math.Abs(sums[1]-want) > 1e-5*math.Abs(want) || math.Abs(sums[0]-clip) > 1e-5 {
		t.Errorf("activations: %v, want %v and %v", sums, clip, want)
	}
}
