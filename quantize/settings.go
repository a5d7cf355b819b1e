// SPDX-License-Identifier: Apache-2.0

// Package quantize brings float checkpoints to integers without training them, from
// the file to the verified model, and measures what quantizing single layers costs.
package quantize

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/ptq"
	"github.com/goqat/goqat/qat/settings"
	"github.com/goqat/goqat/recipe"
)

// Settings say how a float checkpoint is quantized without training, and with
// which images.
type Settings struct {
	Data, Dir string // a data set and where to look for it first, "" for that of the training
	Seed      *int   // of the division of the data, nil for that of the training
	Reading   pipeline.Reading
	Threads   int // above 0

	Calibrator     string
	Numbers        calibrate.Options
	Exceptions     []string // calibrators of single layers: "pattern=calibrator"
	Images         int      // training images to calibrate with, 0 for all
	WeightBits     int
	ActivationBits int
	FirstLast      string // 8 or same
	Online         bool   // ranges of activations are taken from each image
	Granularity    string // per_channel or per_tensor
	Packing        string // of weights in the file: aligned, dense, or "" for that of the checkpoint's recipe
}

// Check says what is wrong with the settings. That is an error, nil if nothing is.
func (s *Settings) Check() error {
	for _, bits := range []int{s.WeightBits, s.ActivationBits} {
		if bits < 2 || bits > 8 {
			return fmt.Errorf("quantize: %d bits of weights and %d of activations, want 2 to 8 of each", s.WeightBits, s.ActivationBits)
		}
	}
	if s.FirstLast != "8" && s.FirstLast != "same" {
		return fmt.Errorf("quantize: first and last layer %q, want 8 (bits) or same (as the others)", s.FirstLast)
	}
	if s.Granularity != "per_channel" && s.Granularity != "per_tensor" {
		return fmt.Errorf("quantize: granularity %q, want per_channel or per_tensor", s.Granularity)
	}
	if s.Packing != "" && s.Packing != "aligned" && s.Packing != "dense" {
		return fmt.Errorf("quantize: packing %q of weights, want aligned or dense", s.Packing)
	}
	_, err := s.plan()
	return err
}

// CheckRepairs says which repair there is not. That is an error, nil if there are all.
func CheckRepairs(names []string) error {
	if slices.Equal(names, []string{All}) {
		return nil
	}
	for _, name := range names {
		if !slices.Contains(ptq.Repairs(), name) {
			if name == All {
				return fmt.Errorf("quantize: repair %q is all of them; name it alone", All)
			}
			return fmt.Errorf("quantize: there is no repair %q; choose from %s, or %s", name, strings.Join(ptq.Repairs(), ", "), All)
		}
	}
	return nil
}

// plan returns the ranges' part of the settings.
func (s *Settings) plan() (ptq.Plan, error) {
	var p ptq.Plan
	switch n := s.Numbers; {
	case !(n.Percentile > 0 && n.Percentile <= 100):
		return p, fmt.Errorf("quantize: percentile %v, want one above 0 and up to 100", n.Percentile)
	case !(n.Deviations > 0) || math.IsInf(n.Deviations, 0):
		return p, fmt.Errorf("quantize: deviations %v, want a finite number above 0", n.Deviations)
	case s.Images < 0:
		return p, fmt.Errorf("quantize: %d images to calibrate with, want 1 or more, or 0 for all", s.Images)
	}
	p.Rule, p.Numbers = s.Calibrator, s.Numbers
	names := []string{s.Calibrator}
	for _, e := range s.Exceptions {
		match, rule, ok := strings.Cut(e, "=")
		if !ok {
			return p, fmt.Errorf("quantize: layer %s: want pattern=calibrator, as in fc*=kl", e)
		}
		p.Exceptions = append(p.Exceptions, ptq.Exception{Match: match, Rule: rule})
		names = append(names, rule)
	}
	for _, name := range names {
		if _, err := calibrate.Lookup(name); err != nil {
			return p, err
		}
	}
	return p, nil
}

// Calibrates says whether a calibrator finds the ranges of some layers.
func (s *Settings) Calibrates(rule string) bool {
	return s.Calibrator == rule || slices.ContainsFunc(s.Exceptions, func(e string) bool { return strings.HasSuffix(e, "="+rule) })
}

// recipe returns the quantization of a network: method int, with the ranges that are
// found.
func (s *Settings) recipe() recipe.QAT {
	q := recipe.Default().QAT
	q.Method, q.Weights, q.WeightBits, q.ActivationBits = "int", "", s.WeightBits, s.ActivationBits
	q.Packing = s.Packing
	q.FirstLast, q.Granularity, q.All.Int = s.FirstLast, s.Granularity, settings.Int{FixedRanges: true}
	if s.Online {
		q.Ranges = "online"
	}
	return q
}
