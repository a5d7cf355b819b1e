// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/internal/plural"
)

// say tells what the data is, how many images each class has, and which images are in
// two parts.
func (s split) say(on teller) {
	on.note(s.String())
	on.note(s.counts())
	for _, part := range []struct {
		name   string
		images datasets.Split
	}{{"validation", s.validation}, {"test", s.Test}} {
		if same := part.images.Repeated(s.train); len(same) > 0 {
			on.note(fmt.Sprintf("warning: training images, too, which say nothing of new ones: %d of %s (%s); remove them from one of the two parts",
				len(same), plural.Of(part.images.Len(), part.name+" image"), part.images.Names(same)))
		}
	}
}

// classCount are the images of a class in the three parts.
type classCount struct {
	index, train, validation, test int
	name                           string
}

func (c classCount) String() string {
	return fmt.Sprintf("%d %s %d/%d/%d", c.index, c.name, c.train, c.validation, c.test)
}

// mostCounted is the greatest number of classes whose counts fit a line.
const mostCounted = 20

// counts tells how many images each class has, of many classes the fewest and the most.
func (s split) counts() string {
	all := make([]classCount, len(s.Classes))
	for i, name := range s.Classes {
		all[i] = classCount{index: i, name: name}
	}
	for _, label := range s.train.Labels {
		all[label].train++
	}
	for _, label := range s.validation.Labels {
		all[label].validation++
	}
	for _, label := range s.Test.Labels {
		all[label].test++
	}
	const parts = "images a class (train/validation/test)"
	if len(all) > mostCounted {
		byTrain := func(a, b classCount) int { return cmp.Compare(a.train, b.train) }
		return fmt.Sprintf("%s: from %v to %v, %d classes", parts, slices.MinFunc(all, byTrain), slices.MaxFunc(all, byTrain), len(all))
	}
	list := make([]string, len(all))
	for i, c := range all {
		list[i] = c.String()
	}
	return parts + ": " + strings.Join(list, ", ")
}
