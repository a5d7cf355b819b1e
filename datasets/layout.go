// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A layout says which files are images of which class and part. The files of a part ascend by path.
type layout struct {
	classes                 []string
	train, validation, test []labelled // validation and test are empty where the folders have none
	root                    string     // path of the folder that holds the parts or the classes, with a slash at the end or empty
	parts                   []folder   // the folders of the parts, if there are such
	empty                   []string   // folders without images where those of classes are
}

type labelled struct {
	name  string
	class int32
}

var errNoClasses = errors.New("no images in folders; name the folder above if this one is of a class, or make one folder of images per class")

// The parts of a data set and the names that people give to their folders, see part.
const (
	partTrain      = "train"
	partValidation = "validation"
	partTest       = "test"
)

var partNames = map[string]string{
	"train": partTrain, "training": partTrain,
	"val": partValidation, "valid": partValidation, "validation": partValidation, "dev": partValidation,
	"test": partTest, "testing": partTest,
}

// part tells which part a folder is for by its name, "" for none: train, Training, training_set, val-images, test data.
func part(name string) string {
	name = strings.ToLower(name)
	for _, more := range []string{"set", "data", "images"} {
		if short, ok := strings.CutSuffix(name, more); ok {
			name = strings.TrimRight(short, "_- ")
			break
		}
	}
	return partNames[name]
}

// newLayout finds the classes in the paths of image files: folder/…/file, or train/folder/…/file beside
// test/folder/…/file or validation/folder/…/file, all perhaps inside one more folder. Labels are matched by the names
// of the classes, which are those of the training part.
func newLayout(names []string) (layout, error) {
	slices.Sort(names)
	var l layout
	byTop := inFolders(names, "")
	for len(byTop) == 1 {
		inner := inFolders(byTop[0].names, byTop[0].prefix)
		if len(inner) == 0 {
			break
		}
		byTop, l.root = inner, byTop[0].prefix
	}
	train, validation, test := findPart(byTop, partTrain), findPart(byTop, partValidation), findPart(byTop, partTest)
	if train == nil || validation == nil && test == nil {
		if (train != nil || validation != nil || test != nil) && !slices.ContainsFunc(byTop, folder.hasImages) {
			return l, fmt.Errorf("%s hold only folders; if they are parts, name them train, validation and test (train and one more at least), if they are classes, put images right into them", join(byTop))
		}
		l.addClasses(byTop)
		return l, l.check()
	}
	for _, p := range []*folder{train, validation, test} {
		if p == nil {
			continue
		}
		l.parts = append(l.parts, *p)
		for _, name := range p.names {
			if !strings.Contains(name[len(p.prefix):], "/") {
				return l, fmt.Errorf("%s: not in the folder of a class; put it in one", printed(name))
			}
		}
	}
	l.addClasses(inFolders(train.names, train.prefix))
	for _, p := range []struct {
		of   *folder
		into *[]labelled
	}{{validation, &l.validation}, {test, &l.test}} {
		if p.of == nil {
			continue
		}
		for _, f := range inFolders(p.of.names, p.of.prefix) {
			class := slices.Index(l.classes, f.name)
			if class < 0 {
				return l, fmt.Errorf("%s: class %s has no training images; add some to %s", printed(f.names[0]), printed(f.name), printed(train.prefix))
			}
			*p.into = append(*p.into, f.label(class)...)
		}
	}
	return l, l.check()
}

// check wants two classes.
func (l *layout) check() error {
	switch len(l.classes) {
	case 0:
		return errNoClasses
	case 1:
		return fmt.Errorf("one class only, %s; make a folder of images for each of two or more", printed(l.classes[0]))
	}
	return nil
}

// unused notes the images that are in no class, and folders that would be one but for want of images.
func (l *layout) unused(s *survey) {
	used := make(map[string]bool, len(s.shapes))
	for _, f := range slices.Concat(l.train, l.validation, l.test) {
		used[f.name] = true
	}
	for name := range s.shapes {
		switch {
		case used[name]:
			continue
		case len(l.parts) > 0:
			s.left.add("not in "+join(l.parts), name)
		default:
			s.left.add("in the folder of no class", name)
		}
		delete(s.shapes, name) // it is no fault either if it cannot be read
		delete(s.faults, name)
	}
	above := []string{l.root}
	if len(l.parts) > 0 {
		above = nil
		for _, p := range l.parts {
			above = append(above, p.prefix)
		}
	}
	for _, name := range s.folders {
		dir, base := path.Split(name)
		if slices.Contains(above, dir) && !slices.Contains(l.classes, base) && !hidden(base) {
			l.empty = append(l.empty, name)
		}
	}
}

// say tells what is unusual about the folders.
func (l *layout) say(note func(string)) {
	if len(l.validation) > 0 && len(l.test) == 0 {
		note("there is no folder of test images: a sixth of the training images is for testing")
	}
	if len(l.empty) > 0 {
		note("left out, folders without images: " + listed(l.empty))
	}
}

// listed is a list of names of which only the first are shown.
func listed(names []string) string { return first(names, shown) }

// first lists the first of some names, at most so many, and says how many more there are.
func first(names []string, most int) string {
	list := make([]string, 0, most)
	for _, name := range names[:min(most, len(names))] {
		list = append(list, printed(name))
	}
	return strings.Join(list, ", ") + more(len(names)-most)
}

// addClasses makes each folder a class, in the order of their names: of numbers by value, where all names are such.
func (l *layout) addClasses(folders []folder) {
	names := make([]string, len(folders))
	for i, f := range folders {
		names[i] = f.name
	}
	if allNumbers(names) {
		slices.SortStableFunc(folders, func(a, b folder) int { return compareNumbers(a.name, b.name) })
	}
	for class, f := range folders {
		l.classes = append(l.classes, f.name)
		l.train = append(l.train, f.label(class)...)
	}
}

// allNumbers tells whether all names are whole numbers, written in digits.
func allNumbers(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return name == "" || strings.ContainsFunc(name, func(r rune) bool { return r < '0' || r > '9' })
	})
}

// compareNumbers compares two numbers of any length, written in digits.
func compareNumbers(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

// A folder is a folder with the image files below it, at any depth.
type folder struct {
	name, prefix string // its name, and its path with a slash at the end
	names        []string
}

// hasImages tells whether there are images in the folder itself.
func (f folder) hasImages() bool {
	return slices.ContainsFunc(f.names, func(name string) bool { return !strings.Contains(name[len(f.prefix):], "/") })
}

// join lists the folders' names.
func join(folders []folder) string {
	names := make([]string, len(folders))
	for i, f := range folders {
		names[i] = f.name
	}
	return listed(names)
}

func (f folder) label(class int) []labelled {
	files := make([]labelled, len(f.names))
	for i, name := range f.names {
		files[i] = labelled{name, int32(class)}
	}
	return files
}

// inFolders groups sorted paths that begin with prefix by the folder that comes next, and sorts the folders by name.
// Files in no further folder are left out.
func inFolders(names []string, prefix string) (folders []folder) {
	for _, name := range names {
		element, _, below := strings.Cut(name[len(prefix):], "/")
		if !below {
			continue
		}
		if n := len(folders); n == 0 || folders[n-1].name != element {
			folders = append(folders, folder{name: element, prefix: prefix + element + "/"})
		}
		last := &folders[len(folders)-1]
		last.names = append(last.names, name)
	}
	slices.SortFunc(folders, func(a, b folder) int { return strings.Compare(a.name, b.name) })
	return folders
}

// findPart returns the folder of a part, or nil.
func findPart(folders []folder, of string) *folder {
	for i := range folders {
		if part(folders[i].name) == of {
			return &folders[i]
		}
	}
	return nil
}
