// SPDX-License-Identifier: Apache-2.0

package evaluate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"

	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/internal/share"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/train"
)

// Write writes an evaluation to a file, from which ReadParts reads it.
func (e *Evaluation) Write(path string) error {
	return atomicfile.Write(path, func(f *os.File) error {
		out := json.NewEncoder(f)
		out.SetIndent("", " ")
		return out.Encode(e)
	})
}

// Read reads an evaluation from a file.
func Read(path string) (*Evaluation, error) {
	text, err := os.ReadFile(path)
	if info, absent := os.Stat(path); absent == nil && info.IsDir() {
		return nil, fmt.Errorf("evaluate: %s is a folder; name evaluations of parts, or one folder of run folders alone", path)
	}
	if err != nil {
		return nil, err
	}
	e := &Evaluation{}
	if err := json.Unmarshal(text, e); err != nil || e.SHA256 == "" || e.Images < 0 || e.Total < e.Images {
		return nil, fmt.Errorf("%s is no evaluation, which qat eval makes; name another file", path)
	}
	if e.Part != "" {
		if err := new(share.Part).Set(e.Part); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	return e, nil
}

// Once is File, which keeps the evaluation in the file out, if one is named, and writes it to a stream, as a pipe is; what is there
// of the same file, data, seed and part already is returned as it is, and noted.
func Once(ctx context.Context, out, path string, images pipeline.TestImages, o infer.Options) (*Evaluation, error) {
	if out == "" {
		return File(ctx, path, images, o)
	}
	sum, err := Sum(path)
	if err != nil {
		return nil, err
	}
	var e *Evaluation
	info, err := os.Stat(out)
	if err == nil && info.Mode().IsRegular() {
		e, err = Read(out)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && e == nil: // not there, or a stream, which is written alone
	case err != nil:
		return nil, err
	case e.SHA256 != sum || e.Data != images.Data || !sameSeed(e.Seed, images.Seed) || e.Part != images.Part.String():
		return nil, fmt.Errorf("%s holds an evaluation of another model, other images or another part; name another file", out)
	default:
		if on := images.Reading.On; on != nil {
			on(pipeline.Note{Text: fmt.Sprintf("note: this is the evaluation that %s has; remove it to evaluate again, as after a change of the images", out)})
		}
		return e, nil
	}
	if e, err = File(ctx, path, images, o); err != nil {
		return nil, err
	}
	return e, e.Write(out)
}

// sameSeed says whether two seeds, given or not, choose the same images.
func sameSeed(a, b *int) bool { return a == b || a != nil && b != nil && *a == *b }

// Merge adds up the evaluations of all parts of some images.
func Merge(parts []*Evaluation) (*Evaluation, error) {
	if len(parts) == 0 {
		return nil, errors.New("no parts")
	}
	first := parts[0]
	var of share.Part
	if err := of.Set(first.Part); err != nil {
		return nil, errors.New("an evaluation that is no part: it is whole by itself")
	}
	seen := make([]bool, of.Of)
	sum := &Evaluation{SHA256: first.SHA256, Data: first.Data, Seed: first.Seed, Total: first.Total, Mode: first.Mode}
	for _, e := range parts {
		var p share.Part
		if err := p.Set(e.Part); err != nil || p.Of != of.Of {
			return nil, fmt.Errorf("parts %s and %s are not of one number of parts", first.Part, e.Part)
		}
		if seen[p.Index] {
			return nil, fmt.Errorf("part %s is there twice; name each file once", p)
		}
		seen[p.Index] = true
		if e.SHA256 != first.SHA256 || e.Data != first.Data || !sameSeed(e.Seed, first.Seed) || e.Total != first.Total || e.Mode != first.Mode {
			return nil, fmt.Errorf("parts %s and %s are of different models or images", first.Part, e.Part)
		}
		if err := sum.add(e); err != nil {
			return nil, fmt.Errorf("part %s: %w", p, err)
		}
	}
	if missing := slices.Index(seen, false); missing >= 0 {
		return nil, fmt.Errorf("part %d/%d is missing; name its file, too", missing, of.Of)
	}
	if sum.Images > sum.Total {
		return nil, fmt.Errorf("the parts have %d images, more than the %d there are", sum.Images, sum.Total)
	}
	sum.finish()
	return sum, nil
}

// add adds the images of a part. Until finish accuracies are numbers of images.
func (e *Evaluation) add(p *Evaluation) error {
	if e.PerClass == nil {
		e.PerClass = make([]train.ClassOutcome, len(p.PerClass))
		for i, c := range p.PerClass {
			e.PerClass[i] = train.ClassOutcome{Index: c.Index, Class: c.Class}
		}
	}
	if len(p.PerClass) != len(e.PerClass) || len(p.Confusion) != 0 && len(p.Confusion) != len(p.PerClass) {
		return errors.New("other classes than those of the others")
	}
	e.Images += p.Images
	for _, a := range []struct{ to, from **float64 }{
		{&e.Accuracy.Float, &p.Accuracy.Float}, {&e.Accuracy.Fakequant, &p.Accuracy.Fakequant}, {&e.Accuracy.Integer, &p.Accuracy.Integer},
	} {
		count(a.to, *a.from, p.Images)
	}
	for i, c := range p.PerClass {
		if c.Class != e.PerClass[i].Class {
			return errors.New("other classes than those of the others")
		}
		e.PerClass[i].Images += c.Images
		count(&e.PerClass[i].Accuracy, c.Accuracy, c.Images)
	}
	if p.Confusion != nil && e.Confusion == nil {
		e.Confusion = make([][]int, len(p.Confusion))
	}
	for i, row := range p.Confusion {
		if len(row) != len(p.PerClass) {
			return errors.New("a matrix of confusions that is none")
		}
		if e.Confusion[i] == nil {
			e.Confusion[i] = make([]int, len(row))
		}
		for k, n := range row {
			e.Confusion[i][k] += n
		}
	}
	return nil
}

// count adds the images that are right.
func count(to **float64, accuracy *float64, images int) {
	if accuracy == nil {
		return
	}
	if *to == nil {
		*to = new(float64)
	}
	**to += math.Round(*accuracy * float64(images))
}

// finish makes fractions of numbers of images.
func (e *Evaluation) finish() {
	for _, a := range []*float64{e.Accuracy.Float, e.Accuracy.Fakequant, e.Accuracy.Integer} {
		if a != nil {
			*a /= float64(max(1, e.Images))
			e.Accuracy.StandardError = train.StandardError(*a, e.Images) // the last is that of the mode
		}
	}
	for i := range e.PerClass {
		if c := &e.PerClass[i]; c.Accuracy != nil {
			*c.Accuracy /= float64(max(1, c.Images))
		}
	}
	e.Accuracy.Balanced = train.Balanced(e.PerClass)
}

// ReadParts reads and merges the evaluations of files.
func ReadParts(paths []string) (*Evaluation, error) {
	var parts []*Evaluation
	for _, path := range paths {
		e, err := Read(path)
		if err != nil {
			return nil, fmt.Errorf("evaluate: %w", err)
		}
		parts = append(parts, e)
	}
	e, err := Merge(parts)
	if err != nil {
		return nil, fmt.Errorf("evaluate: %w", err)
	}
	return e, nil
}
