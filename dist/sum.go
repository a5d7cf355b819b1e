// SPDX-License-Identifier: Apache-2.0

package dist

import (
	"fmt"
	"unsafe"
)

// A Summer adds vectors of float32 numbers, one for each of some shards, in a binary tree
// over the shards that has nothing to do with who holds which:
//
//	node(lo, hi) = node(lo, mid) + node(mid, hi),  mid = (lo + hi)/2
//
// Rank r holds the shards of Part(shards, r, Size). It adds up what lies in whole subtrees
// of its own as its shards come, so that at most 1 + log₂ shards vectors are alive; hands every
// rank its slice of these subtrees' sums; adds the slices that it is handed, in the order of
// the tree; and gets the others' slices back. Where shards and ranks are powers of two each rank
// sends 2n(R − 1)/R numbers, as in a ring allreduce (Patarasuk and Yuan 2009); where a rank's
// shards are several subtrees it sends the first half once for each of them.
type Summer struct {
	group Group
	n     int // numbers of a vector
	note  int // numbers of a note
	add   func(dst, x []float32)

	plans map[int]*plan // by the number of shards
	spare [][]float32   // vectors not in use
}

// NewSummer returns a Summer of vectors of n numbers, with notes of the given length; add
// adds x to dst.
func NewSummer(g Group, n, note int, add func(dst, x []float32)) *Summer {
	return &Summer{group: g, n: n, note: note, add: add, plans: map[int]*plan{}}
}

// span are the shards lo to hi − 1: a node of the tree, if the tree has it.
type span struct{ lo, hi int }

// halves returns the two nodes below a node.
func (s span) halves() (span, span) {
	mid := (s.lo + s.hi) / 2
	return span{s.lo, mid}, span{mid, s.hi}
}

// cover appends the greatest subtrees of node that lie in within.
func cover(list []span, node, within span) []span {
	if node.hi <= within.lo || node.lo >= within.hi {
		return list
	}
	if within.lo <= node.lo && node.hi <= within.hi {
		return append(list, node)
	}
	left, right := node.halves()
	return cover(cover(list, left, within), right, within)
}

// plan is who does what in the sum of so many shards, and the memory of it.
type plan struct {
	shards   int
	nodes    [][]span      // by rank: the greatest subtrees of its shards
	holder   map[span]part // of these
	received [][]float32   // by rank: this rank's slice of its subtrees' sums
	gathered [][]float32   // by rank: its slice of the whole sum, then the notes of its shards
	scratch  [][]float32   // by depth: a slice
}

// part is a subtree's place in what a rank sends.
type part struct{ rank, index int }

func (s *Summer) plan(shards int) *plan {
	if p := s.plans[shards]; p != nil {
		return p
	}
	p := &plan{shards: shards, holder: map[span]part{}}
	ranks := s.group.Size()
	lo, hi := Part(s.n, s.group.Rank(), ranks)
	for r := range ranks {
		from, to := Part(shards, r, ranks)
		nodes := cover(nil, span{0, shards}, span{from, to})
		for i, node := range nodes {
			p.holder[node] = part{r, i}
		}
		p.nodes = append(p.nodes, nodes)
		p.received = append(p.received, make([]float32, len(nodes)*(hi-lo)))
		first, end := Part(s.n, r, ranks)
		p.gathered = append(p.gathered, make([]float32, end-first+(to-from)*s.note))
	}
	for d := 1; d < 2*shards; d *= 2 {
		p.scratch = append(p.scratch, make([]float32, hi-lo))
	}
	s.plans[shards] = p
	return p
}

// Sum has shard compute the vector, in parts one after the other that it may use again for the
// next one, and the note of this rank's shards, one after the other in their order, and leaves on
// every rank the sum of all shards' vectors in total and the notes of all shards in notes. There
// may be fewer shards than ranks: then some ranks have none. It is an error if the notes are not as many as the shards, if
// shard fails, or if the ranks lose each other.
func (s *Summer) Sum(shards int, total []float32, notes [][]float32, shard func(k int, note []float32) (parts [][]float32, err error)) error {
	if shards < 1 || len(notes) != shards {
		return fmt.Errorf("dist: %d notes for %d shards", len(notes), shards)
	}
	p := s.plan(shards)
	var sums [][]float32
	for _, node := range p.nodes[s.group.Rank()] {
		v := total // in a group of one, of which the tree is the only subtree
		if s.group.Size() > 1 {
			v = s.vector()
		}
		if err := s.subtree(v, node, func(k int) ([][]float32, error) { return shard(k, notes[k]) }); err != nil {
			return err
		}
		sums = append(sums, v)
	}
	if s.group.Size() == 1 { // the sum is in total
		return nil
	}
	if err := s.exchange(p, sums); err != nil {
		return err
	}
	return s.gather(p, total, notes)
}

// subtree computes the sum of a node whose shards are all here.
func (s *Summer) subtree(sum []float32, node span, shard func(int) ([][]float32, error)) error {
	if node.hi-node.lo == 1 {
		return each(sum, node.lo, shard, func(dst, x []float32) { copy(dst, x) })
	}
	left, right := node.halves()
	if err := s.subtree(sum, left, shard); err != nil {
		return err
	}
	if right.hi-right.lo == 1 { // from where it was computed
		return each(sum, right.lo, shard, s.add)
	}
	other := s.vector()
	if err := s.subtree(other, right, shard); err != nil {
		return err
	}
	s.add(sum, other)
	s.spare = append(s.spare, other)
	return nil
}

// each has shard k computed, and do take its parts into theirs of sum.
func each(sum []float32, k int, shard func(int) ([][]float32, error), do func(dst, x []float32)) error {
	parts, err := shard(k)
	for _, x := range parts {
		do(sum[:len(x)], x)
		sum = sum[len(x):]
	}
	return err
}

func (s *Summer) vector() []float32 {
	last := len(s.spare) - 1
	if last < 0 {
		return make([]float32, s.n)
	}
	v := s.spare[last]
	s.spare = s.spare[:last]
	return v
}

// exchange hands every rank its slice of this rank's subtrees' sums.
func (s *Summer) exchange(p *plan, sums [][]float32) error {
	ranks := s.group.Size()
	send, received := make([][]byte, ranks), make([][]byte, ranks)
	for r := range ranks {
		lo, hi := Part(s.n, r, ranks)
		for _, v := range sums {
			send[r] = append(send[r], raw(v[lo:hi])...)
		}
		received[r] = raw(p.received[r])
	}
	s.spare = append(s.spare, sums...)
	return s.group.Exchange(received, send)
}

// gather completes this rank's slice of the sum and gives it, with the notes of its shards, to
// everybody.
func (s *Summer) gather(p *plan, total []float32, notes [][]float32) error {
	rank, ranks := s.group.Rank(), s.group.Size()
	lo, hi := Part(s.n, rank, ranks)
	own := p.gathered[rank]
	s.combine(p, own[:hi-lo], span{0, p.shards}, 0)
	own = own[hi-lo:]
	from, to := Part(p.shards, rank, ranks)
	for _, note := range notes[from:to] {
		own = own[copy(own, note):]
	}
	parts := make([][]byte, ranks)
	for r := range ranks {
		parts[r] = raw(p.gathered[r])
	}
	if err := s.group.Gather(parts); err != nil {
		return err
	}
	for r, part := range p.gathered {
		lo, hi := Part(s.n, r, ranks)
		part = part[copy(total[lo:hi], part):]
		from, to := Part(p.shards, r, ranks)
		for _, note := range notes[from:to] {
			part = part[copy(note, part):]
		}
	}
	return nil
}

// combine writes this rank's slice of the sum of a node to dst.
func (s *Summer) combine(p *plan, dst []float32, node span, depth int) {
	if at, ok := p.holder[node]; ok {
		copy(dst, p.received[at.rank][at.index*len(dst):])
		return
	}
	left, right := node.halves()
	other := p.scratch[depth]
	s.combine(p, dst, left, depth+1)
	s.combine(p, other, right, depth+1)
	s.add(dst, other)
}

// raw returns the memory of numbers as bytes. All ranks have one byte order: a job refuses
// processors of different make.
func raw(x []float32) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), 4*len(x))
}
