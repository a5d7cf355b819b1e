// SPDX-License-Identifier: Apache-2.0

// Package wait lets threads wait for work that takes less time than waking one.
package wait

import (
	"runtime"
	"sync/atomic"
)

// A Sleeper waits for a condition that others make true: it looks for a while whether it is before it sleeps. One
// goroutine waits at a time; any may rouse it.
type Sleeper struct {
	looks  int
	asleep atomic.Bool
	wake   chan struct{}
}

// between is the number of looks before one that yields the processor.
const between = 30

// NewSleeper returns a sleeper that yields the processor so many times before it sleeps, each after 30 looks: 200 are
// some tens of microseconds.
func NewSleeper(looks int) *Sleeper {
	return &Sleeper{looks: looks, wake: make(chan struct{}, 1)}
}

// Until returns true when the condition is, and false once the sleeper is closed and has looked in vain. Whoever makes
// the condition true calls Rouse after that.
func (s *Sleeper) Until(condition func() bool) bool {
	for {
		for range s.looks {
			for range between {
				if condition() {
					return true
				}
			}
			runtime.Gosched()
		}
		s.asleep.Store(true)
		if condition() && s.asleep.CompareAndSwap(true, false) {
			return true
		}
		if _, open := <-s.wake; !open {
			return false
		}
	}
}

// Rouse has the sleeper look again, if it sleeps.
func (s *Sleeper) Rouse() {
	if s.asleep.Load() && s.asleep.CompareAndSwap(true, false) {
		s.wake <- struct{}{}
	}
}

// Close ends the wait. It is called once, and no Rouse follows.
func (s *Sleeper) Close() { close(s.wake) }
