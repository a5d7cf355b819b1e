// SPDX-License-Identifier: Apache-2.0

// Package classify runs a model on image files.
package classify

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/images"
	_ "github.com/goqat/goqat/images/formats" // so that they are read, too
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/signals"
)

// An Answer has the top classes of one image or signal.
type Answer struct {
	Image string      `json:"image"`
	Row   int         `json:"row,omitempty"`   // of a file with several signals, from 1
	Top   []Candidate `json:"top"`             // the most probable first; none after an error
	Error string      `json:"error,omitempty"` // why it has no classes

	Err    error `json:"-"` // the error that Error is the text of
	Turned bool  `json:"-"` // upright, by the orientation noted in the file
}

// A Candidate is a class that an image may be of.
type Candidate struct {
	Index       int     `json:"index"` // of the class
	Class       string  `json:"class"`
	Logit       int32   `json:"logit"`
	Probability float64 `json:"probability"` // softmax of the logits times their scale
}

// Errors returns the errors of the images that have no classes.
func Errors(answers []Answer) (list []error) {
	for _, a := range answers {
		if a.Err != nil {
			list = append(list, a.Err)
		}
	}
	return list
}

// Turned counts the images that were turned upright.
func Turned(answers []Answer) (n int) {
	for _, a := range answers {
		if a.Turned {
			n++
		}
	}
	return n
}

// Stdin is the path of standard input.
const Stdin = "-"

// limits bound an image that the user names.
var limits = images.Limits{Pixels: images.MaxPixels, Bytes: 256 << 20}

// Images replaces each folder by the images in it, in the order of their names. Files that are images by their names
// are among them even if they cannot be read, and what is left out is noted.
func Images(paths []string, note func(sentence string)) ([]string, error) {
	var list []string
	for _, path := range paths {
		if info, err := os.Stat(path); path == Stdin || err != nil || !info.IsDir() {
			list = append(list, path)
			continue
		}
		found, err := datasets.ImageFiles(path, func(sentence string) { note(path + ": " + sentence) })
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no images in this folder", path)
		}
		list = append(list, found...)
	}
	return list, nil
}

// Files returns the answers of [Each].
func Files(ctx context.Context, m *infer.Model, paths []string, o Options) ([]Answer, error) {
	answers := []Answer{}
	err := Each(ctx, m, paths, o, func(list []Answer) error {
		answers = append(answers, list...)
		return nil
	})
	return answers, err
}

// read returns the codes of the image of a file, which errors call path, and whether it was turned upright, or those of the signals.
func read(m *infer.Model, path string, input io.Reader) (all [][]uint8, turned bool, err error) {
	in := m.Input()
	if e, ok := signals.Of(in); ok {
		if all, err = encoded(in, e, input); err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return all, false, err
	}
	image, info, err := limits.Read(input)
	turned = info.Orientation > 1
	if err != nil {
		return nil, turned, fmt.Errorf("%s: %w", path, err)
	}
	return [][]uint8{image.Fit(images.Rule(m.Data().Resize), in.Height, in.Width, in.Channels).Pixels}, turned, nil
}

// candidates returns the classes with the greatest logits, the first of equal
// ones first.
func candidates(m *infer.Model, logits []int32, top int) []Candidate {
	scale := float64(math.Float32frombits(m.LogitScale()))
	greatest := slices.Max(logits)
	var sum float64
	all := make([]Candidate, len(logits))
	for i, name := range m.Classes() {
		e := math.Exp(scale * float64(int64(logits[i])-int64(greatest)))
		sum += e
		all[i] = Candidate{i, name, logits[i], e}
	}
	for i := range all {
		all[i].Probability /= sum
	}
	slices.SortStableFunc(all, func(a, b Candidate) int { return cmp.Compare(b.Logit, a.Logit) })
	return all[:min(top, len(all))]
}
