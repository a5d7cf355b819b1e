// SPDX-License-Identifier: Apache-2.0

// Command bits measures networks of 8, 4 and 2 bits and a binary one in turn, in one process and on one thread, as parts of the
// time of 8 bits:
//
//	go run ./bench/bits -model resnet20 -batch 128 -kernel amx
//
// In a turn each network runs for some milliseconds, one after the other and another first each time, and its shortest run is
// taken; what is printed are the medians of ratios over all turns, with their quartiles, and the shortest run of 8 bits in
// milliseconds. The network of 8 bits is there twice, in other memory, and ratios are those to the mean of both: what the second
// one is away from 1 cannot be told from nothing.
package main

import (
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/goqat/goqat/benchmark"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/recipe"
)

var (
	model   = flag.String("model", "resnet20", "lenet, resnet20 or mobilenet")
	width   = flag.Float64("width", 1, "of the network")
	batch   = flag.Int("batch", 1, "images a run")
	kernel  = flag.String("kernel", "", "kernels, as qat bench names them; the fastest if none is named")
	seconds = flag.Float64("seconds", 5, "how long is measured")
	turn    = flag.Duration("turn", 4*time.Millisecond, "how long a network runs in a turn, one run at least")
)

// forms are the networks, the first and the second of which are alike.
var forms = []struct {
	name, method string
	bits         int
}{{"8 bits", "int", 8}, {"again", "int", 8}, {"4 bits", "int", 4}, {"2 bits", "int", 2}, {"bnn", "bnn", 1}}

func main() {
	log.SetFlags(0)
	flag.Parse()
	var networks []*network
	for _, f := range forms {
		n, err := newNetwork(f.method, f.bits)
		if err != nil {
			log.Fatal(err)
		}
		networks = append(networks, n)
	}
	ratios := make([][]float64, len(networks))
	least := make([]time.Duration, len(networks))
	for t, start := 0, time.Now(); time.Since(start).Seconds() < *seconds; t++ {
		shortest := make([]time.Duration, len(networks))
		for i := range networks {
			k := (t + i) % len(networks)
			var err error
			if shortest[k], err = networks[k].shortest(); err != nil {
				log.Fatal(err)
			}
		}
		eight := float64(shortest[0]+shortest[1]) / 2
		for k, s := range shortest {
			ratios[k] = append(ratios[k], float64(s)/eight)
			if least[k] == 0 || s < least[k] {
				least[k] = s
			}
		}
	}
	fmt.Printf("%s %s %d: 8 bits %.4f ms", networks[0].runner.Kernel(), *model, *batch, min(least[0], least[1]).Seconds()*1e3)
	for k, r := range ratios[1:] {
		slices.Sort(r)
		quartile := func(n int) float64 { return r[(len(r)-1)*n/4] }
		fmt.Printf("   %s %.3f (%.3f to %.3f)", forms[k+1].name, quartile(2), quartile(1), quartile(3))
	}
	fmt.Printf("   %d turns\n", len(ratios[0]))
}

// A network is one that runs, with what it runs on.
type network struct {
	runner *infer.Runner
	images []uint8
	logits []int32
}

// newNetwork prepares the untrained network of a method and bits, and random images, the same for all.
func newNetwork(method string, bits int) (*network, error) {
	r := recipe.Default()
	r.Model.Name, r.Model.Width = *model, *width
	r.QAT.Method, r.QAT.WeightBits, r.QAT.ActivationBits = method, bits, bits
	file, err := benchmark.Untrained(r, 1)
	if err != nil {
		return nil, err
	}
	m, err := infer.FromBytes(file)
	if err != nil {
		return nil, err
	}
	runner, err := m.NewRunner(infer.Options{Batch: *batch, Kernel: *kernel})
	if err != nil {
		return nil, err
	}
	in, rng := m.Input(), rand.New(rand.NewPCG(1, 0))
	n := &network{runner, make([]uint8, *batch*in.Height*in.Width*in.Channels), make([]int32, *batch*len(m.Classes()))}
	for i := range n.images {
		n.images[i] = uint8(rng.Uint32())
	}
	return n, nil
}

// shortest returns the shortest run of a turn, after one that brings the network to the caches.
func (n *network) shortest() (time.Duration, error) {
	least := time.Duration(0)
	for run, start := 0, time.Now(); run < 2 || time.Since(start) < *turn; run++ {
		began := time.Now()
		if err := n.runner.Run(n.logits, n.images); err != nil {
			return 0, err
		}
		if took := time.Since(began); run == 1 || took < least {
			least = took
		}
	}
	return least, nil
}
