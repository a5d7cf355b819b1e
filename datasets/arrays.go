// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/internal/npy"
)

// Names of the arrays of an archive, in lower case without what tells their part.
var (
	valueNames = []string{"x", "data", "samples", "signals", "features", "inputs", "images"}
	labelNames = []string{"y", "label", "labels", "target", "targets", "class"}
	classNames = []string{"classes", "names", "classnames"}
)

// openArrays reads a .npz file: arrays called x and y (or data and labels, features and targets …), or one of each for a
// part, as x_train and y_train beside x_test and y_test. Values are floating-point numbers or integers [n, length],
// [n, length, channels] or [n, height, width, channels] of signals, or uint8 [n, height, width] or [n, height, width, channels]
// of images; labels are integers or names; an array of names called classes may say what integers mean.
func openArrays(path string, o Options) (*Dataset, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	archive, err := npy.NewArchive(f, info.Size())
	if err != nil {
		return nil, err
	}
	r := arrays{archive: archive, names: map[[2]string]string{}}
	if err := r.find(); err != nil {
		return nil, err
	}
	return r.read(o)
}

// arrays are those of an archive by part, "" for all, and by what they hold.
type arrays struct {
	archive *npy.Archive
	names   map[[2]string]string
	shape   Shape
	images  [3][]uint8 // of the parts, nil of signals
}

// What an array holds.
const (
	holdsValues  = "values"
	holdsLabels  = "labels"
	holdsClasses = "classes"
)

func (r *arrays) find() error {
	for _, name := range r.archive.Names() {
		of, rest := "", ""
		for _, word := range strings.FieldsFunc(strings.ToLower(name), func(c rune) bool { return c == '_' || c == '-' || c == '.' }) {
			if p := partNames[word]; p != "" {
				of = p
			} else {
				rest += word
			}
		}
		for what, list := range map[string][]string{holdsValues: valueNames, holdsLabels: labelNames, holdsClasses: classNames} {
			if !slices.Contains(list, rest) {
				continue
			}
			key := [2]string{of, what}
			if other, ok := r.names[key]; ok {
				return fmt.Errorf("the arrays %q and %q look as if both were the %s; keep one", other, name, what)
			}
			r.names[key] = name
		}
	}
	if r.names[[2]string{"", holdsValues}] == "" && r.names[[2]string{partTrain, holdsValues}] == "" {
		return fmt.Errorf("arrays %s; call the values x and the labels y, or x_train, y_train, x_test and y_test", listed(r.archive.Names()))
	}
	return nil
}

func (r *arrays) read(o Options) (*Dataset, error) {
	var parts [3]Samples
	labels := make([]labelList, len(parts))
	all := r.names[[2]string{"", holdsValues}] != ""
	for k, of := range []string{partTrain, partValidation, partTest} {
		if k == 0 && all {
			of = ""
		} else if all {
			break
		}
		name := r.names[[2]string{of, holdsValues}]
		if name == "" {
			continue
		}
		n, err := r.values(name, &parts[k], &r.images[k])
		if err != nil {
			return nil, err
		}
		named := r.names[[2]string{of, holdsLabels}]
		if named == "" {
			return nil, fmt.Errorf("the array %q has no labels beside it; call them y", name)
		}
		if labels[k], err = r.labels(named); err != nil {
			return nil, err
		}
		if len(labels[k]) != n {
			return nil, fmt.Errorf("%d signals in %q, %d labels in %q", n, name, len(labels[k]), named)
		}
	}
	classes, err := distinct(labels[0]), error(nil)
	for k := range parts {
		if parts[k].Labels, err = labels[k].indices(classes); err != nil {
			return nil, err
		}
	}
	if names := r.names[[2]string{"", holdsClasses}]; names != "" && allNumbers(classes) {
		if classes, err = r.named(classes, names); err != nil {
			return nil, err
		}
	}
	if r.images[0] != nil {
		return r.ofImages(classes, parts, o)
	}
	return fromSamples(r.shape, classes, parts, o)
}

// ofImages is the data set of images, with the labels of the parts.
func (r *arrays) ofImages(classes []string, parts [3]Samples, o Options) (*Dataset, error) {
	if err := r.shape.check(); err != nil {
		return nil, err
	}
	d := &Dataset{Classes: classes, Shape: r.shape}
	var splits [3]Split
	for k := range splits {
		s := Split{Images: r.images[k], Labels: parts[k].Labels}
		s.Files = unnamed(s.Len(), func(i int) []byte { return s.Images[i*r.shape.Size():][:r.shape.Size()] })
		splits[k] = s
	}
	return d, d.divided(splits[0], splits[1], splits[2], o)
}

// values reads signals or images, and returns their number.
func (r *arrays) values(name string, into *Samples, images *[]uint8) (int, error) {
	a, err := r.archive.Read(name, maxBytes)
	if err != nil {
		return 0, err
	}
	picture := a.Type() == "uint8" && len(a.Shape) >= 3
	var shape Shape
	switch s := a.Shape; {
	case len(s) == 2:
		shape = Shape{1, s[1], 1}
	case len(s) == 3 && picture:
		shape = Shape{s[1], s[2], 1}
	case len(s) == 3:
		shape = Shape{1, s[1], s[2]}
	case len(s) == 4:
		shape = Shape{s[1], s[2], s[3]}
	default:
		return 0, fmt.Errorf("%q has the dimensions %v; want [n, length], [n, length, channels] or [n, height, width, channels]", name, s)
	}
	if r.shape != (Shape{}) && r.shape != shape {
		return 0, fmt.Errorf("%q has signals of %v, another part of %v", name, shape, r.shape)
	}
	if other := r.images[0] != nil; other != picture && r.shape != (Shape{}) {
		return 0, fmt.Errorf("%q has values of %s, the training part of another type: uint8 are images, others signals", name, a.Type())
	}
	r.shape = shape
	if picture {
		*images, err = a.Bytes()
		return a.Shape[0], err
	}
	if into.Values, err = a.Floats(); err != nil {
		return 0, fmt.Errorf("%q: %w", name, err)
	}
	return a.Shape[0], nil
}

// A labelList has the names of the classes of signals, numbers as digits.
type labelList []string

func (r *arrays) labels(name string) (labelList, error) {
	a, err := r.archive.Read(name, maxBytes)
	if err != nil {
		return nil, err
	}
	if len(a.Shape) > 2 || len(a.Shape) == 2 && a.Shape[1] != 1 || len(a.Shape) == 0 {
		return nil, fmt.Errorf("%q has the dimensions %v; want [n], a class for each signal", name, a.Shape)
	}
	if names, err := a.Strings(); err == nil {
		return names, nil
	}
	floats, err := a.Floats()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	list := make(labelList, len(floats))
	for i, v := range floats {
		if v != float32(int64(v)) {
			return nil, fmt.Errorf("%q: label %d is %v, want whole numbers or names", name, i, v)
		}
		list[i] = strconv.FormatInt(int64(v), 10)
	}
	return list, nil
}

// distinct returns the different labels in their order: of numbers by value, where all are such.
func distinct(labels []string) []string {
	classes := slices.Clone(labels)
	slices.Sort(classes)
	classes = slices.Compact(classes)
	if allNumbers(classes) {
		slices.SortFunc(classes, compareNumbers)
	}
	return classes
}

// indices returns the index of each label.
func (l labelList) indices(classes []string) ([]int32, error) {
	index := make(map[string]int32, len(classes))
	for i, name := range classes {
		index[name] = int32(i)
	}
	out := make([]int32, len(l))
	for i, name := range l {
		class, ok := index[name]
		if !ok {
			return nil, fmt.Errorf("class %s has nothing to train with", printed(name))
		}
		out[i] = class
	}
	return out, nil
}

// named gives classes that are numbers the names that an array has for them.
func (r *arrays) named(classes []string, array string) ([]string, error) {
	a, err := r.archive.Read(array, maxBytes)
	if err != nil {
		return nil, err
	}
	names, err := a.Strings()
	if err != nil {
		return nil, fmt.Errorf("%q: %w", array, err)
	}
	out := make([]string, len(classes))
	for i, class := range classes {
		n, err := strconv.Atoi(class)
		if err != nil || n >= len(names) {
			return nil, fmt.Errorf("%q has %d names, but a label is %s", array, len(names), class)
		}
		out[i] = names[n]
	}
	if len(distinct(out)) != len(out) {
		return nil, errors.New("two classes of one name")
	}
	return out, nil
}
