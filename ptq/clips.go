// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"context"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
)

// FitRanges narrows or widens the ranges of tensors, one after the other in the order of
// execution, as long as that brings the logits nearer to the float network's, want
// being those of images: what is lost by clipping and by rounding is weighed where it
// counts (Nahshan et al. 2019, arXiv:1911.07190, who take the loss of labels). Both
// ends of a range move by one factor. The tensors are given their new ranges.
func FitRanges(ctx context.Context, n *layers.Network, images datasets.Split, want []float32, tensors []Tensor, progress func(done, all int)) error {
	distance := func() (float64, error) {
		got, err := Logits(ctx, n, images, graph.Pass{Quantize: true})
		return squaredDistance(got, want), err
	}
	least, err := distance()
	if err != nil {
		return err
	}
	ranged := map[string]qat.Ranged{}
	for _, u := range n.Units {
		if q, ok := u.Output.Quantizer.(qat.Ranged); ok {
			ranged[u.Name] = q
		}
	}
	for round, step := range clipSteps {
		for i := range tensors {
			t := &tensors[i]
			set := func(factor float64) { ranged[t.Name].SetRange(float32(factor*t.Lo), float32(factor*t.Hi)) }
			best := 1.0
			for _, s := range []float64{1 / step, step} {
				for f := s; best == 1 || best == f/s; f *= s {
					set(f)
					d, err := distance()
					if err != nil {
						return err
					}
					if d >= least {
						break
					}
					best, least = f, d
				}
				if best != 1 {
					break
				}
			}
			set(best)
			t.Lo, t.Hi = best*t.Lo, best*t.Hi
			if progress != nil {
				progress(round*len(tensors)+i+1, len(clipSteps)*len(tensors))
			}
		}
	}
	return nil
}

// clipSteps are the factors by which ranges move, round by round.
var clipSteps = []float64{1.2, 1.1}
