// SPDX-License-Identifier: Apache-2.0

// Package disttest has groups of several ranks in one process, for tests.
package disttest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/goqat/goqat/dist"
)

// ErrAborted is what the calls of a group return once a rank has aborted its job, or has left
// it.
var ErrAborted = errors.New("disttest: the job is aborted")

// Run calls f as each of so many ranks, at the same time, and returns what they return, by
// rank. The job is aborted when one of them returns and others wait for it.
func Run(size int, f func(g dist.Group) error) []error {
	j := &job{size: size, calls: make([]call, size)}
	j.changed.L = &j.lock
	errs := make([]error, size)
	var ranks sync.WaitGroup
	for r := range size {
		ranks.Go(func() {
			g := &group{job: j, rank: r}
			errs[r] = f(g)
			g.Abort() // whoever still waits for this rank waits in vain
		})
	}
	ranks.Wait()
	return errs
}

// A job is what its ranks share.
type job struct {
	size    int
	lock    sync.Mutex
	changed sync.Cond
	calls   []call
	here    int // ranks that have come to the point where all meet
	meeting int // number of that point
	aborted bool
	sent    int // bytes from one rank to another
}

// A call is what a rank is about.
type call struct {
	what string
	send [][]byte
	b    []byte
}

type group struct {
	*job
	rank int
}

var _ dist.Group = (*group)(nil)

// Sent returns how many bytes all ranks of a group of Run have sent to others so far.
func Sent(g dist.Group) int {
	j := g.(*group).job
	j.lock.Lock()
	defer j.lock.Unlock()
	return j.sent
}

func (g *group) Rank() int    { return g.rank }
func (g *group) Size() int    { return g.size }
func (g *group) Close() error { return g.together(call{what: "close"}, func() error { return nil }) }

func (g *group) Abort() {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.aborted = true
	g.changed.Broadcast()
}

// meet waits until all ranks are here.
func (g *group) meet() error {
	g.lock.Lock()
	defer g.lock.Unlock()
	at := g.meeting
	if g.here++; g.here == g.size {
		g.here = 0
		g.meeting++
		g.changed.Broadcast()
	}
	for g.meeting == at && !g.aborted {
		g.changed.Wait()
	}
	if g.meeting == at {
		return ErrAborted
	}
	return nil
}

// together has all ranks make the same call: each reads what the others show.
func (g *group) together(c call, read func() error) error {
	g.calls[g.rank] = c
	if err := g.meet(); err != nil {
		return err
	}
	err := read()
	for r, other := range g.calls {
		if other.what != c.what {
			err = fmt.Errorf("disttest: rank %d is in %s, rank %d in %s", g.rank, c.what, r, other.what)
		}
	}
	if failed := g.meet(); failed != nil { // nobody changes what another one still reads
		return failed
	}
	return err
}

// take copies what rank r gives.
func (g *group) take(dst []byte, r int, src []byte) error {
	if len(dst) != len(src) {
		return fmt.Errorf("disttest: rank %d gives %d bytes, rank %d takes %d", r, len(src), g.rank, len(dst))
	}
	copy(dst, src)
	if r != g.rank {
		g.lock.Lock()
		defer g.lock.Unlock()
		g.sent += len(src)
	}
	return nil
}

func (g *group) Exchange(recv, send [][]byte) error {
	return g.together(call{what: "exchange", send: send}, func() (err error) {
		for r := range g.size {
			err = errors.Join(err, g.take(recv[r], r, g.calls[r].send[g.rank]))
		}
		return err
	})
}

func (g *group) Gather(parts [][]byte) error {
	own := bytes.Clone(parts[g.rank])
	return g.together(call{what: "gather", b: own}, func() (err error) {
		for r := range g.size {
			err = errors.Join(err, g.take(parts[r], r, g.calls[r].b))
		}
		return err
	})
}

func (g *group) Broadcast(b []byte) error {
	shown := b
	if g.rank == 0 {
		shown = bytes.Clone(b)
	}
	return g.together(call{what: "broadcast", b: shown}, func() error { return g.take(b, 0, g.calls[0].b) })
}
