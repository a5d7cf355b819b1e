// SPDX-License-Identifier: Apache-2.0

//go:build !purego

package infer

import (
	"bytes"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/amx"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// residual returns a network whose lines have 32 pixels of 16 channels, then 16 of 32, then 8 of 64, with residual connections.
func residual(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 32, 32, 3)
	x := b.Conv(0, qmodeltest.Square(3, 1, 1), 16, 1, 8, 8)
	for channels := 16; channels <= 64; channels *= 2 {
		if channels > 16 {
			x = b.Conv(x, qmodeltest.Square(3, 2, 1), channels, 1, 8, 8)
		}
		x = b.Conv(b.Conv(x, qmodeltest.Square(3, 1, 1), channels, 1, 8, 8), qmodeltest.Square(3, 1, 1), channels, 1, 8, 8, x)
	}
	return b.Finish(b.AvgPool(x, qmodeltest.Square(8, 1, 0), 8), 10)
}

// TestTiles runs whole networks, recorded ones among them, with all products of one group by tiles of AMX, in Go where there
// are none, and compares the logits with those of portable Go.
func TestTiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(61, 61))
	networks := []*qmodel.Model{wide(rng), lenet(rng), residual(rng)}
	for _, name := range []string{"tiny-v2", "binary-v2", "ranged-v6"} {
		b, err := os.ReadFile("testdata/" + name + ".qmodel")
		if err != nil {
			t.Fatal(err)
		}
		q, err := qmodel.Read(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		networks = append(networks, q)
	}
	for i, q := range networks {
		const batch = 5
		m, images := newTestModel(t, q), drawImages(rng, q, batch)
		want := make([]int32, batch*len(q.Classes))
		if err := newTestRunner(t, m, Options{Batch: batch, Kernel: "generic"}).Run(want, images); err != nil {
			t.Fatal(err)
		}
		for _, set := range amx.TestSets() {
			r := newTestRunner(t, m, Options{Batch: batch, Kernel: "generic"})
			r.program = compile(q, set)
			for _, w := range r.team.workers {
				w.scratch = kernel.NewScratch(r.program.needs)
			}
			got := make([]int32, len(want))
			if err := r.Run(got, images); err != nil || !slices.Equal(got, want) {
				t.Errorf("network %d, set %s: %d, want %d (%v)", i, set.Name, got, want, err)
			}
			uses := 0
			for _, l := range r.Layers() {
				if strings.HasPrefix(l.Kernel, "amx") {
					uses++
				}
			}
			if i < 3 && uses < 3 {
				t.Errorf("network %d, set %s: %d layers by tiles", i, set.Name, uses)
			}
		}
	}
}
