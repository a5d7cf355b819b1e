// SPDX-License-Identifier: Apache-2.0

package amxtest

import (
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// Hammer runs work on 48 goroutines while garbage is collected, a profile is taken and all threads get signals as for
// preemption, for a second, or for as long as GOQAT_HAMMER says, such as 1m. Tiles are a thread's: a product configures them,
// uses them and gives them up in one call, in which no goroutine is moved to another thread. Each goroutine prepares its work
// once, and what that returns says whether it came out right.
func Hammer(t *testing.T, work func(goroutine int) (right func() bool)) {
	t.Helper()
	length := time.Second
	if text := os.Getenv("GOQAT_HAMMER"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(8))
	if err := pprof.StartCPUProfile(io.Discard); err == nil {
		defer pprof.StopCPUProfile()
	}
	stop := time.Now().Add(length)
	var runs, signals, collections atomic.Int64
	var all sync.WaitGroup
	for g := range 48 {
		all.Go(func() {
			right := work(g)
			for time.Now().Before(stop) {
				if !right() {
					t.Errorf("work %d came out wrong", g)
					return
				}
				runs.Add(1)
			}
		})
	}
	all.Go(func() {
		for time.Now().Before(stop) {
			runtime.GC()
			collections.Add(1)
		}
	})
	all.Go(func() {
		for time.Now().Before(stop) {
			signals.Add(signalThreads(t))
		}
	})
	all.Wait()
	t.Logf("%d runs, %d signals, %d collections in %v", runs.Load(), signals.Load(), collections.Load(), length)
}

// signalThreads sends every thread of the process the signal of preemption, and returns how many got it.
func signalThreads(t *testing.T) (sent int64) {
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Error(err)
	}
	for _, task := range tasks {
		thread, _ := strconv.Atoi(task.Name())
		if _, _, errno := syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(thread), uintptr(syscall.SIGURG)); errno == 0 {
			sent++ // the others have ended
		}
	}
	return sent
}
