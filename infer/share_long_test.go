// SPDX-License-Identifier: Apache-2.0

//go:build long

package infer

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// TestManyShareAModel runs 64 goroutines on each of two models, for a minute, with every kernel, with one to three
// threads each; it is for the race detector.
func TestManyShareAModel(t *testing.T) {
	const goroutines, batch = 64, 3
	rng := rand.New(rand.NewPCG(20, 20))
	for _, q := range []*qmodel.Model{wide(rng), qmodeltest.Binary(rng)} {
		m := newTestModel(t, q)
		images := drawImages(rng, q, batch)
		want := make([]int32, batch*len(q.Classes))
		if err := newTestRunner(t, m, Options{Batch: batch, Kernel: "reference"}).Run(want, images); err != nil {
			t.Fatal(err)
		}
		end := time.Now().Add(30 * time.Second)
		var group sync.WaitGroup
		for i := range goroutines {
			group.Go(func() {
				for runs := 0; time.Now().Before(end); {
					r, err := m.NewRunner(Options{Batch: batch, Threads: 1 + i%3, Kernel: Kernels()[(i+runs)%len(Kernels())]})
					if err != nil {
						t.Error(err)
						return
					}
					for again := 0; again < 20 && time.Now().Before(end); again++ {
						runs++
						got := make([]int32, len(want))
						if err := r.Run(got, images); err != nil || !slices.Equal(got, want) {
							t.Errorf("goroutine %d, run %d: %d, want %d (%v)", i, runs, got, want, err)
							return
						}
					}
					r.Close()
				}
			})
		}
		group.Wait()
	}
}
