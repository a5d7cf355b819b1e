// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"math/rand/v2"
	"slices"
)

// stratify divides the positions 0..len(labels)-1 into kept and held: of every class one part in parts is held, rounded
// to nearest, and at least one image where the class has two. Both lists ascend.
func stratify(labels []int32, parts int, seed uint64, use purpose) (kept, held []int) {
	var byClass [][]int
	for i, label := range labels {
		for int(label) >= len(byClass) {
			byClass = append(byClass, nil)
		}
		byClass[label] = append(byClass[label], i)
	}
	for class, positions := range byClass {
		var p rand.PCG
		seedStream(&p, seed, use, uint64(class), 0)
		shuffle(&p, positions)
		n := (len(positions) + parts/2) / parts
		if n == 0 && len(positions) >= 2 {
			n = 1
		}
		held = append(held, positions[:n]...)
		kept = append(kept, positions[n:]...)
	}
	slices.Sort(kept)
	slices.Sort(held)
	return kept, held
}
