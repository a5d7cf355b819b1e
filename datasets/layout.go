// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// A layout says which files are images of which class. Train and test ascend by path.
type layout struct {
	classes     []string
	train, test []labelled // test is empty where the folders make no difference
	root        string     // path of the folder that holds the parts or the classes, with a slash at the end or empty
	parts       []folder   // train and test, if there are such
	validation  *folder    // of a set that has a test part, too
	empty       []string   // folders without images where those of classes are
}

type labelled struct {
	name  string
	class int32
}

var errNoClasses = errors.New("no images in folders; make one folder of images per class")

// newLayout finds the classes in the paths of image files: folder/…/file, or train/folder/…/file and test/folder/…/file, all perhaps inside
// one more folder. For test stands val, valid or validation where there is no test; where there is, these are left out, since a part of the
// training images is held out for validation anyway.
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
	train, test := findFolder(byTop, "train", "training"), findFolder(byTop, "test", "testing")
	validation := findFolder(byTop, "val", "valid", "validation")
	if test == nil {
		test, validation = validation, nil
	}
	if train == nil || test == nil {
		if (train != nil || test != nil) && !slices.ContainsFunc(byTop, folder.hasImages) {
			return l, fmt.Errorf("%s hold only folders; if they are parts, name them train and test, if they are classes, put images right into them", join(byTop))
		}
		l.addClasses(byTop)
	} else {
		l.parts, l.validation = []folder{*train, *test}, validation
		for _, part := range l.parts {
			for _, name := range part.names {
				if !strings.Contains(name[len(part.prefix):], "/") {
					return l, fmt.Errorf("%s: not in the folder of a class; put it in one", printed(name))
				}
			}
		}
		l.addClasses(inFolders(train.names, train.prefix))
		for _, f := range inFolders(test.names, test.prefix) {
			class := slices.Index(l.classes, f.name)
			if class < 0 {
				return l, fmt.Errorf("%s: class %s has no training images; add some to %s", printed(f.names[0]), printed(f.name), printed(train.prefix))
			}
			l.test = append(l.test, f.label(class)...)
		}
	}
	switch len(l.classes) {
	case 0:
		return l, errNoClasses
	case 1:
		return l, fmt.Errorf("one class only, %s; make a folder of images for each of two or more", printed(l.classes[0]))
	}
	return l, nil
}

// unused notes the images that are in no class, and folders that would be one but for want of images.
func (l *layout) unused(s *survey) {
	used := make(map[string]bool, len(l.train)+len(l.test))
	for _, f := range slices.Concat(l.train, l.test) {
		used[f.name] = true
	}
	for name := range s.shapes {
		switch {
		case used[name]:
			continue
		case l.validation != nil && strings.HasPrefix(name, l.validation.prefix):
			s.left.add("of "+printed(l.validation.name)+", since a tenth of the training images is held out for validation", name)
		case len(l.parts) > 0:
			s.left.add("neither in train nor in test", name)
		default:
			s.left.add("in the folder of no class", name)
		}
		delete(s.shapes, name) // it is no fault either if it cannot be read
		delete(s.faults, name)
	}
	above := []string{l.root}
	if len(l.parts) > 0 {
		above = []string{l.parts[0].prefix, l.parts[1].prefix}
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
	if len(l.parts) > 0 && findFolder(l.parts[1:], "test", "testing") == nil {
		note(fmt.Sprintf("there is no test folder; the test images are those of %s", printed(l.parts[1].name)))
	}
	if len(l.empty) > 0 {
		note("left out, folders without images: " + listed(l.empty))
	}
}

// listed is a list of names of which only the first are shown.
func listed(names []string) string {
	list := make([]string, 0, shown)
	for _, name := range names[:min(shown, len(names))] {
		list = append(list, printed(name))
	}
	return strings.Join(list, ", ") + more(len(names))
}

func (l *layout) addClasses(folders []folder) {
	for class, f := range folders {
		l.classes = append(l.classes, f.name)
		l.train = append(l.train, f.label(class)...)
	}
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

// inFolders groups sorted paths that begin with prefix by the folder that comes next, and sorts the folders by name. Files in no further
// folder are left out.
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

func findFolder(folders []folder, names ...string) *folder {
	for i := range folders {
		if slices.Contains(names, strings.ToLower(folders[i].name)) {
			return &folders[i]
		}
	}
	return nil
}
