// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"context"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qat"
)

// FitRanges narrows or widens the ranges of tensors, all together and then one after the
// other in the order of execution, as long as that brings the logits nearer to the float
// network's, want being those of images: what is lost by clipping and by rounding is
// weighed where it counts (Nahshan et al. 2019, arXiv:1911.07190, who take the loss of
// labels). Both ends of a range move by one factor. The tensors are given their new
// ranges. It is an error where Logits fails.
func FitRanges(ctx context.Context, n *layers.Network, images datasets.Split, want []float32, tensors []Tensor, progress func(done, all int)) error {
	f := &fitting{ranged: map[string]qat.Ranged{}, distance: func() (float64, error) {
		got, err := Logits(ctx, n, images, graph.Pass{Quantize: true})
		return squaredDistance(got, want), err
	}}
	for _, u := range n.Units {
		if q, ok := u.Output.Quantizer.(qat.Ranged); ok {
			f.ranged[u.Name] = q
		}
	}
	var err error
	if f.least, err = f.distance(); err != nil {
		return err
	}
	for round, step := range clipSteps {
		for i := range len(tensors) + 1 {
			part := tensors
			if i > 0 {
				part = tensors[i-1 : i]
			}
			if err := f.move(part, step); err != nil {
				return err
			}
			if progress != nil {
				progress(round*(len(tensors)+1)+i+1, len(clipSteps)*(len(tensors)+1))
			}
		}
	}
	return nil
}

// clipSteps are the factors by which ranges move, round by round.
var clipSteps = []float64{1.2, 1.1}

// fitting is a FitRanges under way.
type fitting struct {
	ranged   map[string]qat.Ranged
	distance func() (float64, error)
	least    float64 // distance so far
}

// move multiplies the ranges of some tensors by a power of a factor: narrower as long as
// that gains, else wider as long as that does.
func (f *fitting) move(part []Tensor, step float64) error {
	best := 1.0
	for _, s := range []float64{1 / step, step} {
		for factor := s; best == 1 || best == factor/s; factor *= s {
			f.set(part, factor)
			d, err := f.distance()
			if err != nil {
				return err
			}
			if !(d < f.least) {
				break
			}
			best, f.least = factor, d
		}
		if best != 1 {
			break
		}
	}
	f.set(part, best)
	for i := range part {
		part[i].Lo, part[i].Hi = best*part[i].Lo, best*part[i].Hi
	}
	return nil
}

// set gives some tensors their ranges times a factor.
func (f *fitting) set(part []Tensor, factor float64) {
	for _, t := range part {
		f.ranged[t.Name].SetRange(float32(factor*t.Lo), float32(factor*t.Hi))
	}
}
