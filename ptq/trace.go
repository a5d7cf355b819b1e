// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"cmp"
	"context"
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/train"
)

// A Trace estimates the trace of the Hessian of a float network's mean loss, by the
// weights of one layer or by the values of its input for one image, divided by their
// number: how fast the loss rises where one of them is wrong. It is the measure of
// HAWQ-V2 (Dong et al. 2020, arXiv:1911.03852, section 3).
type Trace struct {
	Layer string  `json:"layer"`
	What  string  `json:"what"`  // weights or activations
	Trace float64 `json:"trace"` // mean of the Hessian's diagonal
	// StandardError is that of Trace over the probes.
	StandardError float64 `json:"standard_error"`
	Probes        int     `json:"probes"`
}

// The steps of the differences, in parts of the values' root mean square.
const (
	weightStep     = 0.01
	activationStep = 0.05
)

// Hessian estimates a trace by Hutchinson's method: the mean of vᵀHv over vectors v of
// random signs, which depend on the seed, the layer and the probe alone. What t has of
// Layer, What and Probes says of what. There are no second derivatives in the graph; so
//
//	vᵀHv ≈ v·(∇L(w + εv) − ∇L(w − εv)) / 2ε      for weights,
//	vᵀHv ≈ (L(a + εv) − 2 L(a) + L(a − εv)) / ε²  for activations, of which it has no gradient,
//
// ε being a small part of the values' root mean square. Batch normalization keeps its
// running statistics. It is an error if the images cannot be read, if the network cannot be evaluated, or if ctx ends.
func Hessian(ctx context.Context, n *layers.Network, images datasets.Split, t Trace, seed uint64) (Trace, error) {
	h := hessian{n: n, images: images, u: unitOf(n, t.Layer), seed: seed}
	probe := h.weights
	if t.What == OfActivations {
		probe = h.activations
		if err := h.center(ctx); err != nil {
			return t, err
		}
	}
	var sum, squares float64
	for k := range t.Probes {
		v, err := probe(ctx, uint64(k))
		if err != nil {
			return t, err
		}
		sum += v
		squares += v * v
	}
	p := float64(t.Probes)
	t.Trace = sum / p
	t.StandardError = math.Sqrt(max(0, squares/p-t.Trace*t.Trace) / max(1, p-1))
	return t, nil
}

// hessian estimates one trace.
type hessian struct {
	n      *layers.Network
	images datasets.Split
	u      *layers.Unit
	seed   uint64
	loss   float64 // of the network as it is, for activations
	size   int     // of the activations, for one image
	step   float32
}

// signs returns the source of a probe's signs; part numbers what is drawn apart.
func (h *hessian) signs(probe, part uint64) func() float32 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(h.u.Name))
	rng := rand.New(rand.NewPCG(h.seed^f.Sum64(), probe<<32|part))
	bits, left := uint64(0), 0
	return func() float32 {
		if left == 0 {
			bits, left = rng.Uint64(), 64
		}
		s := 1 - 2*float32(bits&1)
		bits >>= 1
		left--
		return s
	}
}

// weights returns vᵀHv / len(v) of a probe of the weights.
func (h *hessian) weights(ctx context.Context, probe uint64) (float64, error) {
	w := h.u.Weight.Value
	before := append([]float32(nil), w...)
	defer copy(w, before)
	step := float32(weightStep) * rootMeanSquare(w)
	if step == 0 {
		return 0, nil
	}
	v := make([]float32, len(w))
	sign := h.signs(probe, 0)
	for i := range v {
		v[i] = sign()
	}
	total := 0.0
	for _, side := range []float32{1, -1} {
		for i := range w {
			w[i] = before[i] + side*step*v[i]
		}
		along, err := h.slope(ctx, v)
		if err != nil {
			return 0, err
		}
		total += float64(side) * along
	}
	return total / (2 * float64(step)) / float64(len(v)), nil
}

// slope returns the derivative of the mean loss along a direction of the weights.
func (h *hessian) slope(ctx context.Context, v []float32) (float64, error) {
	sum := 0.0
	for b, err := range h.images.Batches(h.n.Graph.Batch()) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return 0, err
		}
		if _, err := h.n.Step(graph.Pass{FreezeNorm: true}, b.Images, b.Labels); err != nil {
			return 0, err
		}
		along := 0.0
		for i, g := range h.u.Weight.Grad {
			along += float64(g) * float64(v[i])
		}
		sum += along * float64(len(b.Labels))
	}
	return sum / float64(h.images.Len()), nil
}

// center measures the loss of the network as it is, and the size of the activations.
func (h *hessian) center(ctx context.Context) (err error) {
	var squares, count float64
	h.loss, err = h.lossWith(ctx, func(t graph.Site, rows, _ int) {
		h.size = len(t.Y) / rows
		for _, v := range t.Y {
			squares += float64(v) * float64(v)
		}
		count += float64(len(t.Y))
	})
	h.step = float32(activationStep * math.Sqrt(squares/max(1, count)))
	return err
}

// activations returns vᵀHv / len(v) of a probe of the activations: the mean over the
// images, each with signs of its own.
func (h *hessian) activations(ctx context.Context, probe uint64) (float64, error) {
	if h.step == 0 {
		return 0, nil
	}
	total := -2 * h.loss
	for _, side := range []float32{1, -1} {
		l, err := h.lossWith(ctx, func(t graph.Site, rows, first int) {
			for r := range rows {
				sign := h.signs(probe, uint64(first+r))
				for i := range h.size {
					t.Y[r*h.size+i] += side * h.step * sign()
				}
			}
		})
		if err != nil {
			return 0, err
		}
		total += l
	}
	return total / (float64(h.step) * float64(h.step)) / float64(h.size), nil
}

// lossWith returns the mean loss where change has seen, and maybe changed, the layer's
// input in every batch: so many rows, from image first on.
func (h *hessian) lossWith(ctx context.Context, change func(t graph.Site, rows, first int)) (float64, error) {
	name, sum := h.u.Input().Origin().Name, 0.0
	for b, err := range h.images.Batches(h.n.Graph.Batch()) {
		if err := cmp.Or(err, ctx.Err()); err != nil {
			return 0, err
		}
		p := graph.Pass{Mode: graph.Eval, Tap: func(t graph.Site) {
			if t.Name == name {
				change(t, len(b.Labels), b.First)
			}
		}}
		logits, err := h.n.Forward(p, b.Images, b.Labels)
		if err != nil {
			return 0, err
		}
		sum += train.CrossEntropy(logits, b.Labels)
	}
	return sum / float64(h.images.Len()), nil
}

// unitOf returns the unit of a name.
func unitOf(n *layers.Network, name string) *layers.Unit {
	for _, u := range n.Units {
		if u.Name == name {
			return u
		}
	}
	return nil
}

func rootMeanSquare(x []float32) float32 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return float32(math.Sqrt(sum / float64(max(1, len(x)))))
}
