// SPDX-License-Identifier: Apache-2.0

package diagnose

import (
	"fmt"
	"slices"
)

const (
	// oneClassShare is the share of images that may be taken for one class, if no
	// more than half as many are of it.
	oneClassShare = 0.9
	// chance is how many times the accuracy of guessing a float network must have.
	chance = 1.5
)

// classes looks for one class that is predicted for nearly everything.
func (e *examination) classes() ([]Finding, error) {
	r, err := e.evaluate(quantized)
	if err != nil {
		return nil, err
	}
	classes := e.Network.Classes
	found, actual := make([]int, len(classes)), make([]int, len(classes))
	for i, p := range r.Predictions {
		found[p]++
		actual[r.Labels[i]]++
	}
	most := slices.Index(found, slices.Max(found))
	share, of := float64(found[most])/float64(r.Images), float64(actual[most])/float64(r.Images)
	if share < oneClassShare || of > share/2 {
		return nil, nil
	}
	return []Finding{{
		Cause: OneClass, Where: classes[most],
		Says:     fmt.Sprintf("%.0f %% of the images are taken for class %s, and %.0f %% are of it: the network has collapsed; train again with a lower learning rate", 100*share, classes[most], 100*of),
		Evidence: map[string]float64{"share": share, "images": of},
		Do:       e.train(false, "float.lr=0.01", "qat.lr=0.001"),
	}}, nil
}

// untrained says whether the float network knows little more than guessing does.
func (e *examination) untrained() ([]Finding, error) {
	guess := 1 / float64(len(e.Network.Classes))
	if a := e.report.Accuracy; max(a.Float, a.Quantized) > min(0.9, chance*guess) {
		return nil, nil
	}
	return []Finding{{
		Cause:    Untrained,
		Says:     fmt.Sprintf("with quantizers off the accuracy is %.1f %%, guessing has %.1f %%: it is not quantization that hurts; train the float network first", 100*e.report.Accuracy.Float, 100*guess),
		Evidence: map[string]float64{"accuracy": e.report.Accuracy.Float, "chance": guess},
		Do:       e.train(false),
	}}, nil
}
