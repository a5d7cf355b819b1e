// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

// lenet returns a random model of the size of LeNet: 5×5 convolutions to 32 and 64 channels, 512 hidden units.
func lenet(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 28, 28, 1)
	x := b.Conv(0, qmodeltest.Square(5, 1, 2), 32, 1, 8, 4)
	x = b.MaxPool(x, qmodeltest.Square(2, 2, 0))
	x = b.Conv(x, qmodeltest.Square(5, 1, 2), 64, 1, 4, 4)
	x = b.MaxPool(x, qmodeltest.Square(2, 2, 0))
	x = b.Conv(b.Flatten(x), qmodeltest.Square(1, 1, 0), 512, 1, 4, 4)
	return b.Finish(x, 10)
}

// wide returns a network of enough channels for every kernel, with residual connections, pools and a depthwise layer.
func wide(rng *rand.Rand) *qmodel.Model {
	b := qmodeltest.New(rng, 12, 12, 3)
	x := b.Conv(0, qmodeltest.Square(3, 1, 1), 32, 1, 8, 4)
	x = b.Conv(x, qmodeltest.Square(3, 1, 1), 32, 32, 8, 8)
	x = b.Conv(x, qmodeltest.Square(3, 1, 1), 32, 1, 4, 4, x)
	x = b.MaxPool(x, qmodeltest.Square(3, 2, 1))
	x = b.Add(4, x, b.Conv(x, qmodeltest.Square(1, 1, 0), 32, 1, 2, 4))
	return b.Finish(b.AvgPool(x, qmodeltest.Square(6, 1, 0), 8), 10)
}

func TestRunDoesNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	q := wide(rng)
	m := newTestModel(t, q)
	for _, name := range Kernels() {
		for _, threads := range []int{1, 2} {
			r := newTestRunner(t, m, Options{Batch: 4, Threads: threads, Kernel: name})
			images, logits := drawImages(rng, q, 4), make([]int32, 4*len(q.Classes))
			if n := testing.AllocsPerRun(20, func() {
				if err := r.Run(logits, images); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("kernel %s, %d threads: %v allocations a run", name, threads, n)
			}
		}
	}
}

// TestGroupsDoNotMatter compares batches of every size, that threads share by groups of images or by tiles, with single
// images; the tensors of an image of the second network fill a cache.
func TestGroupsDoNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	b := qmodeltest.New(rng, 64, 64, 3)
	x := b.Conv(b.Conv(0, qmodeltest.Square(3, 1, 1), 64, 1, 8, 8), qmodeltest.Square(3, 2, 1), 16, 1, 8, 8)
	large := b.Finish(b.AvgPool(x, qmodeltest.Square(32, 1, 0), 8), 4)
	for _, c := range []struct {
		q    *qmodel.Model
		most int
	}{{wide(rng), 40}, {large, 5}} {
		m, images := newTestModel(t, c.q), drawImages(rng, c.q, c.most)
		size, classes := len(images)/c.most, len(c.q.Classes)
		want, single := make([]int32, c.most*classes), newTestRunner(t, m, Options{})
		for i := range c.most {
			if err := single.Run(want[i*classes:][:classes], images[i*size:][:size]); err != nil {
				t.Fatal(err)
			}
		}
		for threads := 1; threads <= 4; threads++ {
			r := newTestRunner(t, m, Options{Batch: c.most, Threads: threads})
			for n := 1; n <= c.most; n += 1 + n/4 {
				got := make([]int32, n*classes)
				if err := r.Run(got, images[:n*size]); err != nil || !slices.Equal(got, want[:n*classes]) {
					t.Fatalf("%d images, %d threads: %d, want %d (%v)", n, threads, got, want[:n*classes], err)
				}
			}
		}
	}
}

// TestRunnersShareAModel runs runners of one model at the same time, made at the same time; the race detector watches.
func TestRunnersShareAModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	q := wide(rng)
	m := newTestModel(t, q)
	images := drawImages(rng, q, 3)
	want := make([]int32, 30)
	if err := newTestRunner(t, m, Options{Batch: 3}).Run(want, images); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			r, err := m.NewRunner(Options{Batch: 3, Threads: 1 + i%3, Kernel: Kernels()[i%len(Kernels())]})
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			for range 2 {
				got := make([]int32, 30)
				if err := r.Run(got, images); err != nil || !slices.Equal(got, want) {
					t.Errorf("runner %d: %d, want %d (%v)", i, got, want, err)
				}
			}
		})
	}
	group.Wait()
}

// TestManyAccumulators has more accumulators than a tile has channels, three for each output.
func TestManyAccumulators(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	b := qmodeltest.New(rng, 4, 4, 3)
	x := b.ConvForm(0, qmodeltest.Square(3, 1, 1), 120, 1, qmodeltest.Form{WeightBits: 1, Planes: 3, CodeBits: 8})
	q := b.Finish(x, 3)
	m, image := newTestModel(t, q), drawImages(rng, q, 1)
	want := evaluate(q, image)[len(q.Tensors)-1]
	for _, name := range Kernels() {
		got := make([]int32, 3)
		if err := newTestRunner(t, m, Options{Kernel: name}).Run(got, image); err != nil {
			t.Fatal(err)
		}
		for i := range got {
			if int64(got[i]) != want[i] {
				t.Errorf("kernel %s: logit %d is %d, want %d", name, i, got[i], want[i])
			}
		}
	}
}

func TestRunRefuses(t *testing.T) {
	q := qmodeltest.Tiny(rand.New(rand.NewPCG(3, 3)))
	m := newTestModel(t, q)
	r := newTestRunner(t, m, Options{Batch: 2})
	size := q.Tensors[0].Len()
	for _, c := range []struct {
		logits, images int
		want           string
	}{
		{3, size + 1, "not a number of images"},
		{9, 3 * size, "made for 2"},
		{5, 2 * size, "room for 5"},
		{3, 0, "room for 3"},
	} {
		if err := r.Run(make([]int32, c.logits), make([]uint8, c.images)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d logits, %d bytes: error %v, want one with %q", c.logits, c.images, err, c.want)
		}
	}
	if err := r.Run(nil, nil); err != nil {
		t.Errorf("no images: %v", err)
	}

	var inner error
	busy := newTestRunner(t, m, Options{})
	busy.observe = func(Observation) { inner = busy.Run(make([]int32, 3), make([]uint8, size)) }
	if err := busy.Run(make([]int32, 3), make([]uint8, size)); err != nil || inner == nil {
		t.Errorf("two runs at once: %v, %v", err, inner)
	}

	done := newTestRunner(t, m, Options{Batch: 4, Threads: 2})
	for _, o := range []func(){func() {}, done.Close, done.Close} {
		o()
		if err := done.Run(make([]int32, 12), make([]uint8, 4*size)); (err != nil) != (done.state.Load() == closed) {
			t.Errorf("a runner in state %d: %v", done.state.Load(), err)
		}
	}
	busy = newTestRunner(t, m, Options{})
	busy.observe = func(Observation) { busy.Close() }
	if err := busy.Run(make([]int32, 3), make([]uint8, size)); err != nil {
		t.Errorf("closed during a run: %v", err)
	}

	for _, o := range []Options{{Kernel: "abacus"}, {Batch: -1}, {Threads: -1}, {Batch: math.MaxInt}} {
		if _, err := m.NewRunner(o); err == nil {
			t.Errorf("%+v accepted", o)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	q := qmodeltest.Tiny(rand.New(rand.NewPCG(3, 3)))
	q.Operators[1].Stride[0] = 0
	if _, err := New(q); err == nil {
		t.Error("invalid model accepted")
	}
	if _, err := FromBytes([]byte("no model")); err == nil {
		t.Error("no model accepted")
	}
	if _, err := Open("testdata/absent.qmodel"); err == nil {
		t.Error("absent file opened")
	}
	if _, err := Open("testdata"); err == nil || !strings.Contains(err.Error(), "testdata is a folder") {
		t.Errorf("a folder: %v", err)
	}
}

// TestClassify classifies from several goroutines at once and compares with a runner.
func TestClassify(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	q := qmodeltest.Tiny(rng)
	m := newTestModel(t, q)
	const n = 40
	size, classes := q.Tensors[0].Len(), len(q.Classes)
	images, logits := drawImages(rng, q, n), make([]int32, n*classes)
	if err := newTestRunner(t, m, Options{Batch: n}).Run(logits, images); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for i := range n {
				of := logits[i*classes:][:classes]
				got, err := m.Classify(images[i*size:][:size])
				if want := q.Classes[slices.Index(of, slices.Max(of))]; err != nil || got != want {
					t.Errorf("image %d: %q, %v, want %q", i, got, err, want)
				}
			}
		})
	}
	group.Wait()
	for _, length := range []int{0, size - 1, 2 * size} {
		if class, err := m.Classify(images[:length]); err == nil {
			t.Errorf("%d bytes are of class %q", length, class)
		}
	}
}

func TestLayers(t *testing.T) {
	q := lenet(rand.New(rand.NewPCG(4, 4)))
	layers := newTestRunner(t, newTestModel(t, q), Options{}).Layers()
	conv2 := layers[2]
	if conv2.Operator != "conv2d" || conv2.WeightBits != 4 || conv2.ActivationBits != 4 || !slices.Equal(conv2.Shape, []int{64, 5, 5, 32}) ||
		conv2.Output != [3]int{14, 14, 64} || conv2.MACs != 14*14*64*800 || conv2.Bytes < 64*800/2 || conv2.Bytes > 64*800/2+64*20 ||
		conv2.AccumulatorBits < 10 || conv2.AccumulatorBits > 18 || !strings.HasPrefix(conv2.Kernel, Kernels()[0]) {
		t.Errorf("conv2: %+v", conv2)
	}
	if pool := layers[1]; pool.Operator != "maxpool" || pool.Shape != nil || pool.MACs != 0 {
		t.Errorf("pool: %+v", pool)
	}
}

func TestModelAccessors(t *testing.T) {
	q := qmodeltest.Tiny(rand.New(rand.NewPCG(5, 5)))
	m := newTestModel(t, q)
	if !reflect.DeepEqual(m.Input(), q.Input) || m.LogitScale() != 0x3f800000 || m.Name() != "random" || m.Method() != "int" || m.Version() != q.Version {
		t.Errorf("%+v %#x %s %s %d", m.Input(), m.LogitScale(), m.Name(), m.Method(), m.Version())
	}
	m.Classes()[0] = "changed"
	if m.Classes()[0] != "class 0" {
		t.Error("the classes are not a copy")
	}
}

// TestArena proves on random models that tensors alive at the same time do not overlap, and that the arena is at most
// half as large again as what is alive at once. In every other model each pooling is written by the step of the operator before it.
func TestArena(t *testing.T) {
	for seed := range uint64(200) {
		q := drawModel(rand.New(rand.NewPCG(seed, 6)))
		a := accessesOf(q)
		written := a.writes
		for i, o := range q.Operators {
			if seed%2 == 1 && i > 0 && o.Op == qmodel.MaxPool && o.Inputs[0] == q.Operators[i-1].Output && q.Operators[i-1].Op != qmodel.Flatten {
				written[i-1], written[i] = o.Output, -1
			}
		}
		p := planArena(q, a)
		last := make([]int, len(q.Tensors))
		for i, o := range q.Operators {
			for _, in := range o.Inputs {
				last[in] = i
			}
		}
		least := map[bool]int{}
		for i := range q.Operators {
			need := map[bool]int{}
			alive := []int{}
			for before, t := range written[:i+1] {
				if t >= 0 && q.Operators[before].Op != qmodel.Flatten && (last[t] >= i || t == written[i]) && q.Tensors[t].Kind != qmodel.Logits {
					alive = append(alive, t)
				}
			}
			for n, a := range alive {
				ta := &q.Tensors[a]
				wide := ta.Kind != qmodel.Codes
				need[wide] += aligned(ta.Len())
				least[wide] = max(least[wide], need[wide])
				if end, length := p.offset[a]+ta.Len(), map[bool]int{false: p.codes, true: p.wide}[wide]; end > length {
					t.Fatalf("model %d: tensor %d ends at %d in an arena of %d", seed, a, end, length)
				}
				for _, b := range alive[:n] {
					tb := &q.Tensors[b]
					if wide == (tb.Kind != qmodel.Codes) && p.offset[a] < p.offset[b]+tb.Len() && p.offset[b] < p.offset[a]+ta.Len() {
						t.Fatalf("model %d, operator %d: tensors %d and %d overlap", seed, i, a, b)
					}
				}
			}
		}
		if 2*p.codes > 3*least[false] || 2*p.wide > 3*least[true] {
			t.Errorf("model %d: arenas of %d codes and %d int32, the least are %d and %d", seed, p.codes, p.wide, least[false], least[true])
		}
	}
	q := lenet(rand.New(rand.NewPCG(7, 7)))
	if m := newTestModel(t, q); m.ArenaBytes(8) != 8*(28*28*32+14*14*32) {
		t.Errorf("arena of %d bytes, the first convolution's output and its pooling take %d", m.ArenaBytes(8), 8*(28*28*32+14*14*32))
	}
}

// FuzzRun changes a model with a right digest and runs what is still read: the loops stay inside of their buffers.
func FuzzRun(f *testing.F) {
	for _, file := range qmodeltest.Files() {
		f.Add(file, uint16(9), uint8(7))
	}
	f.Fuzz(func(t *testing.T, file []byte, place uint16, value uint8) {
		file = bytes.Clone(file)
		if int(place) < len(file) {
			file[place] = value
		}
		if q, err := qmodeltest.ReadChanged(file); err == nil {
			runHostile(t, q, newTestModel(t, q))
		}
	})
}

// TestWorkIsLimited has a model that asks for more than a runner allows.
func TestWorkIsLimited(t *testing.T) {
	m := newTestModel(t, qmodeltest.Tiny(rand.New(rand.NewPCG(5, 5))))
	if _, err := m.NewRunner(Options{Work: m.Work() - 1}); err == nil || !strings.Contains(err.Error(), "Options.Work") {
		t.Errorf("error %v", err)
	}
	if _, err := m.NewRunner(Options{Work: -1}); err == nil || !strings.Contains(err.Error(), "limit of -1") {
		t.Errorf("error %v", err)
	}
	if r, err := m.NewRunner(Options{Work: m.Work()}); err != nil {
		t.Error(err)
	} else {
		r.Close()
	}
}

// TestThreadsAreLimited asks for more threads than any machine has.
func TestThreadsAreLimited(t *testing.T) {
	m := newTestModel(t, qmodeltest.Tiny(rand.New(rand.NewPCG(5, 5))))
	for _, threads := range []int{MaxThreads + 1, 1 << 30, math.MaxInt} {
		if _, err := m.NewRunner(Options{Threads: threads}); err == nil {
			t.Errorf("a runner with %d threads", threads)
		}
	}
}

// brokenStep panics in one of its tiles.
type brokenStep struct{ step }

func (brokenStep) tiles(int) int { return 64 }
func (brokenStep) work() int     { return parallelWork * 8 }
func (brokenStep) run(tile, _ int, _ []kernel.Tensor, _ *kernel.Scratch) {
	if tile == 33 {
		panic("broken")
	}
}

// TestPanicOfAThreadIsTheCallsError breaks a kernel: Run returns an error, whatever thread has run it, and the runner
// runs again when the kernel is whole.
func TestPanicOfAThreadIsTheCallsError(t *testing.T) {
	q := qmodeltest.Tiny(rand.New(rand.NewPCG(5, 5)))
	m := newTestModel(t, q)
	for _, threads := range []int{1, 2, 4} {
		for _, batch := range []int{1, 8} {
			r := newTestRunner(t, m, Options{Batch: batch, Threads: threads})
			images := drawImages(rand.New(rand.NewPCG(1, 1)), q, batch)
			logits := make([]int32, batch*len(q.Classes))
			whole := r.flow.steps
			r.flow.steps = append([]step{brokenStep{whole[0]}}, whole[1:]...)
			for range 20 {
				if err := r.Run(logits, images); err == nil || !strings.Contains(err.Error(), "panic: broken") {
					t.Fatalf("%d threads, batch %d: error %v", threads, batch, err)
				}
			}
			r.flow.steps = whole
			if err := r.Run(logits, images); err != nil {
				t.Errorf("%d threads, batch %d: %v after the panic", threads, batch, err)
			}
		}
	}
}
