// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"fmt"
	"runtime"
	"sync/atomic"

	"github.com/goqat/goqat/infer/internal/kernel"
	"github.com/goqat/goqat/qmodel"
)

// Options are the choices of a runner. The zero value is one image at a time on one thread.
type Options struct {
	Batch   int               // most images per Run; 0 is 1
	Threads int               // 0 is 1
	Kernel  string            // a name from Kernels; "" is the fastest
	Observe func(Observation) // if not nil, sees the output of every operator
}

// An Observation is the output of one operator for the images of a Run. Its memory is valid, and must not be changed,
// during the call.
type Observation struct {
	Tensor int     // index in the model
	Name   string  // of the tensor
	Codes  []uint8 // images × height × width × channels; nil for accumulators and logits
	Wide   []int32 // these
}

// A Runner runs a model. It owns its working memory and is for one goroutine at a time.
type Runner struct {
	m       *Model
	program *program
	batch   int
	observe func(Observation)
	tensors []kernel.Tensor // the image's and the logits' are the caller's during a Run
	team    *team
	running atomic.Bool
}

// NewRunner returns a runner and allocates all its memory, about m.ArenaBytes(options.Batch).
func (m *Model) NewRunner(options Options) (*Runner, error) {
	name := options.Kernel
	if name == "" {
		name = m.best
	}
	compiled, ok := m.programs[name]
	if !ok {
		return nil, fmt.Errorf("infer: kernel %q is not one of those this processor runs, %q", name, Kernels())
	}
	if options.Batch < 0 || options.Threads < 0 {
		return nil, fmt.Errorf("infer: batch %d and %d threads, want positive numbers", options.Batch, options.Threads)
	}
	r := &Runner{m: m, program: compiled(), batch: max(1, options.Batch), observe: options.Observe}
	arena := r.program.arena
	if r.batch > maxArena/max(1, arena.codes+4*arena.wide, m.q.Tensors[0].Len()) {
		return nil, fmt.Errorf("infer: a batch of %d needs more than %d bytes, choose a smaller one", r.batch, maxArena)
	}
	codes, wide := make([]uint8, r.batch*arena.codes), make([]int32, r.batch*arena.wide)
	r.tensors = make([]kernel.Tensor, len(m.q.Tensors))
	for i := range r.tensors {
		t := &m.q.Tensors[i]
		r.tensors[i].Zero = t.ZeroPoint
		start, length := r.batch*arena.offset[i], r.batch*t.Len()
		switch {
		case arena.owner[i] == 0 || i == r.logits():
		case t.Kind == qmodel.Codes:
			r.tensors[i].Codes = codes[start:][:length:length]
		default:
			r.tensors[i].Wide = wide[start:][:length:length]
		}
	}
	r.team = newTeam(max(1, options.Threads), r.program.needs)
	runtime.AddCleanup(r, (*team).close, r.team)
	return r, nil
}

// maxArena bounds the working memory of a runner, so that no index overflows.
const maxArena = int(min(uint64(^uint(0)>>1), 1<<40)) // bytes

func (r *Runner) logits() int {
	return r.m.q.Operators[len(r.m.q.Operators)-1].Output
}

// Run computes the logits of images: len(images) is a multiple, up to Batch, of the image's bytes, and logits has one
// number per image and class. It does not allocate. An error means that the lengths do not fit or that the runner is
// in use by another goroutine; nothing has been computed then.
func (r *Runner) Run(logits []int32, images []uint8) error {
	size, classes := r.m.q.Tensors[0].Len(), len(r.m.q.Classes)
	n := len(images) / size
	switch {
	case len(images)%size != 0:
		return fmt.Errorf("infer: %d bytes are not a number of images of %d", len(images), size)
	case n > r.batch:
		return fmt.Errorf("infer: %d images, the runner was made for %d", n, r.batch)
	case len(logits) != n*classes:
		return fmt.Errorf("infer: room for %d logits, %d images of %d classes have %d", len(logits), n, classes, n*classes)
	case !r.running.CompareAndSwap(false, true):
		return fmt.Errorf("infer: the runner is in use by another goroutine, make one for each")
	}
	defer r.running.Store(false)
	if n == 0 {
		return nil
	}
	r.own(images, logits)
	for i, step := range r.program.steps {
		r.team.run(step, n, r.tensors)
		if r.observe != nil {
			r.observe(r.observation(i, n))
		}
	}
	r.own(nil, nil)
	return nil
}

// own puts the caller's memory in the place of the image and of the logits.
func (r *Runner) own(images []uint8, logits []int32) {
	for i, owner := range r.program.arena.owner {
		if owner == 0 {
			r.tensors[i].Codes = images
		}
	}
	r.tensors[r.logits()].Wide = logits
}

func (r *Runner) observation(operator, n int) Observation {
	i := r.m.q.Operators[operator].Output
	t := &r.m.q.Tensors[i]
	o := Observation{Tensor: i, Name: t.Name}
	if t.Kind == qmodel.Codes {
		o.Codes = r.tensors[i].Codes[:n*t.Len()]
	} else {
		o.Wide = r.tensors[i].Wide[:n*t.Len()]
	}
	return o
}

// Kernel returns the name of the runner's kernel, one of Kernels.
func (r *Runner) Kernel() string { return r.program.kernel }

// Close stops the runner's threads and must be the last call; a runner that is no longer used is closed by the garbage
// collector as well.
func (r *Runner) Close() { r.team.close() }
