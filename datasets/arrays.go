// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/internal/npy"
	"github.com/goqat/goqat/internal/plural"
)

// Names of the arrays of an archive, in lower case without what tells their part.
var (
	valueNames = []string{"x", "data", "samples", "signals", "features", "inputs", "images"}
	labelNames = []string{"y", "label", "labels", "target", "targets", "class"}
	classNames = []string{"classes", "names", "classnames"}
)

// openArrays reads arrays called x and y (or data and labels, features and targets …), or one of each for a part, as
// x_train and y_train beside x_test and y_test. Values are those of images, see imageForm, else of signals: [n,
// length], [n, length, channels] or [n, height, width, channels]. Labels are integers or names; an array of names
// called classes may say what integers mean.
func openArrays(source arraySource, o Options) (*Dataset, error) {
	r := arrays{source: source, names: map[[2]string]string{}}
	if err := r.find(); err != nil {
		return nil, err
	}
	return r.read(o)
}

// An arraySource is where arrays are: a .npz archive, or a folder of .npy files.
type arraySource interface {
	Names() []string
	Read(name string, limit int64) (*npy.Array, error)
}

// openArchive reads the arrays of a .npz file.
func openArchive(ctx context.Context, path string, o Options) (*Dataset, error) {
	f, err := openFile(ctx, path)
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
	return openArrays(archive, o)
}

const arrayExtension = ".npy"

// An arrayFolder has its arrays in .npy files.
type arrayFolder struct {
	ctx   context.Context // of reading them
	dir   string
	names []string // of the files, without the extension
}

// arraysIn returns the .npy files right in a folder without images.
func arraysIn(ctx context.Context, dir string) arrayFolder {
	a := arrayFolder{ctx: ctx, dir: dir}
	for _, name := range filesBelow(dir, arrayExtension) {
		if !strings.Contains(name, "/") {
			a.names = append(a.names, strings.TrimSuffix(name, filepath.Ext(name)))
		}
	}
	return a
}

// Names are the names of the arrays.
func (a arrayFolder) Names() []string { return a.names }

// Read reads an array.
func (a arrayFolder) Read(name string, limit int64) (*npy.Array, error) {
	f, err := openFile(a.ctx, filepath.Join(a.dir, name+arrayExtension))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	array, err := npy.Read(f, limit)
	if err != nil {
		return nil, fmt.Errorf("%w, in %q", err, name)
	}
	return array, nil
}

// arrays are those of a source by part, "" for all, and by what they hold.
type arrays struct {
	source arraySource
	names  map[[2]string]string
}

// What an array holds.
const (
	holdsValues  = "values"
	holdsLabels  = "labels"
	holdsClasses = "classes"
)

func (r *arrays) find() error {
	for _, name := range r.source.Names() {
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
		return fmt.Errorf("arrays %s; call the values x and the labels y, or x_train, y_train, x_test and y_test", listed(r.source.Names()))
	}
	return nil
}

// An arrayPart are the arrays of a part.
type arrayPart struct {
	name   string // of the array of values
	values *npy.Array
	labels labelList
	rows   []int // of images: those that have a label
}

func (r *arrays) read(o Options) (*Dataset, error) {
	var parts [3]arrayPart
	all := r.names[[2]string{"", holdsValues}] != ""
	for k, of := range []string{partTrain, partValidation, partTest} {
		if k == 0 && all {
			of = ""
		} else if all {
			break
		}
		if r.names[[2]string{of, holdsValues}] == "" {
			continue
		}
		var err error
		if parts[k], err = r.part(of); err != nil {
			return nil, err
		}
	}
	form, err := imageForm(parts[:])
	if err != nil {
		return nil, err
	}
	if form != nil {
		form.dropUnlabelled(parts[:], o.note)
	}
	var labels [3][]int32
	classes := distinct(parts[0].labels)
	for k := range parts {
		if labels[k], err = parts[k].labels.indices(classes); err != nil {
			return nil, err
		}
	}
	if names := r.names[[2]string{"", holdsClasses}]; names != "" && allNumbers(classes) {
		if classes, err = r.named(classes, names); err != nil {
			return nil, err
		}
	}
	if form != nil {
		return form.dataset(classes, parts[:], labels, o)
	}
	return ofSignals(classes, parts[:], labels, o)
}

// part reads the arrays of a part.
func (r *arrays) part(of string) (arrayPart, error) {
	p := arrayPart{name: r.names[[2]string{of, holdsValues}]}
	named := r.names[[2]string{of, holdsLabels}]
	if named == "" {
		return p, fmt.Errorf("the array %q has no labels beside it; call them y", p.name)
	}
	var err error
	if p.values, err = r.source.Read(p.name, maxBytes); err != nil {
		return p, err
	}
	if p.labels, err = r.labels(named); err != nil {
		return p, err
	}
	if len(p.values.Shape) < 2 {
		return p, fmt.Errorf("%q has the dimensions %v; want [n, length], [n, length, channels] or [n, height, width, channels]", p.name, p.values.Shape)
	}
	if n := p.values.Shape[0]; len(p.labels) != n {
		return p, fmt.Errorf("%s in %q, %s in %q", plural.Of(n, "row"), p.name, plural.Of(len(p.labels), "label"), named)
	}
	return p, nil
}

// ofSignals is the data set of arrays that hold no images.
func ofSignals(classes []string, parts []arrayPart, labels [3][]int32, o Options) (*Dataset, error) {
	var samples [3]Samples
	var shape Shape
	for k, p := range parts {
		if p.values == nil {
			continue
		}
		own := Shape{}
		switch s := p.values.Shape; {
		case len(s) == 2:
			own = Shape{1, s[1], 1}
		case len(s) == 3:
			own = Shape{1, s[1], s[2]}
		case len(s) == 4:
			own = Shape{s[1], s[2], s[3]}
		default:
			return nil, fmt.Errorf("%q has the dimensions %v; want [n, length], [n, length, channels] or [n, height, width, channels]", p.name, s)
		}
		if k > 0 && own != shape {
			return nil, fmt.Errorf("%q has signals of %v, another part of %v", p.name, own, shape)
		}
		shape = own
		samples[k].Labels = labels[k]
		var err error
		if samples[k].Values, err = p.values.Floats(); err != nil {
			return nil, fmt.Errorf("%q: %w", p.name, err)
		}
	}
	return fromSamples(shape, classes, samples, o)
}

// A labelList has the names of the classes of signals, numbers as digits.
type labelList []string

func (r *arrays) labels(name string) (labelList, error) {
	a, err := r.source.Read(name, maxBytes)
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
	a, err := r.source.Read(array, maxBytes)
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
			return nil, fmt.Errorf("%q has %s, but a label is %s", array, plural.Of(len(names), "name"), class)
		}
		out[i] = names[n]
	}
	if len(distinct(out)) != len(out) {
		return nil, errors.New("two classes of one name")
	}
	return out, nil
}
