// SPDX-License-Identifier: Apache-2.0

package search

import (
	"context"
	"fmt"
	"math"

	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/quantize"
)

// The rankings: what is taken for the loss by the bits of one layer or tensor. The
// losses of several are added.
const (
	// BySNR is the noise of the logits where that alone is quantized, as a part of
	// their power: noises of independent sources add up.
	BySNR = "snr"
	// ByLoss is by how much the cross-entropy of the images rises.
	ByLoss = "loss"
	// ByHessian is ½ · the mean of the Hessian's diagonal · Σ (Q(x) − x)², the second
	// order of the loss (Dong et al. 2020, equation 8).
	ByHessian = "hessian"
)

// Rankings returns the names of the rankings.
func Rankings() []string { return []string{BySNR, ByLoss, ByHessian} }

// item is something that can be quantized alone, with its width.
type item struct {
	layer, what string
	bits        int
}

// table holds the losses of items.
type table map[item]float64

// of returns the losses of a ledger's layers and tensors; those of tensors whose bits
// are not chosen are 0.
func (t table) of(l *ledger) losses {
	return losses{
		weights: func(i, bits int) float64 { return t[item{l.layers[i].name, ptq.OfWeights, bits}] },
		tensor: func(i, bits int) float64 {
			if !l.tensors[i].chosen {
				return 0
			}
			return t[item{l.reader(i), ptq.OfActivations, bits}]
		},
	}
}

// reader returns the first layer that reads a tensor: under its name the tensor is
// measured.
func (l *ledger) reader(tensor int) string { return l.layers[l.tensors[tensor].layers[0]].name }

// items returns what is to be ranked, without widths.
func (l *ledger) items() (list []ptq.Sensitivity) {
	for _, k := range l.layers {
		list = append(list, ptq.Sensitivity{Layer: k.name, What: ptq.OfWeights})
	}
	for i, t := range l.tensors {
		if t.chosen {
			list = append(list, ptq.Sensitivity{Layer: l.reader(i), What: ptq.OfActivations})
		}
	}
	return list
}

// rank measures the losses of all items at all widths.
func rank(ctx context.Context, s *quantize.Session, l *ledger, o *Options) (table, error) {
	switch o.Ranking {
	case BySNR, ByLoss:
		return measure(ctx, s, l, o)
	case ByHessian:
		return secondOrder(ctx, s, l, o)
	}
	return nil, fmt.Errorf("search: there is no ranking %q; choose one of %v", o.Ranking, Rankings())
}

// measure quantizes each item alone.
func measure(ctx context.Context, s *quantize.Session, l *ledger, o *Options) (table, error) {
	wanted := map[item]bool{}
	for _, i := range l.items() {
		wanted[item{i.Layer, i.What, 0}] = true
	}
	losses := table{}
	for _, b := range o.Widths {
		list, err := s.Width(ctx, b, func(m ptq.Sensitivity) bool { return wanted[item{m.Layer, m.What, 0}] })
		if err != nil {
			return nil, err
		}
		for _, m := range list {
			loss := math.Pow(10, -m.SNRdB/10)
			if o.Ranking == ByLoss {
				loss = max(0, m.Loss-s.Float.Loss)
			}
			losses[item{m.Layer, m.What, b}] = loss
		}
	}
	return losses, nil
}

// secondOrder takes the loss for its second order.
func secondOrder(ctx context.Context, s *quantize.Session, l *ledger, o *Options) (table, error) {
	traces, err := s.Traces(ctx, l.items(), o.Probes, uint64(s.Restored.Recipe.Seed))
	if err != nil {
		return nil, err
	}
	losses := table{}
	for _, b := range o.Widths {
		noise, err := s.Noise(ctx, b)
		if err != nil {
			return nil, err
		}
		for _, t := range traces {
			losses[item{t.Layer, t.What, b}] = max(0, t.Trace) * noise[[2]string{t.Layer, t.What}] / 2
		}
	}
	return losses, nil
}
