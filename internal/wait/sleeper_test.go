// SPDX-License-Identifier: Apache-2.0

package wait

import (
	"sync/atomic"
	"testing"
)

// TestSleeper hands a number back and forth between two goroutines that sleep at once or after some looks, and so proves
// that no call to wake up is lost.
func TestSleeper(t *testing.T) {
	for _, looks := range []int{0, 1, 50} {
		const turns = 2000
		var turn atomic.Int64
		there, here := NewSleeper(looks), NewSleeper(looks)
		ended := make(chan int64)
		go func() {
			for there.Until(func() bool { return turn.Load()%2 == 1 }) {
				turn.Add(1)
				here.Rouse()
			}
			ended <- turn.Load()
		}()
		for n := range int64(turns) {
			turn.Add(1)
			there.Rouse()
			if !here.Until(func() bool { return turn.Load() == 2*n+2 }) {
				t.Fatal("closed")
			}
		}
		there.Close()
		if got := <-ended; got != 2*turns {
			t.Errorf("%d looks: %d turns, want %d", looks, got, 2*turns)
		}
	}
}
