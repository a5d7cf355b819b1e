// SPDX-License-Identifier: Apache-2.0

//go:build mpi && linux && (amd64 || arm64)

// Command exchange measures what ranks wait for each other in a step: the exchange and the gathering of a sum of gradients, and a message of
// one byte. Each rank has its shards' gradients at hand, so that nothing else takes time but their addition:
//
//	go build -tags mpi -o /tmp/exchange ./bench/exchange
//	mpirun -n 2 /tmp/exchange -shards 8
package main

import (
	"flag"
	"fmt"
	"log"
	"slices"
	"time"

	"github.com/goqat/goqat/dist"
	"github.com/goqat/goqat/dist/mpi"
	"github.com/goqat/goqat/graph"
)

var (
	shards = flag.Int("shards", 8, "shards of a step")
	times  = flag.Int("times", 30, "measurements of each")
)

// networks are the parameters and, about, what a shard measures.
var networks = []struct {
	name              string
	parameters, notes int
}{{"resnet20", 272474, 1700}, {"lenet", 1663370, 40}}

func main() {
	log.SetFlags(0)
	flag.Parse()
	comm, err := mpi.Join()
	if err != nil {
		log.Fatal(err)
	}
	if comm.Rank() == 0 {
		fmt.Printf("%d ranks, %v\n", comm.Size(), comm)
	}
	err = measure(comm)
	if err == nil {
		err = comm.Close()
	}
	if err != nil {
		log.Print(err)
		comm.Abort()
	}
	mpi.Exit(0)
}

func measure(g dist.Group) error {
	parts := make([][]byte, g.Size())
	for r := range parts {
		parts[r] = make([]byte, 1)
	}
	if err := report(g, "a byte of each rank to all", func() error { return g.Gather(parts) }); err != nil {
		return err
	}
	pool := graph.NewPool(1)
	for _, n := range networks {
		values, total := [][]float32{make([]float32, n.parameters)}, make([]float32, n.parameters)
		notes := make([][]float32, *shards)
		for k := range notes {
			notes[k] = make([]float32, n.notes)
		}
		sum := dist.NewSummer(g, n.parameters, n.notes, func(dst, x []float32) { graph.Add(pool, dst, x) })
		if err := report(g, fmt.Sprintf("%s: %d gradients in %d shards", n.name, n.parameters, *shards), func() error {
			return sum.Sum(*shards, total, notes, func(int, []float32) ([][]float32, error) { return values, nil })
		}); err != nil {
			return err
		}
	}
	return nil
}

// report prints the times of a call that all ranks make at once.
func report(g dist.Group, what string, call func() error) error {
	var took []time.Duration
	for range 3 + *times {
		if err := g.Broadcast(make([]byte, 1)); err != nil {
			return err
		}
		start := time.Now()
		if err := call(); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	took = took[3:]
	slices.Sort(took)
	if g.Rank() == 0 {
		fmt.Printf("%-44s median %8.3f ms, least %8.3f ms\n", what, took[len(took)/2].Seconds()*1e3, took[0].Seconds()*1e3)
	}
	return nil
}
