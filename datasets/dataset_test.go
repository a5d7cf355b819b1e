// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// spread makes a split of one-pixel images of the given number for each class, mixed.
func spread(counts ...int) Split {
	var s Split
	for class, n := range counts {
		for range n {
			s.Labels = append(s.Labels, int32(class))
		}
	}
	shuffle(rand.NewPCG(5, 5), s.Labels)
	s.Images = make([]uint8, len(s.Labels)*4)
	for i := range s.Labels {
		s.Images[4*i], s.Images[4*i+1] = uint8(i), uint8(i>>8)
	}
	return s
}

func indices(s Split) (all []int) {
	for i := range s.Len() {
		all = append(all, int(s.image(i)[0])|int(s.image(i)[1])<<8)
	}
	return all
}

func TestHoldout(t *testing.T) {
	counts := []int{100, 55, 14, 6, 2, 1, 0, 1000}
	held := []int{10, 6, 1, 1, 1, 0, 0, 100}
	s, whole := spread(counts...), spread(counts...)
	train, validation := s.Holdout(1)
	var got [8]int
	for i, label := range validation.Labels {
		got[label]++
		if at := indices(validation)[i]; whole.Labels[at] != label {
			t.Fatalf("image %d has label %d, not %d", at, label, whole.Labels[at])
		}
	}
	if !slices.Equal(got[:], held) {
		t.Errorf("held out %v, not %v", got, held)
	}
	kept, out := indices(train), indices(validation)
	if !slices.IsSorted(kept) || !slices.IsSorted(out) {
		t.Error("the order is not the original one")
	}
	all := append(kept, out...)
	slices.Sort(all)
	for i, at := range all {
		if i != at {
			t.Fatalf("image %d is twice or nowhere", i)
		}
	}
	if &train.Images[0] != &s.Images[0] || len(train.Images)+len(validation.Images) != len(s.Images) {
		t.Error("the parts are copies")
	}
	if _, again := spread(counts...).Holdout(1); !slices.Equal(out, indices(again)) {
		t.Error("one seed, two choices")
	}
	if _, other := spread(counts...).Holdout(2); slices.Equal(out, indices(other)) {
		t.Error("two seeds, one choice")
	}
}

func TestSubsetAndHead(t *testing.T) {
	s := spread(5, 5)
	if sub := s.Subset([]int{7, 0, 7}); !slices.Equal(indices(sub), []int{7, 0, 7}) || sub.Labels[0] != s.Labels[7] {
		t.Errorf("subset %v", sub)
	}
	if empty := s.Subset(nil); empty.Len() != 0 {
		t.Errorf("subset of none %v", empty)
	}
	if head := s.Head(3); head.Len() != 3 || !bytes.Equal(head.Images, s.Images[:12]) {
		t.Errorf("head %v", head)
	}
	if head := s.Head(100); head.Len() != 10 {
		t.Errorf("head %v", head)
	}
}

func TestMeanDeviation(t *testing.T) {
	for _, c := range []struct {
		values          []uint8
		mean, deviation float64
	}{
		{[]uint8{0, 255}, 0.5, 0.5},
		{[]uint8{0, 0, 0, 255}, 0.25, math.Sqrt(3) / 4},
		{[]uint8{51, 51, 51}, 0.2, 1. / 255},
		{nil, 0, 1. / 255},
	} {
		mean, deviation, err := MeanDeviation(Split{Images: c.values, Labels: make([]int32, len(c.values))})
		if err != nil || math.Abs(mean-c.mean) > 1e-15 || math.Abs(deviation-c.deviation) > 1e-15 {
			t.Errorf("%v: %v, %v, not %v, %v", c.values, mean, deviation, c.mean, c.deviation)
		}
	}
	// The mean and deviation published for the training images of MNIST's sister set are near those of its tenth part.
	mean, deviation, err := MeanDeviation(sampleSet(t).Train)
	if err != nil || math.Abs(mean-0.2860) > 0.002 || math.Abs(deviation-0.3530) > 0.002 {
		t.Errorf("fashion-sample: %v, %v", mean, deviation)
	}
}

// TestSpread takes images at equal distances, or all.
func TestSpread(t *testing.T) {
	s := Split{Images: []uint8{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, Labels: make([]int32, 10)}
	for _, c := range []struct {
		n    int
		want []uint8
	}{{0, nil}, {1, []uint8{0}}, {3, []uint8{0, 3, 6}}, {10, s.Images}, {99, s.Images}} {
		if got := s.Spread(c.n).Images; !slices.Equal(got, c.want) {
			t.Errorf("%d of 10: %v, want %v", c.n, got, c.want)
		}
	}
}
