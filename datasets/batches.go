// SPDX-License-Identifier: Apache-2.0

package datasets

import "iter"

// Batches yields the split in parts of n images, the last with those that are left, each
// with the number of images up to its end.
func (s Split) Batches(n int) iter.Seq2[int, Split] {
	return func(yield func(int, Split) bool) {
		for at := 0; at < s.Len(); at += n {
			end := min(at+n, s.Len())
			if !yield(end, s.at(at, end)) {
				return
			}
		}
	}
}
