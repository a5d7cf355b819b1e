// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"slices"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/layers"
)

const (
	// constantShare is the share of a class's images from which on their showing
	// nothing is a finding.
	constantShare = 0.5
	// fairShare is how many times the images of the rarest class the most frequent
	// may have.
	fairShare = 5
	// fewImages of the most frequent class say nothing.
	fewImages = 20
	// inputGain is the accuracy that the data's own normalization must gain.
	inputGain = 0.1
)

// images looks at the training images: classes whose images show nothing, as those that were only
// transparent, and classes with far fewer images than others.
func (e *examination) images() (found []Finding, err error) {
	classes := e.Network.Classes
	count, constant := make([]int, len(classes)), make([]int, len(classes))
	for b, err := range e.Images.Calibration.Batches(1) {
		if err != nil {
			return nil, err
		}
		label := b.Labels[0]
		count[label]++
		if len(b.Images) > e.Network.Input.Channels && slices.Min(b.Images) == slices.Max(b.Images) { // one pixel shows what it is
			constant[label]++
		}
	}
	for c, n := range constant {
		if share := float64(n) / float64(max(1, count[c])); share > constantShare {
			found = append(found, Finding{
				Cause: ConstantImages, Where: classes[c],
				Says:     fmt.Sprintf("%.0f %% of the images of class %s have one value throughout: they are blank, or were transparent; look at them", 100*share, classes[c]),
				Evidence: map[string]float64{"share": share, "images": float64(count[c])},
				Do:       e.with("qat eval", "--predictions", "predictions.csv"),
			})
		}
	}
	most, least := slices.Index(count, slices.Max(count)), slices.Index(count, slices.Min(count))
	if count[most] < fewImages || count[most] <= fairShare*count[least] {
		return found, nil
	}
	return append(found, Finding{
		Cause: Unbalanced, Where: classes[least],
		Says:     fmt.Sprintf("class %s has %d images, class %s %d of the same: what is rare is hardly learned; weigh the classes in the loss", classes[most], count[most], classes[least], count[least]),
		Evidence: map[string]float64{"most": float64(count[most]), "least": float64(count[least])},
		Do:       e.train(false, "class_weights=auto", "best=balanced"),
	}), nil
}

// input tries the normalization that the images themselves ask for. A network that does
// much better with it was trained with other numbers for its pixels.
func (e *examination) input() ([]Finding, error) {
	n := e.Network
	before := n.Input
	defer func() { n.Input = before }()
	mean, deviation, err := datasets.MeanDeviation(e.Images.Calibration)
	if err != nil {
		return nil, err
	}
	n.Input.Params, n.Input.Own = layers.Normalized(mean, deviation), nil
	r, err := e.evaluate(quantized)
	if err != nil {
		return nil, err
	}
	gain := r.Accuracy - e.report.Accuracy.Quantized
	if gain < inputGain {
		return nil, nil
	}
	return []Finding{{
		Cause:    InputScale,
		Says:     fmt.Sprintf("with pixels normalized by the mean %.4f and the deviation %.4f of these images the accuracy is %.1f points higher: the network was trained with another input scale than its file says, or with images unlike these", mean, deviation, 100*gain),
		Evidence: map[string]float64{"gain": gain, "scale": float64(before.Scale), "zero_point": float64(before.ZeroPoint), "mean": mean, "deviation": deviation},
		Do:       e.train(false),
	}}, nil
}
