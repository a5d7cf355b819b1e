// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"strconv"
	"strings"
)

// Unnamed says whether classes are called by their index, as those of a network from
// a file that does not name them.
func Unnamed(classes []string) bool {
	for i, name := range classes {
		if name != strconv.Itoa(i) {
			return false
		}
	}
	return true
}

// Relabel gives the images the labels of other classes, which are the same by name:
// those of a network that the set is shown to, of which it may lack some. Unnamed
// classes are the set's own, in its order, if they are as many. Labels that others hold
// stay as they are. A class of the set that is none of these is an error.
func (d *Dataset) Relabel(classes []string) error {
	if Unnamed(classes) && len(classes) == len(d.Classes) {
		return nil
	}
	index := make(map[string]int32, len(classes))
	for i, name := range classes {
		index[name] = int32(i)
	}
	of := make([]int32, len(d.Classes))
	for i, name := range d.Classes {
		label, known := index[name]
		if !known {
			return fmt.Errorf("datasets: data set %s has images of %q, which is no class of the network: it knows %s", d.Name, name, some(classes))
		}
		of[i] = label
	}
	for _, part := range []*Split{&d.Train, &d.Validation, &d.Test} {
		labels := make([]int32, part.Len())
		for i, label := range part.Labels {
			labels[i] = of[label]
		}
		part.Labels = labels
	}
	d.Classes = classes
	return nil
}

// some writes the first of a list of classes, and how many there are.
func some(classes []string) string {
	const most = 12
	if len(classes) <= most {
		return strings.Join(classes, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(classes[:most], ", "), len(classes)-most)
}
