// SPDX-License-Identifier: Apache-2.0

//go:build mpi && linux && (amd64 || arm64)

package mpi

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/goqat/goqat/dist"
)

// A Comm is MPI_COMM_WORLD: the processes that a launcher has started together. One goroutine, bound
// to its thread, makes all calls (MPI_THREAD_FUNNELED).
type Comm struct {
	lib  *library
	rank int
	size int

	calls    chan func()
	aborting atomic.Bool
	out, in  stage
	to, from counts

	// Slow, if not nil, is told every Patience that a call has not returned for so long, on another
	// goroutine than its caller's: MPI does not tell that a rank hangs.
	Slow     func(call string, waited time.Duration)
	Patience time.Duration
}

var _ dist.Group = (*Comm)(nil)

// joined is the job of this process.
var joined atomic.Pointer[Comm]

// Exit ends the program by way of the C library, if it has joined a job: MPICH 5 leaves its launcher
// only then, and a launcher that was not left ends the other processes.
func Exit(code int) {
	if c := joined.Load(); c != nil {
		c.calls <- func() { purego.SyscallN(c.lib.exit, uintptr(code)) }
		select {}
	}
	os.Exit(code)
}

// Join loads the library and joins the job that the launcher has started. A process has one job, and
// joins it once.
func Join() (*Comm, error) {
	l := dist.Launched()
	before := handlers() // some libraries take them while they are loaded
	found, err := load(candidates(l))
	restore(before)
	if err != nil {
		return nil, err
	}
	c := &Comm{lib: found, calls: make(chan func()), Patience: time.Minute}
	ready := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: the thread that initializes makes all calls
		err := c.initialize()
		restore(before)
		ready <- err
		for call := range c.calls {
			call()
		}
	}()
	if err := <-ready; err != nil {
		return nil, err
	}
	joined.Store(c)
	if l.Size != c.size {
		return nil, fmt.Errorf("mpi: the launcher (%s) has started %d processes, but %s (%s) knows of %d: they are of different make; start with the mpirun of that library, or name the library of the launcher in %s", l.Name, l.Size, found.path, found.version, c.size, libraryVariable)
	}
	return c, nil
}

func (c *Comm) initialize() error {
	l := c.lib
	provided, rank, size := new(int32), new(int32), new(int32)
	if err := l.call("MPI_Init_thread", 0, 0, uintptr(l.funneled), uintptr(unsafe.Pointer(provided))); err != nil {
		return err
	}
	if *provided < l.funneled {
		return fmt.Errorf("mpi: %s (%s) allows no threads beside its own", l.path, l.version)
	}
	err := errors.Join(
		l.call("MPI_Comm_set_errhandler", l.world, l.returnErrors),
		l.call("MPI_Comm_rank", l.world, uintptr(unsafe.Pointer(rank))),
		l.call("MPI_Comm_size", l.world, uintptr(unsafe.Pointer(size))))
	c.rank, c.size = int(*rank), int(*size)
	c.to, c.from = newCounts(c.size), newCounts(c.size)
	return err
}

// String says which library moves the bytes.
func (c *Comm) String() string {
	return fmt.Sprintf("%s (%s, ABI of %s)", c.lib.version, c.lib.path, c.lib.name)
}

// Rank implements [dist.Group].
func (c *Comm) Rank() int { return c.rank }

// Size implements [dist.Group].
func (c *Comm) Size() int { return c.size }

// Exchange implements [dist.Group] by MPI_Ialltoallv.
func (c *Comm) Exchange(recv, send [][]byte) error {
	out, err := c.out.room(c.to.set(send))
	if err != nil {
		return err
	}
	in, err := c.in.room(c.from.set(recv))
	if err != nil {
		return err
	}
	for r, p := range send {
		copy(c.to.part(out, r), p)
	}
	l := c.lib
	err = c.do("exchange", func() error {
		return c.collective("MPI_Ialltoallv", c.out.pointer(), numbers(c.to.length), numbers(c.to.place), l.bytes,
			c.in.pointer(), numbers(c.from.length), numbers(c.from.place), l.bytes, l.world)
	})
	for r, p := range recv {
		copy(p, c.from.part(in, r))
	}
	return err
}

// Gather implements [dist.Group] by MPI_Iallgatherv.
func (c *Comm) Gather(parts [][]byte) error {
	message, err := c.in.room(c.from.set(parts))
	if err != nil {
		return err
	}
	copy(c.from.part(message, c.rank), parts[c.rank])
	l := c.lib
	err = c.do("gather", func() error {
		return c.collective("MPI_Iallgatherv", l.inPlace, 0, l.bytes, c.in.pointer(), numbers(c.from.length), numbers(c.from.place), l.bytes, l.world)
	})
	for r, p := range parts {
		if r != c.rank {
			copy(p, c.from.part(message, r))
		}
	}
	return err
}

// Broadcast implements [dist.Group] by MPI_Ibcast.
func (c *Comm) Broadcast(b []byte) error {
	message, err := c.in.room(len(b))
	if err != nil {
		return err
	}
	copy(message, b)
	err = c.do("broadcast", func() error {
		return c.collective("MPI_Ibcast", c.in.pointer(), uintptr(len(b)), c.lib.bytes, 0, c.lib.world)
	})
	copy(b, message)
	return err
}

// Close implements [dist.Group] by MPI_Finalize.
func (c *Comm) Close() error {
	return c.do("finalize", func() error { return c.lib.call("MPI_Finalize") })
}

// Abort implements [dist.Group] by MPI_Abort, and ends this process.
func (c *Comm) Abort() {
	c.aborting.Store(true) // the thread may be waiting for a call
	select {
	case c.calls <- c.abortHere:
	case <-time.After(time.Second):
	}
	time.Sleep(time.Second)
	os.Exit(1) // the launcher then ends the others
}

func (c *Comm) abortHere() {
	_ = c.lib.call("MPI_Abort", c.lib.world, 1) // if it returns, Abort ends the process
}

// do has the library's thread make a call.
func (c *Comm) do(what string, call func() error) error {
	done := make(chan error, 1)
	c.calls <- func() { done <- call() }
	start := time.Now()
	impatient := time.NewTicker(c.Patience)
	defer impatient.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-impatient.C:
			if c.Slow != nil {
				c.Slow(what, time.Since(start))
			}
		}
	}
}

// How a call is waited for.
const (
	eager       = 20 * time.Millisecond // it yields the processor for so long, then it sleeps
	shortestNap = 50 * time.Microsecond
	longestNap  = 5 * time.Millisecond
	naps        = 1000 // so many make up the time waited so far
	looks       = 16   // between looks at the clock while it yields
)

// collective makes a call and waits for it. Libraries wait without a pause, which is ruin where ranks
// share processors with each other or with anybody else; so it starts the form of the call that does not wait
// and gives up the processor between looks.
//
//go:uintptrescapes
func (c *Comm) collective(name string, args ...uintptr) error {
	request, done := new(uintptr), new(int32) // of the request MPICH uses 4 bytes
	if err := c.lib.call(name, append(args, uintptr(unsafe.Pointer(request)))...); err != nil {
		return err
	}
	start := time.Now()
	for i := 1; ; i++ {
		if err := c.lib.call("MPI_Test", uintptr(unsafe.Pointer(request)), uintptr(unsafe.Pointer(done)), c.lib.ignoreStatus); err != nil || *done != 0 {
			return err
		}
		if c.aborting.Load() {
			c.abortHere()
		}
		if i%looks == 0 {
			if waited := time.Since(start); waited > eager {
				i--
				time.Sleep(min(max(waited/naps, shortestNap), longestNap))
				continue
			}
		}
		syscall.Syscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
	}
}
