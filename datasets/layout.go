// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A layout says which files are images of which class. Train and test ascend by path.
type layout struct {
	classes     []string
	train, test []labelled // test is empty where the folders make no difference
}

type labelled struct {
	name  string
	class int32
}

var errNoClasses = errors.New("no PNG or JPEG images in folders; make one folder of images per class")

// newLayout finds the classes in the paths of image files: folder/…/file, or train/folder/…/file and test/folder/…/file, all perhaps inside
// one more folder. For test stands val, valid or validation where there is no test; where there is, these are left out, since a part of the
// training images is held out for validation anyway.
func newLayout(names []string) (layout, error) {
	slices.Sort(names)
	byTop := inFolders(names, "")
	for len(byTop) == 1 {
		inner := inFolders(byTop[0].names, byTop[0].prefix)
		if len(inner) == 0 {
			break
		}
		byTop = inner
	}
	train, test := findFolder(byTop, "train", "training"), findFolder(byTop, "test", "testing")
	if test == nil {
		test = findFolder(byTop, "val", "valid", "validation")
	}
	var l layout
	if train == nil || test == nil {
		if (train != nil || test != nil) && !slices.ContainsFunc(byTop, folder.hasImages) {
			return l, fmt.Errorf("%s hold only folders; if they are parts, name them train and test, if they are classes, put images right into them", join(byTop))
		}
		l.addClasses(byTop)
	} else {
		for _, part := range []*folder{train, test} {
			for _, name := range part.names {
				if !strings.Contains(name[len(part.prefix):], "/") {
					return l, fmt.Errorf("%s: not in the folder of a class; put it in one", name)
				}
			}
		}
		l.addClasses(inFolders(train.names, train.prefix))
		for _, f := range inFolders(test.names, test.prefix) {
			class := slices.Index(l.classes, f.name)
			if class < 0 {
				return l, fmt.Errorf("%s: class %s has no training images; add some to %s", f.names[0], f.name, train.prefix)
			}
			l.test = append(l.test, f.label(class)...)
		}
	}
	switch len(l.classes) {
	case 0:
		return l, errNoClasses
	case 1:
		return l, fmt.Errorf("one class only, %s; make a folder of images for each of two or more", l.classes[0])
	}
	return l, nil
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
	return strings.Join(names, ", ")
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
