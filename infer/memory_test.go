// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
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

// workingMemory returns the bytes of a runner for one image and one thread that do not grow with the weights.
func workingMemory(r *Runner) int {
	n, arena := r.program.needs, r.flow.arena
	return 4*n.Acc + 4*n.Wide + 8*n.Sums + n.Bytes + 8*n.Words + arena.codes + 4*arena.wide
}

// TestModelsStayPacked compares what a model holds with its file: the packed codes once, and with a runner once more, in
// the order of the kernels. Those of AVX-512 can read them packed, those of AVX2 read bytes.
func TestModelsStayPacked(t *testing.T) {
	const slack = 1 << 17 // for the rest of the plan, such as constants of each channel in the order of vectors
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
			memory  Memory
			percent int
		}{{"", "", 105}, {"avx512vnni", Small, 210}, {"avx512vnni", Fast, 330}, {"avx2", Fast, 330}} {
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
				r = newTestRunner(t, m, Options{Kernel: c.kernel, Memory: c.memory})
			}
			got, most := held()-before, file.Len()*c.percent/100+slack
			if r != nil {
				got -= workingMemory(r)
			}
			if got > most {
				t.Errorf("%s, kernel %q %s: a file of %d bytes holds %d beside its working memory, want at most %d", name, c.kernel, c.memory, file.Len(), got, most)
			}
			runtime.KeepAlive(m)
			runtime.KeepAlive(r)
		}
	}
}

// TestSmallKeepsNoCopy compares what a model of minimal filtering and its runner hold with its file.
func TestSmallKeepsNoCopy(t *testing.T) {
	const slack = 1 << 20 // for the points of a tile
	if !slices.Contains(Kernels(), "avx2") {
		t.Skip("this processor has no AVX2")
	}
	b := qmodeltest.New(rand.New(rand.NewPCG(23, 23)), 14, 14, 16)
	x := 0
	for range 4 {
		x = b.ConvForm(x, qmodeltest.Square(3, 1, 1), 256, 1, qmodeltest.Form{WeightBits: 8, CodeBits: 8})
	}
	q := b.Finish(b.AvgPool(x, qmodeltest.Square(14, 1, 0), 8), 10)
	var file bytes.Buffer
	if err := q.Write(&file); err != nil {
		t.Fatal(err)
	}
	for memory, percent := range map[Memory]int{Small: 105, Fast: 205} {
		before := held()
		m, err := FromBytes(file.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		r := newTestRunner(t, m, Options{Kernel: "avx2", Memory: memory})
		if got, most := held()-before, file.Len()*percent/100+slack; got > most {
			t.Errorf("%s: a file of %d bytes holds %d, want at most %d", memory, file.Len(), got, most)
		}
		runtime.KeepAlive(m)
		runtime.KeepAlive(r)
	}
}

// TestMemoryDoesNotMatter compares the ways to keep weights, for batches of every packing.
func TestMemoryDoesNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(22, 22))
	for _, q := range []*qmodel.Model{wide(rng), lenet(rng), qmodeltest.Binary(rng)} {
		const most = 14 // from which on no set waits for weights
		m, images := newTestModel(t, q), drawImages(rng, q, most)
		size, classes := len(images)/most, len(q.Classes)
		want := make([]int32, most*classes)
		if err := newTestRunner(t, m, Options{Batch: most, Kernel: "reference"}).Run(want, images); err != nil {
			t.Fatal(err)
		}
		for _, name := range Kernels()[:len(Kernels())-1] {
			for _, memory := range []Memory{"", Fast, Small} {
				for _, batch := range []int{1, most} {
					got := make([]int32, batch*classes)
					if err := newTestRunner(t, m, Options{Batch: batch, Kernel: name, Memory: memory}).Run(got, images[:batch*size]); err != nil {
						t.Fatal(err)
					}
					if !slices.Equal(got, want[:len(got)]) {
						t.Errorf("kernel %s, memory %q, batch %d: %d, want %d", name, memory, batch, got, want[:len(got)])
					}
				}
			}
		}
	}
	if _, err := newTestModel(t, wide(rng)).NewRunner(Options{Memory: "big"}); err == nil {
		t.Error("memory \"big\" is taken")
	}
}

// TestPacking checks which operators have packed weights.
func TestPacking(t *testing.T) {
	set := kernel.Set{Plan: func(kernel.Conv, []int8) kernel.Plan { return nil }}
	if set.Packed != nil || packAll.of(set).Plan == nil {
		t.Error("a set that does not pack has no plans")
	}
	packed := false
	set.Packed = func(kernel.Conv, []int8) kernel.Plan { packed = true; return nil }
	linear, conv := kernel.Conv{OutH: 1, OutW: 1}, kernel.Conv{OutH: 2, OutW: 1}
	for _, c := range []struct {
		memory       Memory
		images       int
		linear, conv bool
	}{{Small, 1, true, true}, {Small, 100, true, true}, {Fast, 1, true, false}, {"", 6, true, false}, {"", 7, false, false}} {
		p := c.memory.packing(c.images, 7)
		for _, k := range []struct {
			conv kernel.Conv
			want bool
		}{{linear, c.linear}, {conv, c.conv}} {
			packed = false
			if p.of(set).Plan(k.conv, nil); packed != k.want {
				t.Errorf("memory %q, %d images, %d pixels: packed %t, want %t", c.memory, c.images, k.conv.Pixels(), packed, k.want)
			}
		}
	}
}
