// SPDX-License-Identifier: Apache-2.0

// Package dist is the seam between a training and the processes that share it: which
// process this is, how bytes move between them, and a sum whose bits do not depend on how
// many there are.
//
// A [Group] moves bytes and does no arithmetic on them. What a library of message passing
// adds up depends on the number of its ranks and on the algorithm that it takes; so a
// [Summer] makes every addition itself, in one binary tree.
package dist

import "encoding/binary"

// A Group are the processes of one job, its ranks. All of them call the same methods in
// the same order, but for Abort. The methods of one Group are for one goroutine at a time.
type Group interface {
	// Rank is the number of this process, from 0.
	Rank() int
	// Size is the number of processes.
	Size() int
	// Exchange sends send[r] to rank r and fills recv[r] with what rank r sends here, for
	// all r, itself included. The lengths of the two agree in pairs and may be 0.
	Exchange(recv, send [][]byte) error
	// Gather fills parts[r] with the part of rank r, on every rank; parts[Rank()] is what
	// this rank gives. The lengths are the same everywhere.
	Gather(parts [][]byte) error
	// Broadcast fills b with the bytes of rank 0; its length is the same everywhere.
	Broadcast(b []byte) error
	// Abort ends the job, all of it, because of an error of this rank that its caller has
	// reported. It may be called at any time, on any goroutine.
	Abort()
	// Close leaves the job in good order; every rank calls it, and may go on alone.
	Close() error
}

// Local is the Group of one process.
type Local struct{}

// Rank is 0.
func (Local) Rank() int { return 0 }

// Size is 1.
func (Local) Size() int { return 1 }

// Exchange copies.
func (Local) Exchange(recv, send [][]byte) error { copy(recv[0], send[0]); return nil }

// Gather has nothing to do.
func (Local) Gather([][]byte) error { return nil }

// Broadcast has nothing to do.
func (Local) Broadcast([]byte) error { return nil }

// Abort has nobody to end.
func (Local) Abort() {}

// Close has nobody to leave.
func (Local) Close() error { return nil }

// Part returns the half-open range of n things that part k of so many parts has.
func Part(n, k, parts int) (lo, hi int) { return k * n / parts, (k + 1) * n / parts }

// Share returns the bytes of rank 0, of whatever length, on every rank; the others'
// argument does not count. It is an error if the ranks lose each other.
func Share(g Group, b []byte) ([]byte, error) {
	if g.Size() == 1 {
		return b, nil
	}
	length := make([]byte, 8)
	binary.LittleEndian.PutUint64(length, uint64(len(b)))
	if err := g.Broadcast(length); err != nil {
		return nil, err
	}
	if g.Rank() > 0 {
		b = make([]byte, binary.LittleEndian.Uint64(length))
	}
	return b, g.Broadcast(b)
}
