// SPDX-License-Identifier: Apache-2.0

package export_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/export"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
)

// TestOnlineNetworks exports random networks whose ranges are taken from each image, in all layers or in some, and compares
// every integer, of images of very different contrast, in every set of kernels.
func TestOnlineNetworks(t *testing.T) {
	pool := kernel.NewPool(2)
	defer pool.Close()
	methods := []qat.Method{qat.Int{}, qat.LSQ{}, qat.TTQ{}, qat.INQ{}, qat.ABC{}}
	for seed := range uint64(24) {
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), seen: map[string]bool{}}
		m, c := g.network()
		c.Pool = pool
		weights := pick(g, methods...)
		c.Policy = qat.Policy{ // the image and its quantization stay
			Method: qat.Int{}, Weights: weights, WeightBits: pick(g, weights.Info().WeightBits...), ActivationBits: pick(g, qat.Int{}.Info().ActivationBits...),
			FirstLast: c.Policy.FirstLast, PerTensor: g.IntN(4) == 0, Online: true,
		}
		offline := false
		if g.IntN(3) == 0 {
			c.Policy.Rules = []qat.Rule{{Match: "*2", Online: &offline}}
		}
		name := fmt.Sprintf("seed %d, weights of %s, w%da%d", seed, weights.Info().Name, c.Policy.WeightBits, c.Policy.ActivationBits)
		n, err := layers.Build(m, c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		g.shake(n)
		images := g.images(n, 6)
		size := len(images.Images) / images.Len()
		for i := range images.Images { // each image of less contrast than the one before, the last of none
			images.Images[i] >>= min(8, i/size*2)
		}
		g.calibrate(t, n, images)
		t.Run(name, func(t *testing.T) { checkKernels(t, n, images) })
		checkAlone(t, name, n, images)
	}
}

// checkAlone wants the training graph, too, to compute the same bits for an image alone as in a batch.
func checkAlone(t *testing.T, name string, n *layers.Network, images datasets.Split) {
	t.Helper()
	forward := func(first, end int) []float32 {
		size := len(images.Images) / images.Len()
		logits, err := n.Forward(graph.Pass{Mode: graph.Eval, Quantize: true}, images.Images[first*size:end*size], images.Labels[first:end])
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(logits)
	}
	all := forward(0, 4)
	for i := range 4 {
		if alone := forward(i, i+1); !slices.Equal(alone[:3], all[3*i:3*i+3]) {
			t.Errorf("%s: image %d has logits %v alone, %v in a batch", name, i, alone, all[3*i:3*i+3])
		}
	}
}

// TestOnlineAssignment says which tensors have ranges by image: not the image, its lookup, what a concatenation reads or
// makes, what signs are taken of.
func TestOnlineAssignment(t *testing.T) {
	traced, err := layers.Trace(fourBranches(), 7, 9, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := qat.Assign(traced, &qat.Policy{Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, FirstLast: qat.FirstLastSame, Online: true})
	if err != nil {
		t.Fatal(err)
	}
	var online, offline []string
	for name, r := range a.Tensors {
		if r.Online {
			online = append(online, name)
		} else {
			offline = append(offline, name)
		}
	}
	slices.Sort(online)
	slices.Sort(offline)
	t.Logf("online %v, offline %v", online, offline)
	if len(online) == 0 || !slices.Contains(offline, "input") {
		t.Errorf("online %v, offline %v", online, offline)
	}
	for _, o := range a.Network.Operators {
		for _, in := range o.Inputs {
			if o.Kind.Joins() && (slices.Contains(online, in.Origin().Name) || slices.Contains(online, o.Output.Name)) {
				t.Errorf("%s joins %s: online are %v", o.Name, in.Name, online)
			}
		}
	}
}

// TestOnlineRefuses names what has no online ranges.
func TestOnlineRefuses(t *testing.T) {
	pool := kernel.NewPool(1)
	defer pool.Close()
	no := false
	for want, p := range map[string]qat.Policy{
		"method pact has no online ranges":          {Method: qat.PACT{}, WeightBits: 4, ActivationBits: 4},
		"online ranges are no powers of two":        {Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, PowerOfTwo: true},
		"online ranges leave no whole biases":       {Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, WholeBiases: true},
		"layer conv2: it takes signs of sums whose": {Method: qat.Int{}, WeightBits: 4, ActivationBits: 4, Rules: []qat.Rule{{Match: "conv3", Method: qat.BNN{}, WeightBits: 1, ActivationBits: 1, Online: &no}}},
	} {
		p.Online = true
		conv := layers.Conv2D{Channels: 4, Kernel: 3, Activation: network.ReLU}
		n, err := layers.Build(layers.Chain{conv, conv, conv, layers.GlobalAvgPool{}, layers.Linear{Channels: 2}}, layers.Config{
			Name: "refused", Classes: []string{"a", "b"}, Batch: 2, Pool: pool, Policy: p,
			Input: layers.Input{Height: 9, Width: 9, Channels: 1, Params: layers.Normalized(0.4, 0.3)},
		})
		if err == nil {
			err = export.Check(n)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
