// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"context"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
)

// Noise returns Σ (Q(x) − x)² of what a calibrated network quantizes: for every layer
// the sum over its weights, and the sum over its input for one image, their mean over
// the images; by layer and what, weights or activations. It is an error if the network cannot be evaluated, or ctx ends.
func Noise(ctx context.Context, n *layers.Network, images datasets.Split) (map[[2]string]float64, error) {
	noise := map[[2]string]float64{}
	inputs := map[string][]*layers.Unit{}
	for _, u := range weighted(n) {
		if u.Quantizer != nil {
			rounded := make([]float32, len(u.Weight.Value))
			u.Quantizer.Forward(rounded, u.Weight.Value)
			noise[[2]string{u.Name, OfWeights}] = squaredDistance(rounded, u.Weight.Value)
		}
		if in := u.Input().Origin(); in.Quantizer != nil {
			in.Quantizer.Begin(&graph.Run{Pass: graph.Pass{Quantize: true}})
			inputs[in.Name] = append(inputs[in.Name], u)
		}
	}
	err := forward(ctx, n, images, graph.Pass{}, nil, func(t graph.Site, _ int) {
		readers := inputs[t.Name]
		if len(readers) == 0 {
			return
		}
		rounded := make([]float32, len(t.Y))
		readers[0].Input().Origin().Quantizer.Forward(rounded, t.Y)
		d := squaredDistance(rounded, t.Y) / float64(images.Len())
		for _, u := range readers {
			noise[[2]string{u.Name, OfActivations}] += d
		}
	})
	return noise, err
}

func squaredDistance(x, y []float32) (sum float64) {
	for i, v := range x {
		d := float64(v) - float64(y[i])
		sum += d * d
	}
	return sum
}
