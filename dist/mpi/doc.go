// SPDX-License-Identifier: Apache-2.0

// Package mpi is a [dist.Group] over the MPI library of the machine, found when the program
// runs and called without cgo: Open MPI 4 and 5, MPICH 4 and 5 and whatever has MPICH's ABI, and libraries
// of the standard ABI of MPI 5.
//
// It is built with the tag mpi, on Linux for amd64 and arm64; without the tag there is nothing in
// it. A program that has it is dynamically linked, as the loader of libraries wants it.
//
// MPI moves bytes and adds nothing up: sums are those of [dist.Summer].
package mpi
