// SPDX-License-Identifier: Apache-2.0

package ptq

import (
	"context"
	"slices"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/logits"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/train"
)

// What of a layer is quantized alone.
const (
	OfWeights     = "weights"
	OfActivations = "activations" // of its input
	OfBoth        = "both"
)

// A Sensitivity is what a network loses when one layer alone is quantized.
type Sensitivity struct {
	Layer string `json:"layer"`
	What  string `json:"what"` // weights, activations (of the layer's input) or both
	Bits  int    `json:"bits"`
	// Accuracy, its standard error and Loss (cross-entropy) are those of so many images.
	Images        int     `json:"images"`
	Accuracy      float64 `json:"accuracy"`
	StandardError float64 `json:"standard_error"`
	Loss          float64 `json:"loss"`
	// SNRdB is the signal-to-noise ratio of the logits, the float network's being
	// the signal.
	SNRdB float64 `json:"snr_db"`
}

// Layers returns what can be quantized alone in a network: each weighted layer with
// weights, and with activations where its input has a quantizer.
func Layers(n *layers.Network) (list []Sensitivity) {
	for _, u := range weighted(n) {
		weights, input := u.Quantizer != nil, u.Input().Origin().Quantizer != nil
		bits := 0
		if weights {
			bits = u.Quantizer.Bits()
			list = append(list, Sensitivity{Layer: u.Name, What: OfWeights, Bits: bits})
		}
		if input {
			list = append(list, Sensitivity{Layer: u.Name, What: OfActivations, Bits: u.Input().Origin().Quantizer.Bits()})
		}
		if weights && input {
			list = append(list, Sensitivity{Layer: u.Name, What: OfBoth, Bits: bits})
		}
	}
	return list
}

// Measure evaluates a calibrated network on images with one layer alone quantized, as
// s says; want are the float network's logits, image by image. It is an error where Logits fails.
func Measure(ctx context.Context, n *layers.Network, images datasets.Split, s Sensitivity, want []float32) (Sensitivity, error) {
	p := graph.Pass{Quantize: true, Float: func(name string) bool { return !s.quantizes(n, name) }}
	got, err := Logits(ctx, n, images, p)
	if err != nil {
		return s, err
	}
	s.Accuracy, s.Loss = Judge(got, images.Labels, len(n.Classes))
	s.On(images.Len())
	s.SNRdB = snr(want, got)
	return s, nil
}

// On says of how many images the accuracy is.
func (s *Sensitivity) On(images int) {
	s.Images, s.StandardError = images, train.StandardError(s.Accuracy, images)
}

// quantizes says whether the quantizer of a name is the one, or one of the two, that
// is on.
func (s Sensitivity) quantizes(n *layers.Network, name string) bool {
	at := slices.IndexFunc(n.Units, func(u *layers.Unit) bool { return u.Name == s.Layer })
	u := n.Units[at]
	return s.What != OfActivations && name == u.Weight.Name || s.What != OfWeights && name == u.Input().Origin().Name
}

// Judge returns accuracy and mean cross-entropy of logits.
func Judge(rows []float32, labels []int32, classes int) (accuracy, loss float64) {
	for i, label := range labels {
		if logits.Top(rows[i*classes:(i+1)*classes]) == int(label) {
			accuracy++
		}
	}
	n := float64(len(labels))
	return accuracy / n, train.CrossEntropy(rows, labels) / n
}
