// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/internal/plural"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/recipe"
	"github.com/goqat/goqat/train"
)

// warnOfClasses tells which classes cannot be learned or measured: those whose training
// images show nothing, and those without images to train or to validate with.
func (s split) warnOfClasses(on teller) error {
	images := s.train.Drawn(len(s.Classes), 0)
	blank, err := s.blank()
	if err != nil {
		return err
	}
	var empty []string
	what, cause := "images", ": was transparency its picture?"
	if s.Samples != nil {
		what, cause = "signals", ": did its sensor record?"
	}
	for c, n := range blank {
		switch {
		case n == 0:
		case n == images[c]:
			on.note(fmt.Sprintf("warning: class %q: all its training %s are blank, of one value each%s", s.Classes[c], what, cause))
		case 2*n > images[c]:
			on.note(fmt.Sprintf("warning: class %q: %d of its %d training %s are blank, of one value each", s.Classes[c], n, images[c], what))
		}
	}
	for c, n := range images {
		if n == 0 {
			empty = append(empty, s.Classes[c])
		}
	}
	warnOf(on, "no images to train with, so that no image will be found to be of them", empty)
	if s.Dataset.Validation.Len() == 0 { // else package datasets tells what a part lacks
		warnOf(on, "no images to validate with, so that they do not count in which checkpoint is best", s.lacking(s.validation))
	}
	return nil
}

// warnOf tells of classes that lack something.
func warnOf(on teller, what string, classes []string) {
	const shown = 8
	if len(classes) == 0 {
		return
	}
	list := strings.Join(classes[:min(shown, len(classes))], ", ")
	if more := len(classes) - shown; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	on.note(fmt.Sprintf("warning: %s: %s", what, list))
}

// lacking names the classes without images in a part.
func (s split) lacking(part datasets.Split) (classes []string) {
	for c, n := range part.Drawn(len(s.Classes), 0) {
		if n == 0 {
			classes = append(classes, s.Classes[c])
		}
	}
	return classes
}

// blank counts the training images of each class whose pixels are all alike; one pixel, as of a row of a table, shows what it is.
func (s split) blank() ([]int, error) {
	counts := make([]int, len(s.Classes))
	if s.Height*s.Width == 1 {
		return counts, nil
	}
	for b, err := range s.train.Batches(1) {
		if err != nil {
			return nil, err
		}
		pixels := b.Images
		first := pixels[:s.Channels]
		alike := true
		for at := 0; at < len(pixels) && alike; at += s.Channels {
			alike = slices.Equal(pixels[at:at+s.Channels], first)
		}
		if alike {
			counts[b.Labels[0]]++
		}
	}
	return counts, nil
}

// mostOfOneClass is the share of predictions of one class from which a network has
// probably learned nothing else.
const mostOfOneClass = 0.9

// warnOfOneClass tells that a network finds nearly every test image to be of one class,
// which they are not.
func (t *run) warnOfOneClass(network string, r train.Result) {
	found, are := make([]int, len(t.data.Classes)), make([]int, len(t.data.Classes))
	for i, p := range r.Predictions {
		found[p]++
		are[r.Labels[i]]++
	}
	n := float64(max(1, r.Images))
	for c := range found {
		share := float64(found[c]) / n
		if share <= mostOfOneClass || float64(are[c])/n > mostOfOneClass {
			continue
		}
		t.on.note(fmt.Sprintf("warning: the %s network finds %.0f %% of the test images to be of class %q, of which %.0f %% are: it has hardly learned the others; try more epochs, class_weights: auto or more bits",
			network, 100*share, t.data.Classes[c], 100*float64(are[c])/n))
	}
}

// warnOfZeros tells which layers of a model have no weight but 0.
func (t *run) warnOfZeros(file *os.File, size int64) error {
	m, err := qmodel.Read(file, size)
	if err != nil {
		return err
	}
	for _, o := range m.Operators {
		if o.Weights != nil && allZero(o.Weights) {
			t.on.note(fmt.Sprintf("warning: all weights of layer %s are 0, so that it passes nothing on of its input; lower the threshold of its method, the weight decay or the learning rate, or give it more bits", o.Name))
		}
	}
	return nil
}

func allZero(w *qmodel.Weights) bool {
	for set := range w.Sets() {
		if slices.ContainsFunc(w.Values(set), func(v int16) bool { return v != 0 }) {
			return false
		}
	}
	return true
}

// warnOfLoneImages tells of batches of one image, over whose one value a layer without
// height and width cannot normalize.
func (t *run) warnOfLoneImages() {
	var names []string
	for _, u := range t.network.Units {
		if u.Norm != nil && u.Output.Height*u.Output.Width == 1 {
			names = append(names, u.Name)
		}
	}
	switch batch, images := t.r.Batch, t.data.train.Len(); {
	case len(names) == 0:
	case batch == 1:
		warnOf(t.on, "batches of one image (batch: 1) leave one value to normalize over, so that these layers learn nothing; take batch: 8 or more", names)
	case images%batch == 1:
		warnOf(t.on, fmt.Sprintf("the last batch of an epoch is one image, %d being %d batches of %d and one, which leaves these layers one value to normalize over; take another batch", images, images/batch, batch), names)
	}
}

// remarks says what of a recipe is carried out otherwise than one may think.
func remarks(r *recipe.Recipe) (list []string) {
	q := &r.QAT
	switch n := frozenEpochs(q); {
	case q.Epochs == 0:
		list = append(list, fmt.Sprintf("qat.epochs is 0: a float network is trained for %s and not quantized, so that there is no integer model", plural.Of(r.Float.Epochs, "epoch")))
	case n == 0 && q.BatchNormFreeze > 0:
		list = append(list, fmt.Sprintf("the statistics of batch normalization follow to the end of the quantized phase, which is too short to fix them first (qat.batchnorm_freeze: %d, but a third of the epochs at most)", q.BatchNormFreeze))
	case n < q.BatchNormFreeze:
		list = append(list, fmt.Sprintf("the statistics of batch normalization are fixed for the last %s of the quantized phase, a third of it (qat.batchnorm_freeze: %d)", plural.Of(n, "epoch"), q.BatchNormFreeze))
	}
	return list
}
