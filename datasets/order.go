// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// A draw is an image of an epoch: its index in the split, and how often it came before in the epoch.
type draw struct{ index, repeat int32 }

// Drawn returns how many images of each class an epoch has if its classes are balanced: as many images altogether as
// the split has, a class of n of them a part in proportion to n^(1−balance). So 0 leaves the classes as they are, and 1
// makes them equal. Every class that has an image is drawn at least once where there are as many images as classes.
func (s Split) Drawn(classes int, balance float64) []int {
	counts := s.counts(classes)
	if balance == 0 {
		return counts
	}
	parts, total := make([]float64, classes), 0.0
	for c, n := range counts {
		if n > 0 {
			parts[c] = math.Pow(float64(n), 1-balance)
			total += parts[c]
		}
	}
	drawn, left := make([]int, classes), s.Len()
	for c := range parts {
		if counts[c] > 0 {
			parts[c] *= float64(s.Len()) / total
			drawn[c] = max(1, int(parts[c]))
			left -= drawn[c]
		}
	}
	// What rounding left goes to the largest remainders, what it took comes from the most drawn.
	byRemainder := make([]int, classes)
	for c := range byRemainder {
		byRemainder[c] = c
	}
	slices.SortStableFunc(byRemainder, func(a, b int) int {
		return cmp.Compare(parts[b]-math.Floor(parts[b]), parts[a]-math.Floor(parts[a]))
	})
	for i := 0; left > 0; i = (i + 1) % classes {
		if c := byRemainder[i]; counts[c] > 0 {
			drawn[c]++
			left--
		}
	}
	for ; left < 0; left++ {
		drawn[slices.Index(drawn, slices.Max(drawn))]--
	}
	return drawn
}

// An order says which images the epochs of a split have, and in which order.
type order struct {
	draws   []draw
	seed    uint64
	shuffle bool
	byClass [][]int32 // the images of each class, nil unless classes are balanced
	drawn   []int     // of each class, in an epoch
}

func newOrder(s Split, o LoaderOptions) *order {
	r := &order{draws: make([]draw, s.Len()), seed: o.Seed, shuffle: o.Shuffle}
	if o.Balance > 0 {
		classes := int(slices.Max(s.Labels)) + 1
		r.byClass, r.drawn = make([][]int32, classes), s.Drawn(classes, o.Balance)
		for i, label := range s.Labels {
			r.byClass[label] = append(r.byClass[label], int32(i))
		}
	}
	return r
}

// arrange sets the draws to those of an epoch.
func (r *order) arrange(epoch int) {
	for i := range r.draws {
		r.draws[i] = draw{int32(i), 0}
	}
	if r.byClass != nil {
		r.balance(epoch)
	}
	if r.shuffle {
		var p rand.PCG
		seedStream(&p, r.seed, purposeShuffle, uint64(epoch), 0)
		shuffle(&p, r.draws)
	}
}

// balance fills an epoch class by class. Each class has an endless sequence of its images, in rounds of a new order
// each, of which the epochs take one part after the other: so all images of a class come equally often, and no epoch
// depends on what came before.
func (r *order) balance(epoch int) {
	next := 0
	for class, images := range r.byClass {
		at := epoch * r.drawn[class]
		first := at / max(1, len(images))
		var round []int32
		for k := range r.drawn[class] {
			number, place := (at+k)/len(images), (at+k)%len(images)
			if round == nil || place == 0 {
				round = r.round(class, number)
			}
			r.draws[next] = draw{round[place], int32(number - first)}
			next++
		}
	}
}

// round returns the images of a class in the order of a round.
func (r *order) round(class, number int) []int32 {
	images := slices.Clone(r.byClass[class])
	var p rand.PCG
	seedStream(&p, r.seed, purposeBalance, uint64(class), uint64(number))
	shuffle(&p, images)
	return images
}
