// SPDX-License-Identifier: Apache-2.0

package datasets_test

import (
	"slices"
	"testing"

	"github.com/goqat/goqat/datasets"
)

func TestBatches(t *testing.T) {
	s := datasets.Split{Images: []uint8{1, 1, 2, 2, 3, 3, 4, 4, 5, 5}, Labels: []int32{1, 2, 3, 4, 5}}
	var ends []int
	var again datasets.Split
	for end, b := range s.Batches(2) {
		ends = append(ends, end)
		again.Images, again.Labels = append(again.Images, b.Images...), append(again.Labels, b.Labels...)
		if len(b.Images) != 2*b.Len() {
			t.Errorf("%+v", b)
		}
	}
	if !slices.Equal(ends, []int{2, 4, 5}) || !slices.Equal(again.Images, s.Images) || !slices.Equal(again.Labels, s.Labels) {
		t.Errorf("%v, %+v", ends, again)
	}
	for range (datasets.Split{}).Batches(2) {
		t.Error("a batch of nothing")
	}
	for end := range s.Batches(9) {
		if end != 5 {
			t.Error(end)
		}
	}
}
