// SPDX-License-Identifier: Apache-2.0

package term

import (
	"strings"
	"testing"
	"time"
)

// TestCountTellsOnce wants one line of each work that takes long where there is no
// terminal, and none of one that is short.
func TestCountTellsOnce(t *testing.T) {
	var out strings.Builder
	s := NewScreen(&out)
	clock := time.Now()
	s.now = func() time.Time { return clock }
	for range 2 {
		for i := range 101 {
			s.Count("images", i, 100)
			clock = clock.Add(100 * time.Millisecond)
		}
		s.Stop()
	}
	for i := range 10 {
		s.Count("verify", i, 10)
	}
	const line = "images: 20 of 100 after 2 s\n"
	if out.String() != line+line {
		t.Errorf("%q", out.String())
	}
}

// TestBarComesAfterAWhile wants no bar for what is done at once.
func TestBarComesAfterAWhile(t *testing.T) {
	var out strings.Builder
	s := NewScreen(&out)
	clock := time.Now()
	s.now, s.isTTY = func() time.Time { return clock }, true
	s.Count("images", 50, 100)
	if out.Len() > 0 {
		t.Errorf("%q at once", out.String())
	}
	clock = clock.Add(shownAfter)
	s.Count("images", 60, 100)
	if !strings.Contains(out.String(), "images") {
		t.Errorf("%q after a while", out.String())
	}
	s.Stop()
}
