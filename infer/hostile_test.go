// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
)

// runHostile puts the right digest in a file, reads it, and runs what is read, unless it is large, with every kernel;
// all must give the same logits. It says whether the model ran.
func runHostile(t *testing.T, file []byte) bool {
	q, err := qmodeltest.ReadChanged(file)
	if err != nil || qmodeltest.Work(q) > 1<<20 {
		return false
	}
	m := newTestModel(t, q)
	images := drawImages(rand.New(rand.NewPCG(1, 1)), q, 2)
	var want []int32
	for _, name := range Kernels() {
		r, err := m.NewRunner(Options{Batch: 2, Kernel: name})
		if err != nil {
			t.Fatal(err)
		}
		logits := make([]int32, 2*len(q.Classes))
		if err := r.Run(logits, images); err != nil {
			t.Fatal(err)
		}
		if want != nil && !slices.Equal(logits, want) {
			t.Fatalf("kernel %s: %d, another %d", name, logits, want)
		}
		want = logits
	}
	return true
}
