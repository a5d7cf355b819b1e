// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxNativeSide is the longest side of images whose size nobody asked for.
const maxNativeSide = 256

// openImages reads a folder or an archive of images, source, in two passes: a survey of the file names and image sizes, then the pixels, decoded on
// all processors. The order of the images does not depend on that of the files: within a split the classes take turns, each by path.
func openImages(ctx context.Context, source string, all files, o Options) (*Dataset, error) {
	return openLaidOut(ctx, source, all, o, func(s *survey) (layout, error) {
		l, err := newLayout(s.names())
		if err == nil {
			l.unused(s)
		}
		return l, err
	})
}

// openTagged is openImages of images that have tags. Classes, if not nil, says in which order.
func openTagged(ctx context.Context, source string, all files, classes []string, o Options) (*Dataset, error) {
	return openLaidOut(ctx, source, all, o, func(s *survey) (layout, error) { return tagLayout(s, classes) })
}

func openLaidOut(ctx context.Context, source string, all files, o Options, of func(*survey) (layout, error)) (*Dataset, error) {
	s, err := look(ctx, all)
	if err != nil {
		return nil, err
	}
	if s.cifar && len(s.shapes) == 0 {
		return openCIFAR(all)
	}
	l, err := of(s)
	if err != nil {
		return nil, err
	}
	s.left.say(o.note)
	l.say(o.note)
	parts := [][]labelled{inTurns(l.train), inTurns(l.validation), inTurns(l.test)}
	files := slices.Concat(parts...)
	if len(s.faults) == len(s.shapes) {
		return nil, s.faults
	}
	shape, err := o.shape(s.native(files))
	if err != nil {
		return nil, err
	}
	if o.Choose != nil && !o.isCached(source, files, shape, s) {
		switch {
		case len(l.test) > 0:
			return o.openTest(ctx, source, all, l, shape, s)
		case !o.SkipBroken: // else the files that cannot be decoded would have to be known, which are not of the set
			return o.openChosen(ctx, source, all, l, shape, s)
		}
	}
	r, err := o.read(ctx, source, all, files, shape, s)
	if err != nil {
		return nil, err
	}
	r.say(o.note)
	d := &Dataset{Classes: l.classes, Shape: shape, root: len(l.root), tagged: len(s.tags) > 0}
	d.Train, d.Validation, d.Test = r.parts(parts, s.faults)
	if err := d.checkClasses(); err != nil {
		return nil, err
	}
	if len(l.validation) > 0 && d.Validation.Len() == 0 || len(l.test) > 0 && d.Test.Len() == 0 {
		return nil, errors.New("none of the validation images or none of the test images can be read; mend some")
	}
	d.Digest = digestFiles(d)
	d.sayMissing(partValidation, d.Validation, o.note)
	d.sayMissing(partTest, d.Test, o.note)
	if d.Test.Len() > 0 {
		return d, nil
	}
	d.Train, d.Test, d.Undivided = Split{}, d.Train, true
	if o.Undivided {
		return d, nil
	}
	return d, d.divide(o.Seed, o.note)
}

// checkClasses wants at least one image of every class.
func (d *Dataset) checkClasses() error {
	for class, n := range d.Train.counts(len(d.Classes)) {
		if n == 0 {
			return fmt.Errorf("class %s: none of its training images can be read; mend some or remove its folder", printed(d.Classes[class]))
		}
	}
	return nil
}

// sayMissing tells which classes a part has no images of.
func (d *Dataset) sayMissing(part string, s Split, note func(string)) {
	var missing []string
	for class, n := range s.counts(len(d.Classes)) {
		if n == 0 {
			missing = append(missing, d.Classes[class])
		}
	}
	if len(missing) > 0 && s.Len() > 0 {
		note("no " + part + " images of " + listed(missing))
	}
}

// openTest reads the test images alone, of a set that has some.
func (o Options) openTest(ctx context.Context, source string, all files, l layout, shape Shape, s *survey) (*Dataset, error) {
	test := o.kept(inTurns(l.test))
	maps.DeleteFunc(s.faults, func(name string, _ error) bool {
		return !slices.ContainsFunc(test, func(f labelled) bool { return f.name == name })
	})
	r, err := o.read(ctx, source, all, test, shape, s)
	if err != nil {
		return nil, err
	}
	r.say(o.note)
	d := &Dataset{Classes: l.classes, Shape: shape, root: len(l.root), tagged: len(s.tags) > 0}
	if _, _, d.Test = r.parts([][]labelled{nil, nil, test}, s.faults); d.Test.Len() == 0 && len(test) > 0 {
		return nil, errors.New("none of the test images can be read; mend some")
	}
	d.Digest = digestFiles(d)
	if o.Keep == nil {
		d.sayMissing(partTest, d.Test, o.note)
	}
	return d, nil
}

// kept are the test images that are wanted.
func (o Options) kept(list []labelled) []labelled {
	if o.Keep == nil {
		return list
	}
	n := 0
	return slices.DeleteFunc(list, func(labelled) bool {
		n++
		return !o.Keep(n - 1)
	})
}

// openChosen reads the images that Options.Choose takes, by what is in their files, from a set without a test part.
func (o Options) openChosen(ctx context.Context, source string, all files, l layout, shape Shape, s *survey) (*Dataset, error) {
	files := inTurns(l.train)
	r := newReading(files, shape, o.Resize, s)
	r.unseen = true
	if err := r.decode(ctx, all, o.Progress); err != nil {
		return nil, err
	}
	if err := r.broken(o); err != nil {
		return nil, err
	}
	d := &Dataset{Classes: l.classes, Shape: shape, root: len(l.root), tagged: len(s.tags) > 0, Undivided: true}
	d.Train, _, _ = r.parts([][]labelled{files}, s.faults)
	d.Digest = digestFiles(d)
	d.Train, d.Test = Split{}, d.Train
	if err := o.Choose(d); err != nil {
		return nil, err
	}
	list := make([]labelled, d.Test.Len())
	for i, f := range d.Test.Files {
		list[i] = labelled{f.Path, d.Test.Labels[i]}
	}
	list = o.kept(list)
	r, err := o.read(ctx, source, all, list, shape, s)
	if err != nil {
		return nil, err
	}
	r.say(o.note)
	d.Train, d.Test = Split{}, r.all
	return d, nil
}

// inTurns orders the files of a part so that the classes take turns. Within a class they keep their order.
func inTurns(part []labelled) []labelled {
	turn := make(map[string]int, len(part))
	var counts []int
	for _, f := range part {
		for int(f.class) >= len(counts) {
			counts = append(counts, 0)
		}
		turn[f.name] = counts[f.class]
		counts[f.class]++
	}
	part = slices.Clone(part)
	slices.SortStableFunc(part, func(a, b labelled) int { return turn[a.name] - turn[b.name] })
	return part
}
