// SPDX-License-Identifier: Apache-2.0

package plural_test

import (
	"testing"

	"github.com/goqat/goqat/internal/plural"
)

func TestOf(t *testing.T) {
	for n, want := range map[int]string{0: "0 images", 1: "1 image", 2: "2 images"} {
		if got := plural.Of(n, "image"); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if got := plural.Do(0, "integer", "differ") + ", " + plural.Do(1, "integer", "differ"); got != "0 integers differ, 1 integer differs" {
		t.Error(got)
	}
	if got := plural.Of(1, "class") + ", " + plural.Of(2, "class"); got != "1 class, 2 classes" {
		t.Error(got)
	}
}
