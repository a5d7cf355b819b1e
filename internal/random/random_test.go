// SPDX-License-Identifier: Apache-2.0

package random_test

import (
	"testing"

	"github.com/goqat/goqat/internal/random"
)

// TestMix has the first numbers of SplitMix64 with the seed 0, as its authors' program
// prints them.
func TestMix(t *testing.T) {
	state := uint64(0)
	for i, want := range []uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f} {
		if got := random.Mix(state); got != want {
			t.Errorf("number %d is %#x, want %#x", i, got, want)
		}
		state += 0x9e3779b97f4a7c15
	}
}
