// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// held returns the bytes of the heap that are in use.
func held() int {
	var s runtime.MemStats
	for range 2 { // the second collection frees what pools kept over the first
		runtime.GC()
	}
	runtime.ReadMemStats(&s)
	return int(s.HeapAlloc)
}

// TestModelsStayPacked compares what a model holds with its file: the packed codes once, and with a runner once more, in
// the order of the kernels. Those of AVX-512 read them packed, those of AVX2 as bytes.
func TestModelsStayPacked(t *testing.T) {
	const slack = 1 << 17 // for all that does not grow with the weights
	rng := rand.New(rand.NewPCG(21, 21))
	b := qmodeltest.New(rng, 7, 7, 64)
	x := b.ConvForm(0, qmodeltest.Square(3, 1, 1), 256, 1, qmodeltest.Form{WeightBits: 8, CodeBits: 1, Signs: true})
	for range 4 {
		x = b.ConvForm(x, qmodeltest.Square(3, 1, 1), 256, 1, qmodeltest.Form{WeightBits: 1, CodeBits: 1, Signs: true})
	}
	binary := b.Finish(b.Flatten(x), 10)
	for name, q := range map[string]*qmodel.Model{"4 bits": lenet(rng), "binary": binary} {
		var file bytes.Buffer
		if err := q.Write(&file); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			kernel  string // "" for no runner
			percent int
		}{{"", 105}, {"avx512vnni", 210}, {"avx2", 330}} {
			if c.kernel != "" && !slices.Contains(Kernels(), c.kernel) {
				continue
			}
			before := held()
			m, err := FromBytes(file.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			var r *Runner
			if c.kernel != "" {
				r = newTestRunner(t, m, Options{Kernel: c.kernel})
			}
			got, most := held()-before, file.Len()*c.percent/100+slack
			if got > most {
				t.Errorf("%s, kernel %q: a file of %d bytes holds %d, want at most %d", name, c.kernel, file.Len(), got, most)
			}
			runtime.KeepAlive(m)
			runtime.KeepAlive(r)
		}
	}
}
