// SPDX-License-Identifier: Apache-2.0

package infer

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/goqat/goqat/infer/internal/kernel/sets"
	"github.com/goqat/goqat/qmodel"
)

// A Model is a quantized network, ready to run. It is safe for concurrent use.
type Model struct {
	q           *qmodel.Model
	programs    map[string]programs // by the name of the kernel
	arena       *arenaPlan
	classifiers sync.Pool // of *classifier, idle
}

// Input describes the images of a model: height × width × channels bytes, channels innermost, 1 for gray or 3 for red,
// green and blue. A byte v stands for the real number scale·(v - ZeroPoint), the scale given by its IEEE 754 bits.
type Input = qmodel.Input

// Open reads the model in a file.
// What Load refuses Open refuses, too, and names the file.
func Open(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	if info.IsDir() {
		return nil, fmt.Errorf("infer: %s is a folder; name a .qmodel file", path)
	}
	m, err := Load(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// FromBytes reads the model in b, which it does not keep.
// It refuses what Load does.
func FromBytes(b []byte) (*Model, error) { return Load(bytes.NewReader(b), int64(len(b))) }

// Load reads a model of the given size in bytes. A truncated, corrupted or hostile model is refused, one of a newer
// version with qmodel.ErrNewer.
func Load(r io.ReaderAt, size int64) (*Model, error) {
	q, err := qmodel.Read(r, size)
	if err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	return newModel(q), nil
}

// New returns a model from its description, which must not change any more. One that is not valid, as qmodel.Model.Validate
// says, is an error.
func New(q *qmodel.Model) (*Model, error) {
	if err := q.Validate(); err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	return newModel(q), nil
}

func newModel(q *qmodel.Model) *Model {
	m := &Model{q: q, arena: planArena(q, accessesOf(q)), programs: map[string]programs{}}
	for _, set := range sets.All() {
		if set.Supported {
			m.programs[set.Name] = newPrograms(q, set)
		}
	}
	return m
}

// Name returns the name of the network, such as "lenet".
func (m *Model) Name() string { return m.q.Name }

// Method returns the name of the quantization method, such as "pact".
func (m *Model) Method() string { return m.q.Method }

// Version returns the version of the model's file format.
func (m *Model) Version() int { return m.q.Version }

// Input returns what the model's images are.
func (m *Model) Input() Input { return m.q.Input }

// Classes returns the names of the classes, one for each logit.
func (m *Model) Classes() []string { return slices.Clone(m.q.Classes) }

// LogitScale returns the IEEE 754 binary32 bits of the scale of all logits: a logit l stands for scale·l.
func (m *Model) LogitScale() uint32 {
	last := m.q.Operators[len(m.q.Operators)-1]
	return m.q.Tensors[last.Output].ScaleBits
}

// Data returns which images the model was trained with, as far as its file says.
func (m *Model) Data() qmodel.Data { return m.q.Data }

// Work returns how many additions and comparisons the model asks for per image: multiply-accumulates, what poolings and
// additions read, and 32 for each number that is written or is a term of one.
func (m *Model) Work() int64 { return m.q.Work() }

// ArenaBytes returns the working memory of a runner for the given batch, for each of its threads and without the scratch
// of kernels. A large batch runs in groups of images that fit the processor's caches, so that the memory stops growing. Where
// kernels compute a convolution and the pooling after it in one, it is about that: less for an image, and more images.
func (m *Model) ArenaBytes(batch int) int {
	return min(max(1, batch), m.arena.group()) * (m.arena.codes + 4*m.arena.wide)
}
