// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"fmt"
	"slices"
)

// Classify returns the name of the class of an image, the bytes that Input describes: that of the greatest logit, the
// first of equal ones. Any number of goroutines may call it; the model keeps a runner for each that does so at the same
// time. A Runner also returns logits, takes batches and threads, and runs models of more
// work than DefaultWork.
func (m *Model) Classify(image []uint8) (string, error) {
	if size := m.q.Tensors[0].Len(); len(image) != size {
		return "", fmt.Errorf("infer: an image of %d bytes, the model's have %d", len(image), size)
	}
	c, ok := m.classifiers.Get().(*classifier)
	if !ok {
		r, err := m.NewRunner(Options{})
		if err != nil {
			return "", err
		}
		c = &classifier{r, make([]int32, len(m.q.Classes))}
	}
	defer m.classifiers.Put(c)
	if err := c.runner.Run(c.logits, image); err != nil {
		return "", err
	}
	return m.q.Classes[slices.Index(c.logits, slices.Max(c.logits))], nil
}

// A classifier is what one call of Classify needs.
type classifier struct {
	runner *Runner
	logits []int32
}
