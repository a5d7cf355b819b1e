// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// hostileWork limits what hostile models may ask for in tests, so that each takes milliseconds.
const hostileWork = 1 << 20

// runHostile runs a model that somebody else made, unless it is refused or large, with every kernel: two images, tensor
// by tensor and in one go. All must give the tensors of the definition, or each other's where that takes long. It says
// whether the model ran.
func runHostile(t *testing.T, q *qmodel.Model, m *Model) bool {
	t.Helper()
	if qmodeltest.Work(q) > hostileWork {
		return false
	}
	const batch = 2
	images := drawImages(rand.New(rand.NewPCG(1, 1)), q, batch)
	size := q.Tensors[0].Len()
	var want [][]int64 // by tensor and image
	if qmodeltest.Work(q) < hostileWork>>4 {
		want = make([][]int64, len(q.Tensors))
		for i := range batch {
			for tensor, values := range evaluate(q, images[i*size:][:size]) {
				want[tensor] = append(want[tensor], values...)
			}
		}
	}
	var others []int32
	for _, name := range Kernels() {
		observe := func(o Observation) {
			if want == nil {
				return
			}
			for i, w := range want[o.Tensor] {
				got := int64(0)
				if o.Codes != nil {
					got = int64(o.Codes[i])
				} else {
					got = int64(o.Wide[i])
				}
				if got != w {
					t.Fatalf("kernel %s, tensor %s: number %d is %d, by definition %d", name, o.Name, i, got, w)
				}
			}
		}
		for _, options := range []Options{{Batch: batch, Kernel: name, Work: m.Work()}, {Batch: batch, Kernel: name, Work: m.Work(), Observe: observe}} {
			r, err := m.NewRunner(options)
			if err != nil {
				t.Fatal(err)
			}
			logits := make([]int32, batch*len(q.Classes))
			err = r.Run(logits, images)
			r.Close()
			if err != nil {
				t.Fatal(err)
			}
			if others != nil && !slices.Equal(logits, others) {
				t.Fatalf("kernel %s: %d, another %d", name, logits, others)
			}
			others = logits
		}
	}
	return true
}

// hostileSeeds are models of every operator, coding and kind of output, drawn anew, those of the first version, and
// others of any shape.
func hostileSeeds(t *testing.T, rng *rand.Rand) [][]byte {
	var files [][]byte
	for _, q := range []*qmodel.Model{qmodeltest.Tiny(rng), qmodeltest.Binary(rng), qmodeltest.Wide(rng), qmodeltest.Branches(rng), qmodeltest.Gated(rng), qmodeltest.Ranged(rng), qmodeltest.Dense(rng), drawModel(rng), drawModel(rng)} {
		var b bytes.Buffer
		if err := q.Write(&b); err != nil {
			t.Fatal(err)
		}
		files = append(files, b.Bytes())
	}
	for _, path := range []string{"testdata/tiny-v1.qmodel", "testdata/binary-v1.qmodel"} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, b)
	}
	return files
}

// allocated returns what f allocates, in bytes.
func allocated(f func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// Memory of a mutated model, per byte of its file and, of a runner, per addition and byte of the image beside it.
const (
	readPerByte = 16
	runPerByte  = 64
	memorySlack = 1 << 18
)

// TestMutatedFiles reads changed files, with the right digest and with a wrong one, and runs what is still a model: each is
// refused in one line, or every kernel computes each of its tensors as defined. Memory follows the size of the file.
func TestMutatedFiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 10))
	var refused, large, ran int
	reasons := map[string]int{}
	var seeds [][]byte
	var mostRead, mostRun float64
	for n := range mutations {
		if n%100 == 0 {
			seeds = hostileSeeds(t, rng)
		}
		seed := seeds[n%len(seeds)]
		file := qmodeltest.Mutate(rng, seed)
		if n%10 == 0 { // without a new digest
			corrupt := bytes.Clone(file)
			corrupt[rng.IntN(len(corrupt))] ^= 1 << rng.IntN(8)
			if _, err := FromBytes(corrupt); err == nil {
				t.Fatal("a file whose digest is wrong was read")
			}
		}
		var m *Model
		var err error
		took := allocated(func() { m, err = FromBytes(file) })
		mostRead = max(mostRead, float64(took-memorySlack)/float64(len(file)))
		if took > readPerByte*len(file)+memorySlack {
			t.Errorf("reading %d bytes took %d", len(file), took)
		}
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\x1b\x00") {
				t.Fatalf("refused by %q", err)
			}
			refused++
			reasons[reason(err)]++
			continue
		}
		q := m.q
		work := qmodeltest.Work(q)
		var r *Runner
		took = allocated(func() { r, err = m.NewRunner(Options{Batch: 2, Work: hostileWork}) })
		if err != nil {
			large++
			continue
		}
		r.Close()
		mostRun = max(mostRun, float64(took-memorySlack)/float64(len(file)+work))
		if took > runPerByte*(len(file)+work)+memorySlack {
			t.Errorf("a runner of a file of %d bytes that does %d takes %d", len(file), work, took)
		}
		if runHostile(t, q, m) {
			ran++
		} else {
			large++
		}
	}
	t.Logf("%d mutated files: %d refused for %d reasons, %d ran with %s, %d larger than %d", mutations, refused, len(reasons), ran, strings.Join(Kernels(), " "), large, hostileWork)
	t.Logf("beyond %d bytes, reading took at most %.1f times the file, a runner %.1f times file and work", memorySlack, mostRead, mostRun)
	if ran < mutations/20 || refused < mutations/20 || len(reasons) < 20 {
		t.Errorf("too few ran or were refused, or for too few reasons: %v", reasons)
	}
}

// reason returns an error without its numbers and names.
func reason(err error) string {
	var b strings.Builder
	quoted := false
	for _, c := range err.Error() {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted && (c < '0' || c > '9'):
			b.WriteRune(c)
		}
	}
	return b.String()
}

// TestMutatedDescriptions changes models in memory, where there is no file that has a form: New refuses them, or they run.
func TestMutatedDescriptions(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 11))
	var refused, ran int
	var seeds [][]byte
	for n := range mutations {
		if n%100 == 0 {
			seeds = hostileSeeds(t, rng)
		}
		seed := seeds[n%len(seeds)]
		q, err := qmodel.Read(bytes.NewReader(seed), int64(len(seed)))
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + rng.IntN(3) {
			qmodeltest.Change(rng, q)
		}
		m, err := New(q)
		if err != nil {
			refused++
			continue
		}
		if runHostile(t, q, m) {
			ran++
		}
	}
	t.Logf("%d changed models: %d refused, %d ran", mutations, refused, ran)
	if ran < mutations/20 || refused < mutations/20 {
		t.Error("too few ran or were refused")
	}
}
