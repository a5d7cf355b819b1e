// SPDX-License-Identifier: Apache-2.0

// Package settings has what quantization methods can be told beside bits: the keys
// of a recipe, what they mean, where they begin and what they may be. It imports
// nothing of goqat, so that recipes and methods share it.
package settings

import (
	_ "embed"
	"fmt"
	"slices"
)

// Source is this file, whose comments explain the keys.
//
//go:embed settings.go
var Source string

// All are the settings of all methods, as keys of a recipe. The method in use reads
// its own.
type All struct {
	Int `yaml:",inline"`
	LSQ `yaml:",inline"`
	TTQ `yaml:",inline"`
	INQ `yaml:",inline"`
	HGQ `yaml:",inline"`
}

// Default returns the settings where nothing else is said.
func Default() All { return All{Int{}, DefaultLSQ(), DefaultTTQ(), DefaultINQ(), DefaultHGQ()} }

// Check returns what is wrong, nothing if all is well. Each complaint begins with the
// key.
func (a All) Check() []string {
	var wrong []string
	for _, check := range []func() string{a.LSQ.Check, a.TTQ.Check, a.INQ.Check, a.HGQ.Check} {
		if w := check(); w != "" {
			wrong = append(wrong, w)
		}
	}
	return wrong
}

// Unread returns the keys of the settings that are not the default and that none of the methods
// reads, each with the method that reads it.
func (a All) Unread(methods []string) (keys, readers []string) {
	usual := Default()
	for _, s := range []struct {
		key, reader string
		given       bool
	}{
		{"fixed_ranges", "int", a.FixedRanges != usual.FixedRanges},
		{"start", "lsq", a.Start != usual.Start},
		{"threshold", "ttq", a.Threshold != usual.Threshold},
		{"steps", "inq", !slices.Equal(a.Steps, usual.Steps)},
		{"price", "hgq", a.Price != usual.Price},
	} {
		if s.given && !slices.Contains(methods, s.reader) {
			keys, readers = append(keys, s.key), append(readers, s.reader)
		}
	}
	return keys, readers
}

// Int are the settings of the method "int".
type Int struct {
	// of int: the scales of weights and the ranges of activations stay as a calibration or a
	// checkpoint gives them, and nothing follows the data
	FixedRanges bool `yaml:"fixed_ranges"`
}

// LSQ are the settings of the method "lsq".
type LSQ struct {
	// of lsq, where steps begin: mean, 2·mean|v|/√Qp as in the paper, or mse, the step with the
	// least mean squared error over the weights of a channel, or over the values of a tensor in
	// the calibration
	Start string `yaml:"start"`
}

// Where the steps of "lsq" begin.
const (
	StartMean = "mean"
	StartMSE  = "mse" // the name of the calibrator
)

// DefaultLSQ returns the start of Esser et al. 2020, section 2.1.
func DefaultLSQ() LSQ { return LSQ{Start: StartMean} }

// Check says what is wrong, "" if nothing is.
func (l LSQ) Check() string {
	if l.Start != StartMean && l.Start != StartMSE {
		return fmt.Sprintf("start is %q, must be %s or %s", l.Start, StartMean, StartMSE)
	}
	return ""
}

// TTQ are the settings of the method "ttq".
type TTQ struct {
	// of ttq: the part of the greatest weight, in [0, 1), below which a weight is 0; 0 means
	// the default
	Threshold float64 `yaml:"threshold"`
}

// DefaultTTQ returns the threshold of Zhu et al. 2017.
func DefaultTTQ() TTQ { return TTQ{Threshold: 0.05} }

// Check says what is wrong, "" if nothing is.
func (t TTQ) Check() string {
	if !(t.Threshold >= 0 && t.Threshold < 1) {
		return fmt.Sprintf("threshold is %v, must be at least 0 and below 1", t.Threshold)
	}
	return ""
}

// INQ are the settings of the method "inq".
type INQ struct {
	// of inq: rising parts of the weights, quantized after each step; the last is all of them
	Steps []float64 `yaml:"steps,flow"`
}

// DefaultINQ returns the steps of Zhou et al. 2017, section 3.1.
func DefaultINQ() INQ { return INQ{Steps: []float64{0.5, 0.75, 0.875, 1}} }

// Check says what is wrong, "" if nothing is.
func (i INQ) Check() string {
	last := 0.0
	for _, part := range i.Steps {
		if !(part > last) {
			last = -1
			break
		}
		last = part
	}
	if last != 1 {
		return fmt.Sprintf("steps are %v, must be rising fractions of which the last is 1", i.Steps)
	}
	return ""
}

// HGQ are the settings of the method "hgq".
type HGQ struct {
	// of hgq: what a million bits, of weights and of an image's activations, add to the loss,
	// above 0: the higher, the fewer bits
	Price float64 `yaml:"price"`
}

// DefaultHGQ returns a price that takes small networks to about 4 bits.
func DefaultHGQ() HGQ { return HGQ{Price: 0.1} }

// Check says what is wrong, "" if nothing is.
func (h HGQ) Check() string {
	if !(h.Price > 0 && h.Price <= 1e6) {
		return fmt.Sprintf("price is %v, must be above 0 and at most a million", h.Price)
	}
	return ""
}
