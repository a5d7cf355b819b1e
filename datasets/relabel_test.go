// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"slices"
	"strings"
	"testing"
)

// TestRelabelMatchesClassesByName has a set that lacks a class of the network, in
// another order, and one with a class that the network lacks.
func TestRelabelMatchesClassesByName(t *testing.T) {
	shared := []int32{0, 1, 1}
	d := &Dataset{Name: "pets", Classes: []string{"cat", "dog"}, Train: Split{Labels: shared}, Test: Split{Labels: []int32{1, 0}}}
	if err := d.Relabel([]string{"dog", "bird", "cat"}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(d.Train.Labels, []int32{2, 0, 0}) || !slices.Equal(d.Test.Labels, []int32{0, 2}) || len(d.Classes) != 3 || shared[0] != 0 {
		t.Errorf("%+v", d)
	}
	if got := some(strings.Split("a b c d e f g h i j k l m n", " ")); got != "a, b, c, d, e, f, g, h, i, j, k, l and 2 more" {
		t.Errorf("many classes are %q", got)
	}
	if err := d.Relabel([]string{"dog", "bird"}); err == nil || !strings.Contains(err.Error(), `"cat", which is no class of the network: it knows dog, bird`) {
		t.Errorf("error %v", err)
	}
}
