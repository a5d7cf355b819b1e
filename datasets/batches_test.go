// SPDX-License-Identifier: Apache-2.0

package datasets_test

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/datasets"
)

// TestBatches divides seven images into batches of three: two whole ones and the rest.
func TestBatches(t *testing.T) {
	s := datasets.Split{Images: []uint8{0, 1, 2, 3, 4, 5, 6}, Labels: []int32{0, 1, 2, 3, 4, 5, 6}}
	var ends, first []int
	for b, err := range s.Batches(3) {
		if err != nil {
			t.Fatal(err)
		}
		ends, first = append(ends, b.End()), append(first, int(b.Images[0]))
		if b.First != first[len(first)-1] || b.Labels[0] != int32(b.First) || len(b.Images) != len(b.Labels) {
			t.Errorf("%+v", b)
		}
	}
	if !slices.Equal(ends, []int{3, 6, 7}) || !slices.Equal(first, []int{0, 3, 6}) {
		t.Errorf("batches up to %v that begin with %v", ends, first)
	}
	for range (datasets.Split{}).Batches(3) {
		t.Error("no images make a batch")
	}
}
