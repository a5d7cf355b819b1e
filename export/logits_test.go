// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"math/rand/v2"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// TestLogitsOfWeakNetworksAreNoTies has last layers that say little: their weights
// and inputs are all but dead, and small biases decide. Rounded to whole steps of
// an accumulator they would be ties, which the first class wins; so the integers
// must find the class that the fake-quantized pass finds.
func TestLogitsOfWeakNetworksAreNoTies(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	pool := graph.NewPool(1)
	defer pool.Close()
	for range 20 {
		n, err := layers.Build(layers.Chain{
			layers.Linear{Channels: 8, Activation: network.ReLU}, layers.Linear{Channels: 5},
		}, layers.Config{
			Input: layers.Input{Height: 2, Width: 2, Channels: 1, Params: layers.Normalized(0.5, 0.3)}, Classes: []string{"a", "b", "c", "d", "e"},
			Batch: 50, Pool: pool, Policy: qat.Policy{Method: qat.PACT{}, WeightBits: 4, ActivationBits: 4},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range n.Units {
			if !u.Kind.Weighted() {
				continue
			}
			for i := range u.Weight.Value {
				u.Weight.Value[i] = 1e-3 * float32(rng.NormFloat64())
			}
		}
		last := n.Units[len(n.Units)-1]
		for c := range last.Bias.Value {
			last.Bias.Value[c] = 1e-4 * float32(rng.NormFloat64())
		}
		n.Start()
		images := datasets.Split{Images: make([]uint8, 50*4), Labels: make([]int32, 50)}
		for i := range images.Images {
			images.Images[i] = uint8(rng.Uint32())
		}
		v, err := verify(t, n, images)
		if err != nil {
			t.Fatal(err)
		}
		if v.IntegerMismatches != 0 || v.FakequantTop1Agreement < 0.99 {
			t.Errorf("%+v", v)
		}
	}
}
