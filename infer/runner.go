// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"cmp"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/goqat/goqat/fixed"
	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/infer/internal/kernel/sets"
	"github.com/goqat/goqat/qmodel"
)

// Options are the choices of a runner. The zero value is one image at a time on one thread.
type Options struct {
	Batch   int               // most images per Run; 0 is 1
	Threads int               // at most MaxThreads; 0 is 1
	Kernel  string            // a name from Kernels; "" is the fastest that is not Refused
	Memory  Memory            // Fast or Small; "" is Fast
	Work    int64             // most additions and comparisons for one image; 0 is DefaultWork
	Observe func(Observation) // if not nil, sees the output of every operator
}

// DefaultWork is how many additions and comparisons a model may ask for per image where Options.Work does not say
// otherwise, so that a small file from somebody else cannot hold a processor for minutes. It is twice the work of
// ResNet-50 for an image of 224 × 224.
const DefaultWork = 1 << 33

// ErrWork is in the error of a model that asks for more than Options.Work.
var ErrWork = errors.New("raise the limit if you trust the model")

// MaxThreads is the most threads that a runner has.
const MaxThreads = 1024

// An Observation is the output of one operator for the images of a Run. Its memory is valid, and must not be changed,
// during the call.
type Observation struct {
	Tensor int     // index in the model
	Name   string  // of the tensor
	Codes  []uint8 // images × height × width × channels; nil for accumulators, values and logits
	Wide   []int32 // these
	// Steps are those of codes that have one for each image: a code stands for scale·N/D·(q - zero point); else nil.
	Steps []fixed.Step
}

// States of a runner.
const (
	idle = iota
	running
	closed
)

// A Runner runs a model. It owns its working memory and is for one goroutine at a time.
type Runner struct {
	m       *Model
	program *program
	flow    flow // of the program
	batch   int
	observe func(Observation)
	team    *team
	state   atomic.Int32 // idle, running or closed

	// The job at hand.
	groups groups
	tiles  tiles
}

// NewRunner returns a runner and allocates all its memory, about m.ArenaBytes(options.Batch) for each thread. One that
// is observed has room for the tensors of its whole batch.
//
// It is an error if an option is out of its range, the kernel is none of Kernels or is Refused, the batch takes too much
// memory, or the model asks for more than options.Work, which is ErrWork.
func (m *Model) NewRunner(options Options) (*Runner, error) {
	options.Batch, options.Threads = cmp.Or(options.Batch, 1), cmp.Or(options.Threads, 1)
	if err := options.check(m); err != nil {
		return nil, err
	}
	set, err := setOf(options.Kernel, sets.All())
	if err != nil {
		return nil, err
	}
	workers := make([]*worker, options.Threads)
	packing := options.Memory.packing(min(options.Batch, m.arena.group()), set.FewRows)
	r := &Runner{m: m, program: m.programs[set.Name][packing](), batch: options.Batch, observe: options.Observe}
	if r.flow = r.program.joined; r.observe != nil {
		r.flow = r.program.apart
	}
	group := min(r.batch, r.flow.arena.group())
	together := max(group, min(r.batch, len(workers)-1)) // images that threads run operator by operator
	if r.observe != nil {
		together = r.batch
	}
	for i := range workers {
		workers[i] = &worker{scratch: kernel.NewScratch(r.program.needs)}
		if i == 0 {
			workers[i].tensors = r.allocate(together)
		} else if r.observe == nil && i < r.batch {
			workers[i].tensors = r.allocate(group)
		}
	}
	r.groups.r, r.groups.most = r, group
	r.team = newTeam(workers)
	runtime.AddCleanup(r, (*team).close, r.team)
	return r, nil
}

// check says what is wrong with the options for a model.
func (o *Options) check(m *Model) error {
	if o.Memory != "" && o.Memory != Fast && o.Memory != Small {
		return fmt.Errorf("infer: memory %q, want %s or %s", o.Memory, Fast, Small)
	}
	if o.Work < 0 {
		return fmt.Errorf("infer: a limit of %d additions and comparisons an image, want 1 or more, or 0 for %d", o.Work, int64(DefaultWork))
	}
	if o.Batch < 0 || o.Threads < 0 || o.Threads > MaxThreads {
		return fmt.Errorf("infer: batch %d and %d threads, want 1 or more of each, or 0 for 1, and at most %d threads", o.Batch, o.Threads, MaxThreads)
	}
	if limit := cmp.Or(o.Work, DefaultWork); m.Work() > limit {
		return fmt.Errorf("infer: the model asks for %d additions and comparisons an image, more than the limit of %d (Options.Work); %w", m.Work(), limit, ErrWork)
	}
	if o.Batch > maxArena/max(1, m.arena.codes+4*m.arena.wide, m.q.Tensors[0].Len()) {
		return fmt.Errorf("infer: a batch of %d needs more than %d bytes, choose a smaller one", o.Batch, maxArena)
	}
	return nil
}

// allocate returns the tensors of a number of images; the image's and the logits' are the caller's during a Run.
func (r *Runner) allocate(images int) []kernel.Tensor {
	q, arena := r.m.q, r.flow.arena
	codes, wide := make([]uint8, images*arena.codes), make([]int32, images*arena.wide)
	tensors, steps := make([]kernel.Tensor, len(q.Tensors)), q.Steps()
	for i := range tensors {
		t := &q.Tensors[i]
		tensors[i].Zero = t.ZeroPoint
		start, length := images*arena.offset[i], images*t.Len()
		if steps[i] == i {
			tensors[i].Steps = make([]fixed.Step, images)
		}
		switch {
		case arena.owner[i] == 0 || i == r.logits() || start < 0:
		case t.Kind == qmodel.Codes:
			tensors[i].Codes = codes[start:][:length:length]
		default:
			tensors[i].Wide = wide[start:][:length:length]
		}
	}
	return tensors
}

// maxArena bounds the working memory of a runner, so that no index overflows.
const maxArena = int(min(uint64(^uint(0)>>1), 1<<40)) // bytes

func (r *Runner) logits() int {
	return r.m.q.Operators[len(r.m.q.Operators)-1].Output
}

// Run computes the logits of images: len(images) is a multiple, up to Batch, of the image's bytes, and logits has one
// number per image and class. It does not allocate. An error means that the lengths do not fit or that the runner is
// in use by another goroutine; nothing has been computed then. A panic of a kernel, on whatever thread, is an error too.
func (r *Runner) Run(logits []int32, images []uint8) error {
	size, classes := r.m.q.Tensors[0].Len(), len(r.m.q.Classes)
	n := len(images) / size
	switch {
	case len(images)%size != 0:
		return fmt.Errorf("infer: %d bytes are not a number of images of %d", len(images), size)
	case n > r.batch:
		return fmt.Errorf("infer: %d images, the runner was made for %d", n, r.batch)
	case len(logits) != n*classes:
		return fmt.Errorf("infer: room for %d logits, want %d: %d for each image", len(logits), n*classes, classes)
	case !r.state.CompareAndSwap(idle, running):
		if r.state.Load() == closed {
			return fmt.Errorf("infer: the runner is closed")
		}
		return fmt.Errorf("infer: the runner is in use by another goroutine, make one for each")
	}
	defer func() {
		if !r.state.CompareAndSwap(running, idle) {
			r.team.close()
		}
	}()
	if n == 0 {
		return nil
	}
	if r.observe != nil || n < len(r.team.workers) {
		return r.together(n, logits, images)
	}
	r.groups.split(n, len(r.team.workers))
	r.groups.images, r.groups.logits = images, logits
	err := r.team.run(&r.groups, r.groups.number, len(r.team.workers)-1)
	r.groups.images, r.groups.logits = nil, nil
	return err
}

// groups is the job of a batch in groups of images, each through the whole network before the next: their tensors are
// few enough to stay in the processor's caches. Threads take groups.
type groups struct {
	r      *Runner
	most   int // images of a group
	n      int // of the batch
	number int // of groups
	images []uint8
	logits []int32
}

// split cuts a batch of n images in groups, as many for each thread.
func (g *groups) split(n, threads int) {
	g.n, g.number = n, (n+g.most-1)/g.most
	g.number = min(n, (g.number+threads-1)/threads*threads)
}

func (g *groups) do(i int, w *worker) {
	r := g.r
	size, classes := r.m.q.Tensors[0].Len(), len(r.m.q.Classes)
	first, end := i*g.n/g.number, (i+1)*g.n/g.number
	r.own(w.tensors, g.images[first*size:end*size], g.logits[first*classes:end*classes])
	for _, s := range r.flow.steps {
		for tile := range s.tiles(end - first) {
			s.run(tile, end-first, w.tensors, w.scratch)
		}
	}
	r.own(w.tensors, nil, nil)
}

// together runs a batch operator by operator, the threads sharing each operator's tiles.
func (r *Runner) together(n int, logits []int32, images []uint8) error {
	tensors := r.team.workers[0].tensors
	r.own(tensors, images, logits)
	var err error
	for i, s := range r.flow.steps {
		r.tiles = tiles{s, n, tensors}
		if err = r.team.run(&r.tiles, s.tiles(n), s.work()*n/parallelWork); err != nil {
			break
		}
		if r.observe != nil {
			r.observe(r.observation(i, n))
		}
	}
	r.tiles = tiles{}
	r.own(tensors, nil, nil)
	return err
}

// parallelWork is the least work, in elementary additions, that is worth a helper: some microseconds.
const parallelWork = 1 << 20

// tiles is the job of one operator.
type tiles struct {
	step    step
	batch   int
	tensors []kernel.Tensor
}

func (t *tiles) do(i int, w *worker) { t.step.run(i, t.batch, t.tensors, w.scratch) }

// own has the caller's memory hold the image and the logits.
func (r *Runner) own(tensors []kernel.Tensor, images []uint8, logits []int32) {
	for i, owner := range r.flow.arena.owner {
		if owner == 0 {
			tensors[i].Codes = images
		}
	}
	tensors[r.logits()].Wide = logits
}

func (r *Runner) observation(operator, n int) Observation {
	i := r.m.q.Operators[operator].Output
	t := &r.m.q.Tensors[i]
	tensor := &r.team.workers[0].tensors[i]
	o := Observation{Tensor: i, Name: t.Name}
	if t.Kind == qmodel.Codes {
		o.Codes = tensor.Codes[:n*t.Len()]
		if s := r.program.by[i]; s >= 0 {
			o.Steps = r.team.workers[0].tensors[s].Steps[:n]
		}
	} else {
		o.Wide = tensor.Wide[:n*t.Len()]
	}
	return o
}

// Kernel returns the name of the runner's kernel, one of Kernels.
func (r *Runner) Kernel() string { return r.program.kernel }

// Close stops the runner's threads, after the Run under way if there is one; a Run later is refused. A runner that is no
// longer used is closed by the garbage collector as well.
func (r *Runner) Close() {
	if r.state.Swap(closed) == idle {
		r.team.close()
	}
}
