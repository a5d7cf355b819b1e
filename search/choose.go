// SPDX-License-Identifier: Apache-2.0

package search

import (
	"cmp"
	"slices"
)

// losses are what is lost by the bits of a layer's weights and of a tensor.
type losses struct{ weights, tensor func(i, bits int) float64 }

// A problem asks for the bits of a ledger with the least losses.
type problem struct {
	*ledger
	losses
	prices
	// widths are the bits to choose from, of each layer's weights and of each tensor.
	widths struct{ weights, tensors [][]int }
}

// An option are bits of a tensor and of the weights of the layers that read it.
type option struct {
	Choice
	tensor  int
	weights []int
}

// choose returns the bits with the least losses within a budget in units of the prices,
// with the sum of the losses, and false if none are.
func (p *problem) choose(budget int64) (b bits, loss float64, ok bool) {
	var options [][]option
	var classes [][]Choice
	for t := range p.tensors {
		o := p.options(t)
		options = append(options, o)
		class := make([]Choice, len(o))
		for i := range o {
			class[i] = o[i].Choice
		}
		classes = append(classes, class)
	}
	chosen, ok := Solve(classes, budget)
	if !ok {
		return b, 0, false
	}
	b = bits{make([]int, len(p.layers)), make([]int, len(p.tensors))}
	for t, i := range chosen {
		o := options[t][i]
		b.tensors[t] = o.tensor
		for k, l := range p.tensors[t].layers {
			b.weights[l] = o.weights[k]
		}
		loss += o.Loss
	}
	return b, loss, true
}

// options returns the options of a tensor: bits of it together with those of the layers
// that read it, since what one of them takes may depend on the other.
func (p *problem) options(t int) (list []option) {
	for _, a := range p.widths.tensors[t] {
		part := []option{{Choice: Choice{p.prices.tensor(t, a), p.losses.tensor(t, a)}, tensor: a}}
		for _, l := range p.tensors[t].layers {
			var longer []option
			for _, o := range part {
				for _, w := range p.widths.weights[l] {
					c := Choice{o.Cost + p.prices.weights(l, w, a), o.Loss + p.losses.weights(l, w)}
					longer = append(longer, option{c, a, append(slices.Clone(o.weights), w)})
				}
			}
			part = undominated(longer)
		}
		list = append(list, part...)
	}
	return undominated(list)
}

// undominated returns the options to which no other is equal or better in both cost and
// loss, by cost.
func undominated(list []option) (best []option) {
	slices.SortStableFunc(list, func(a, b option) int {
		return cmp.Or(cmp.Compare(a.Cost, b.Cost), cmp.Compare(a.Loss, b.Loss))
	})
	for _, o := range list {
		if len(best) == 0 || o.Loss < best[len(best)-1].Loss {
			best = append(best, o)
		}
	}
	return best
}

// only returns a list of one width for each of some bits.
func only(bits []int) [][]int {
	list := make([][]int, len(bits))
	for i, b := range bits {
		list[i] = []int{b}
	}
	return list
}
