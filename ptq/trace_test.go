// SPDX-License-Identifier: Apache-2.0

package ptq_test

import (
	"math"
	"testing"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qat"
)

// perceptron is a network whose second derivatives can be written down.
func perceptron(t *testing.T) *layers.Network {
	t.Helper()
	pool := graph.NewPool(2)
	t.Cleanup(pool.Close)
	n, err := layers.Build(layers.Chain{layers.Linear{Name: "hidden", Channels: 20, Activation: network.ReLU}, layers.Linear{Name: "last", Channels: 3}}, layers.Config{
		Input: layers.Input{Height: 12, Width: 10, Channels: 2, Params: layers.Normalized(0.5, 0.3)}, Classes: []string{"a", "b", "c"},
		Batch: 16, Pool: pool, Policy: qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, FirstLast: qat.FirstLastSame},
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestHessian compares the estimates for the last layer of a perceptron with the traces
// that its softmax p has, of loss −log p[label]: by the weights W of the layer, of input
// a, Σ pₖ(1 − pₖ)·|a|², and by a, tr(Wᵀ(diag p − ppᵀ)W), the means over the images.
func TestHessian(t *testing.T) {
	n, s := perceptron(t), images(40)
	w := n.Units[len(n.Units)-1].Weight.Value
	var weights, activations float64
	for i := range s.Len() {
		var a []float32
		p := graph.Pass{Mode: graph.Eval, Tap: func(s graph.Site) {
			if s.Name == "hidden" {
				a = append(a, s.Y...)
			}
		}}
		logits, err := n.Forward(p, s.Images[i*240:(i+1)*240], s.Labels[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		prob, total := make([]float64, 3), 0.0
		for k, v := range logits {
			prob[k] = math.Exp(float64(v))
			total += prob[k]
		}
		squares := 0.0
		for _, v := range a {
			squares += float64(v) * float64(v)
		}
		for k := range prob {
			prob[k] /= total
			weights += prob[k] * (1 - prob[k]) * squares
		}
		for j := range a {
			var mean, square float64
			for k := range prob {
				v := float64(w[k*len(a)+j])
				mean, square = mean+prob[k]*v, square+prob[k]*v*v
			}
			activations += square - mean*mean
		}
	}
	for _, c := range []struct {
		what string
		want float64
	}{{ptq.OfWeights, weights / 40 / float64(len(w))}, {ptq.OfActivations, activations / 40 / 20}} {
		ask := ptq.Trace{Layer: "last", What: c.what, Probes: 300}
		got, err := ptq.Hessian(t.Context(), n, s, ask, 7)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(got.Trace-c.want) > 4*got.StandardError || got.StandardError > 0.1*c.want {
			t.Errorf("%s: %v ± %v, want %v", c.what, got.Trace, got.StandardError, c.want)
		}
		again, err := ptq.Hessian(t.Context(), n, s, ask, 7)
		if err != nil || again != got {
			t.Errorf("%s: again %+v, %v, was %+v", c.what, again, err, got)
		}
		if other, err := ptq.Hessian(t.Context(), n, s, ask, 8); err != nil || other.Trace == got.Trace {
			t.Errorf("%s: another seed gives %+v, %v", c.what, other, err)
		}
	}
}

// TestNoise compares with the values that a pass with one quantizer shows.
func TestNoise(t *testing.T) {
	n, s := perceptron(t), images(32)
	if _, err := ptq.Quantize(t.Context(), n, s, ptq.Plan{}); err != nil {
		t.Fatal(err)
	}
	noise, err := ptq.Noise(t.Context(), n, s)
	if err != nil {
		t.Fatal(err)
	}
	values := func(quantize bool) (all []float32) {
		only := graph.Pass{Mode: graph.Eval, Quantize: quantize, Float: func(name string) bool { return name != "hidden" }, Tap: func(s graph.Site) {
			if s.Name == "hidden" {
				all = append(all, s.Y...)
			}
		}}
		for at := 0; at < 32; at += 16 {
			if _, err := n.Forward(only, s.Images[at*240:(at+16)*240], s.Labels[at:at+16]); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	want, float, quantized := 0.0, values(false), values(true)
	for i, v := range float {
		d := float64(v) - float64(quantized[i])
		want += d * d / 32
	}
	if got := noise[[2]string{"last", ptq.OfActivations}]; want == 0 || math.Abs(got-want) > 1e-6*want {
		t.Errorf("noise of activations %v, want %v", got, want)
	}
	if noise[[2]string{"last", ptq.OfWeights}] <= 0 || noise[[2]string{"hidden", ptq.OfWeights}] <= 0 {
		t.Errorf("%v", noise)
	}
}
