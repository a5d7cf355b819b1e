// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// hostileSeeds are the files that the hostile ones are changed from.
func hostileSeeds(t testing.TB) [][]byte {
	rng := rand.New(rand.NewPCG(8, 8))
	var files [][]byte
	for _, q := range []*qmodel.Model{qmodeltest.Tiny(rng), qmodeltest.Binary(rng), qmodeltest.Wide(rng)} {
		var b bytes.Buffer
		if err := q.Write(&b); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.Bytes())
	}
	return files
}

// runHostile puts the right digest in a file, reads it, and runs what is read, unless it is large, with every kernel;
// all must give the same logits. It says whether the model ran.
func runHostile(t *testing.T, file []byte) bool {
	const start = 8 + len(`{"__metadata__":{"sha256":"`)
	if len(file) < start+64 {
		return false
	}
	digits := file[start : start+64]
	copy(digits, strings.Repeat("0", 64))
	sum := sha256.Sum256(file)
	hex.Encode(digits, sum[:])
	q, err := qmodel.Read(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return false
	}
	work := 0
	for i := range q.Operators {
		o := &q.Operators[i]
		in := &q.Tensors[o.Inputs[0]]
		work += q.Tensors[o.Output].Len()*max(1, o.Kernel[0])*max(1, o.Kernel[1]) + int(q.MACs(i))
		work += (in.Height + o.Pad[0] + o.Pad[2]) * (in.Width + o.Pad[1] + o.Pad[3]) * in.Channels
	}
	if work > 1<<20 {
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
