// SPDX-License-Identifier: Apache-2.0

package search

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/energy"
	"github.com/goqat/goqat/qmodel"
)

// A Budget is the most that a network may take of one thing.
type Budget struct {
	Of   string  `json:"of"` // one of Budgets
	Most float64 `json:"most"`
}

// What there are budgets of.
const (
	Bytes  = "bytes"  // of the file
	BitOps = "bitops" // multiply-accumulates of an image, times the bits of both operands
	Energy = "energy" // microjoules of an image, by package energy
	Bits   = "bits"   // mean, over all weights and over all values of quantized tensors
)

// Budgets returns the names of what there are budgets of.
func Budgets() []string { return []string{Bytes, BitOps, Energy, Bits} }

// ParseBudget reads a budget as in "bytes=40000".
func ParseBudget(s string) (Budget, error) {
	of, most, _ := strings.Cut(s, "=")
	n, err := strconv.ParseFloat(most, 64)
	if err != nil || !(n > 0) || math.IsInf(n, 0) || !slices.Contains(Budgets(), of) {
		return Budget{}, fmt.Errorf("search: the budget %q is none; want %s=N, with N above 0", s, strings.Join(Budgets(), "=N, "))
	}
	return Budget{of, n}, nil
}

// narrows says whether the budget counts the bits of activations.
func (b Budget) narrows() bool { return b.Of != Bytes }

// A prices says what bits take of a budget, in units of its own.
type prices struct {
	weights func(layer, weights, input int) int64
	tensor  func(tensor, bits int) int64
	unit    float64 // of the budget, for each of them
}

// The prices of what a budget does not count.
func freeWeights(int, int, int) int64 { return 0 }
func freeTensor(int, int) int64       { return 0 }

// bytePrices are those of the file, of whose numbers only weights depend on the bits.
func (l *ledger) bytePrices() prices {
	return prices{func(i, w, _ int) int64 {
		weights := *l.layers[i].form
		if weights.Bits = w; l.packing == qmodel.Dense {
			return int64(weights.Densest().Bytes())
		}
		return int64(weights.Bytes())
	}, freeTensor, 1}
}

func (l *ledger) bitOpPrices() prices {
	return prices{func(i, w, a int) int64 { return l.layers[i].macs * int64(w*a) }, freeTensor, 1}
}

// energyPrices are those of memories that hold so much, in femtojoules, rounded up.
func (l *ledger) energyPrices(h energy.Held) prices {
	of := func(e energy.Layer) int64 {
		return int64(math.Ceil(1000 * energy.IntegersIn([]energy.Layer{e}, h)[0].Total()))
	}
	moved := make([]int64, len(l.tensors))
	for _, e := range l.work {
		for _, m := range e.moves {
			moved[m.tensor] += m.values
		}
	}
	return prices{
		weights: func(i, w, a int) int64 {
			n := int64(l.layers[i].weights)
			return of(energy.Layer{MACs: l.layers[i].macs, WeightBits: w, InputBits: a, Weights: energy.Numbers{Values: n, Bits: n * int64(w)}})
		},
		tensor: func(t, bits int) int64 {
			return of(energy.Layer{Activations: energy.Numbers{Values: moved[t], Bits: moved[t] * int64(bits)}})
		},
		unit: 1e-9, // microjoules
	}
}

// rest returns the energy that no bits change, in femtojoules: additions.
func (l *ledger) rest() int64 {
	adds := energy.Layer{}
	for _, e := range l.work {
		adds.Adds += e.Adds
	}
	return int64(math.Ceil(1000 * energy.Integers([]energy.Layer{adds})[0].Total()))
}

// memories returns what the memories may hold: each size for weights with each for
// activations, and more than any.
func memories() (list []energy.Held) {
	sizes := append(energy.Memories(), math.MaxInt64)
	for _, w := range sizes {
		for _, a := range sizes {
			list = append(list, energy.Held{Weights: w, Activations: a})
		}
	}
	return list
}

// energy returns microjoules of an image.
func (l *ledger) energy(b bits) (sum float64) {
	for _, e := range energy.Integers(l.of(b)) {
		sum += 1e-6 * e.Total()
	}
	return sum
}

// means returns the mean bits of the weights, and of the values of the tensors that are
// quantized, but for the image.
func (l *ledger) means(b bits) (weights, tensors float64) {
	var values, total float64
	for i, k := range l.layers {
		weights += float64(k.weights * b.weights[i])
		values += float64(k.weights)
	}
	weights /= values
	values = 0
	for i, t := range l.tensors {
		if !t.fixed {
			total += float64(t.values * int64(b.tensors[i]))
			values += float64(t.values)
		}
	}
	return weights, total / max(1, values)
}
