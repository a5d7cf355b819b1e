// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"slices"
	"sync/atomic"

	"github.com/goqat/goqat/internal/kernel"
)

// Moments of a convolution's result, for the statistics of a batch normalization, are taken block by block as the
// convolution stores it, instead of in a pass that reads it from memory again. That is so in runs of an Executor in which
// no other epilogue runs between the convolution and that of the normalization: the sums lie in memory of all epilogues.

// storedMoments takes the moments of a term of an epilogue, as a kernel.Follower.
type storedMoments struct {
	e    *epilogue
	term int
	left []atomic.Int32 // numbers of each block that are not stored yet
	done bool           // the moments of the run are there
}

// ahead finds the convolutions of a schedule whose moments are taken as they store.
func (e *Executor) ahead() {
	var convs []*conv // since the last epilogue
	for _, s := range e.steps {
		o, ok := s.do.(*op)
		if !ok {
			continue
		}
		switch f := o.fn.(type) {
		case *conv:
			convs = append(convs, f)
		case *epilogue:
			for i := range f.terms {
				if t := &f.terms[i]; t.norm != nil && t.conv != nil && slices.Contains(convs, t.conv) {
					t.stored = &storedMoments{e: f, term: i, left: make([]atomic.Int32, len(f.stats))}
					t.conv.moments = t.stored
				}
			}
			convs = nil
		}
	}
}

// follow has the moments taken of what the convolution f is about to store in y, if they can be.
func (m *storedMoments) follow(f *conv, r *Run, y []float32) {
	if m == nil {
		return
	}
	e, s := m.e, &m.e.terms[m.term]
	e.run, m.done = r, false
	if !r.coded || e.fixed(s) || count(f.weights) > 1 {
		return
	}
	e.n = r.Batch * e.rows
	s.in, s.sum, s.sumX = kernel.Real(y), e.room.sums[m.term][0], e.room.sums[m.term][1]
	for i := range e.blocks() {
		lo, hi := e.block(i)
		m.left[i].Store(int32(hi - lo))
	}
	f.plan.Follow(m)
	m.done = true
}

// Stored takes the moments of those blocks whose last numbers are stored.
func (m *storedMoments) Stored(lo, hi, n, worker int) {
	c := m.e.channels
	each, size := n/((hi-lo)/c), m.e.blockRows*c // channels that are stored, and numbers of a block
	for i := lo / size; i*size < hi; i++ {
		first, last := m.e.block(i)
		pixels := (min(hi, last) - max(lo, first)) / c
		if m.left[i].Add(int32(-pixels*each)) == 0 {
			m.e.moments(&m.e.terms[m.term], i, worker)
		}
	}
}

// take says whether the moments of the run are there, once.
func (m *storedMoments) take() bool {
	if m == nil || !m.done {
		return false
	}
	m.done = false
	return true
}
