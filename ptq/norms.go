// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"context"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/layers"
)

// ReestimateNorms sets the running statistics of every batch normalization to the mean and the
// unbiased variance, over all images together, of what the quantized network gives it (Sun et al.
// 2019, "Hybrid 8-bit floating point training and inference", section 4.2; Nagel et al. 2022,
// arXiv:2203.11086, section 2.3.1). It takes the normalizations in the order of execution, each
// with those before it as they are by then. Nothing is added across images but the sums, one image
// after the other, so that the result depends neither on the batch size of the network nor on its
// threads. Images need no labels.
//
// A normalization of the image itself keeps its statistics: nothing before it is quantized. It is an error if the network
// cannot be evaluated, or ctx ends.
func ReestimateNorms(ctx context.Context, n *layers.Network, images datasets.Split, progress func(done, all int)) error {
	return inOrder(ctx, n, images, normalized(n), progress, func(u *layers.Unit, quantized channelStats) {
		if quantized.count == 0 {
			return
		}
		for c, mean := range quantized.mean() {
			u.Norm.Mean[c], u.Norm.Variance[c] = float32(mean), float32(quantized.variance(c))
		}
	})
}

// normalized returns the units of a network with a batch normalization.
func normalized(n *layers.Network) (units []*layers.Unit) {
	for _, u := range n.Units {
		if u.Norm != nil {
			units = append(units, u)
		}
	}
	return units
}
