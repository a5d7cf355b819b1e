// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"errors"
	"fmt"
	"slices"
)

// tagLayout puts images into classes and parts by their tags. Images without one are left out; those of other parts
// than the training part are matched with it by the name of their class.
func tagLayout(s *survey, classes []string) (layout, error) {
	var l layout
	for name := range s.shapes {
		if _, tagged := s.tags[name]; !tagged {
			s.left.add("without a label", name)
			delete(s.shapes, name)
			delete(s.faults, name)
		}
	}
	seen := map[string]bool{}
	for _, t := range s.tags {
		if t.trains() {
			seen[t.class] = true
		}
	}
	alone := len(seen) == 0 // a part that is not the training part, without others
	if alone {
		for _, t := range s.tags {
			seen[t.class] = true
		}
	}
	l.classes = orderClasses(seen, classes)
	index := make(map[string]int32, len(l.classes))
	for i, name := range l.classes {
		index[name] = int32(i)
	}
	for _, name := range s.names() {
		t := s.tags[name]
		class, known := index[t.class]
		if !known {
			return l, fmt.Errorf("%s: class %s has no training images; add some", printed(name), printed(t.class))
		}
		into := &l.train
		switch {
		case alone:
		case t.part == partValidation:
			into = &l.validation
		case t.part == partTest:
			into = &l.test
		}
		*into = append(*into, labelled{name, class})
	}
	switch len(l.classes) {
	case 0:
		return l, errors.New("no image has a label")
	case 1:
		return l, fmt.Errorf("all images are of the class %s; two or more classes are needed", printed(l.classes[0]))
	}
	return l, nil
}

// orderClasses are the classes that were seen, in the order of a list, where there is one, else by name, numbers by
// value.
func orderClasses(seen map[string]bool, list []string) []string {
	if list != nil {
		return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return !seen[name] })
	}
	var names []string
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	if allNumbers(names) {
		slices.SortStableFunc(names, compareNumbers)
	}
	return names
}

// trains tells whether an image is for training.
func (t tag) trains() bool { return t.part == "" || t.part == partTrain }
