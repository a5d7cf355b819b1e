// SPDX-License-Identifier: Apache-2.0

package infer

import "fmt"

// Classify returns the name of the class of an image, whose bytes Input describes: the class with the greatest logit,
// the first where several are equal. Any number of goroutines may call it; the model keeps a runner for each that does so
// at the same time. A Runner also returns logits, takes batches and threads, and runs models of more work than
// DefaultWork.
// An image of other than the model's bytes is an error, and a model of more work, which is ErrWork.
func (m *Model) Classify(image []uint8) (string, error) {
	var top [1]Score
	if err := m.Top(top[:], image); err != nil {
		return "", err
	}
	return top[0].Class, nil
}

// A Score is a class with its logit, which stands for logit·scale (see LogitScale): a greater one is a better match, by
// the difference to others.
type Score struct {
	Index int // of the class in Classes
	Class string
	Logit int32
}

// Top sets top to the classes of the greatest logits of an image, as many as top has room for, which is at most the number
// of classes. The greatest comes first, and of equal logits the one with the lower index. Top may be called as Classify
// may.
// It fails as Classify does, and where top has room for more classes than there are.
func (m *Model) Top(top []Score, image []uint8) error {
	in := m.q.Input
	if size := m.q.Tensors[0].Len(); len(image) != size {
		return fmt.Errorf("infer: an image of %d bytes, the model takes %d: %d×%d×%d, height, width and channels, a byte each", len(image), size, in.Height, in.Width, in.Channels)
	}
	if len(top) < 1 || len(top) > len(m.q.Classes) {
		return fmt.Errorf("infer: room for %d classes, the model has %d", len(top), len(m.q.Classes))
	}
	c, ok := m.classifiers.Get().(*classifier)
	if !ok {
		r, err := m.NewRunner(Options{})
		if err != nil {
			return err
		}
		c = &classifier{r, make([]int32, len(m.q.Classes))}
	}
	defer m.classifiers.Put(c)
	if err := c.runner.Run(c.logits, image); err != nil {
		return err
	}
	m.greatest(top, c.logits)
	return nil
}

// greatest sets top to the classes of the greatest logits.
func (m *Model) greatest(top []Score, logits []int32) {
	n := 0
	for i, logit := range logits {
		at := n
		for at > 0 && top[at-1].Logit < logit {
			at--
		}
		if at == len(top) {
			continue
		}
		n = min(n+1, len(top))
		copy(top[at+1:n], top[at:n-1])
		top[at] = Score{i, m.q.Classes[i], logit}
	}
}

// A classifier is what one call of Top needs.
type classifier struct {
	runner *Runner
	logits []int32
}
