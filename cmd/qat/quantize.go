// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/goqat/goqat/calibrate"
	"github.com/goqat/goqat/internal/command"
	"github.com/goqat/goqat/internal/term"
	"github.com/goqat/goqat/quantize"
)

// quantizeFlags say how a float checkpoint is quantized without training, and with
// which images.
type quantizeFlags struct {
	data    dataFlags
	threads int
	as      quantize.Settings
}

// add adds them, but for those of addUniform.
func (f *quantizeFlags) add(c *cobra.Command) {
	addDataFlags(c, &f.data, "; default: that of the checkpoint's training")
	addThreads(c, &f.threads)
	s := &f.as
	command.OneOf(c, &s.Calibrator, "calibrator", calibrate.Default, "rule for the ranges", calibrators()...)
	command.List(c, &s.Exceptions, "layer", nil, "a `pattern=calibrator`: another rule for the layers that match, as in fc*=kl; may be repeated", command.Word)
	c.Flags().Float64Var(&s.Numbers.Percentile, "percentile", 99.99, "percent of the values that percentile does not clip")
	c.Flags().Float64Var(&s.Numbers.Deviations, "deviations", 3, "standard deviations of stddev")
	command.Images(c, &s.Images, "images", 1024, "training images to calibrate with")
	s.WeightBits, s.ActivationBits, s.FirstLast = 8, 8, "8"
	c.Flags().BoolVar(&s.Online, "online", false, "take the ranges of activations from each image, in integers; those found then only scale these")
	command.OneOf(c, &s.Granularity, "granularity", "per_channel", "scales of weights: per_channel or per_tensor", "per_channel", "per_tensor")
}

// addUniform adds the flags that give all layers one width, and say how the file packs them.
func (f *quantizeFlags) addUniform(c *cobra.Command) {
	s := &f.as
	c.Flags().IntVar(&s.WeightBits, "weight-bits", s.WeightBits, "bits of weights, 2 to 8")
	command.Within(c, &s.WeightBits, "weight-bits", 2, 8, "")
	c.Flags().IntVar(&s.ActivationBits, "activation-bits", s.ActivationBits, "bits of activations, 2 to 8")
	command.Within(c, &s.ActivationBits, "activation-bits", 2, 8, "")
	command.OneOf(c, &s.FirstLast, "first-last", s.FirstLast, "first and last layer: 8 (bits) or same (as the others)", "8", "same")
	addPacking(c, &s.Packing)
}

// settings returns what the flags say; screen shows the work.
func (f *quantizeFlags) settings(c *cobra.Command, screen *term.Screen) (*quantize.Settings, error) {
	images := f.data.images(c, screen)
	f.as.Data, f.as.Dir, f.as.Seed, f.as.Reading, f.as.Threads = images.Data, images.Dir, images.Seed, images.Reading, threadsOf(f.threads)
	if err := f.as.Check(); err != nil {
		return nil, command.Wrong(c, "%w", err)
	}
	for flag, rule := range map[string]string{"percentile": "percentile", "deviations": "stddev"} {
		if c.Flags().Changed(flag) && !f.as.Calibrates(rule) {
			return nil, command.Wrong(c, "--%s is for the calibrator %s, which no layer has", flag, rule)
		}
	}
	return &f.as, nil
}
