// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"errors"
	"fmt"
	"strings"
)

// A Calibrator follows the values of one tensor, and says which range its codes
// should cover. A calibrator of weights is given the weights of a channel, or of
// a layer, as one image.
type Calibrator interface {
	// Image takes in the values that the tensor has for one image.
	Image(x []float32)
	// Range returns the range for the codes of a grid. It contains 0; for a
	// symmetric grid it is [−t, t]. It reaches beyond the values seen only where
	// "mse" finds that the codes fall better. It is empty, [0, 0], for a tensor
	// that is 0 throughout.
	Range(g Grid) (Range, error)
}

// A Range is an interval of real numbers with 0 in it.
type Range struct{ Lo, Hi float64 }

// A Rule is a calibrator by its name.
type Rule struct {
	Name  string
	Paper string // where the rule is from, or what it does
	New   func(Options) Calibrator
}

// Options are the numbers that rules leave open; 0 means the default.
type Options struct {
	// Deviations is n of "stddev", 3 by default.
	Deviations float64
	// Percentile is the part of the values, in percent, that "percentile" does
	// not clip, 99.99 by default.
	Percentile float64
}

// Default is the name of the rule where nothing else is said: it has the least
// loss at 8 and at 4 bits (docs/results.md).
const Default = "mse"

// rules lists every calibrator.
var rules = []Rule{
	{"minmax", "the least and the greatest value", func(Options) Calibrator { return &minMax{} }},
	{"average", "the mean of each image's least and greatest value", func(Options) Calibrator { return &average{} }},
	{"stddev", "n standard deviations about the mean", func(o Options) Calibrator { return newDeviations(o.Deviations) }},
	{"percentile", "the range of 99.99 % of the values", func(o Options) Calibrator { return newPercentile(o.Percentile) }},
	{"mse", "the least mean squared error of rounding and clipping", func(Options) Calibrator { return &meanSquares{} }},
	{"kl", "Migacz 2017, 8-bit inference with TensorRT", func(Options) Calibrator { return &entropy{} }},
	{"aciq-gauss", "Banner et al. 2018, arXiv:1810.05723", func(Options) Calibrator { return &analytic{clip: gaussianClip, spread: gaussianSpread} }},
	{"aciq-laplace", "Banner et al. 2018, arXiv:1810.05723", func(Options) Calibrator { return &analytic{clip: laplaceClip, spread: laplaceSpread} }},
}

// Rules returns all calibrators, in the order of the documentation.
func Rules() []Rule { return append([]Rule(nil), rules...) }

// Lookup returns the calibrator of a name; "" means [Default]. A name that is none of Rules is an error.
func Lookup(name string) (Rule, error) {
	if name == "" {
		name = Default
	}
	var names []string
	for _, r := range rules {
		if r.Name == name {
			return r, nil
		}
		names = append(names, r.Name)
	}
	return Rule{}, fmt.Errorf("calibrate: there is no calibrator %q; choose one of %s", name, strings.Join(names, ", "))
}

// ErrNoValues is the error of a calibrator that has seen no image.
var ErrNoValues = errors.New("calibrate: no values were seen; show some images first")

// ErrNotFinite is the error of a calibrator that has seen an infinity, or what is
// not a number.
var ErrNotFinite = errors.New("calibrate: some values are not finite; the network has diverged")
