// SPDX-License-Identifier: Apache-2.0

package train

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/internal/safetensors"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/optim"
)

// checkpointVersion is the version of the checkpoints written; others are
// refused.
const checkpointVersion = 1

// Info is what a checkpoint says beside its numbers.
type Info struct {
	Version int
	// Recipe is the resolved recipe, from which the network is built again.
	Recipe  string
	Classes []string
	Input   layers.Input
	// Data is the digest of the data set (datasets.Dataset.Digest), "" in
	// checkpoints made before there was one.
	Data string
	// Computes names the kernels, as far as numbers depend on them, "" in checkpoints
	// made before they were named.
	Computes string `json:",omitempty"`

	Phase    string // "float" or "qat"
	Position Position
	// Validation is the accuracy on the validation images when the checkpoint
	// was made, Best the best of the phase so far, 0 before the first.
	Validation, Best float64
	// BestLoss is the mean cross-entropy of the best on the validation images, which
	// decides between equal accuracies.
	BestLoss float64
	// BestEpochs is the number of epochs after which the best was made, 0 before the
	// first.
	BestEpochs int
	// Seconds of training by phase so far.
	Seconds map[string]float64
}

// Limits of what a checkpoint says, those of a model.
const (
	maxSide    = 1 << 16
	maxClasses = 1 << 16
	maxEpochs  = 1 << 30
)

// check says what in the information of a file cannot be.
func (i *Info) check() error {
	in := i.Input
	for _, side := range []int{in.Height, in.Width, in.Channels} {
		if side < 1 || side > maxSide {
			return fmt.Errorf("its images are %d×%d×%d", in.Height, in.Width, in.Channels)
		}
	}
	if err := in.Validate(); err != nil {
		return err
	}
	switch {
	case len(i.Classes) < 1 || len(i.Classes) > maxClasses:
		return fmt.Errorf("it has %d classes", len(i.Classes))
	case i.Position.Epoch < 0 || i.Position.Epoch > maxEpochs || i.Position.Batch < 0 || i.Position.Batch > maxEpochs:
		return fmt.Errorf("it is of epoch %d, batch %d", i.Position.Epoch, i.Position.Batch)
	}
	return nil
}

// Sizes returns the number of values of every tensor, by name.
func (c *Checkpoint) Sizes() map[string]int {
	sizes := map[string]int{}
	for name, values := range c.tensors {
		sizes[name] = len(values)
	}
	return sizes
}

// A Checkpoint is a safetensors file with everything a training is: parameters,
// running statistics, observed ranges, the optimizer's memory, and Info as JSON
// in the metadata entry "goqat". Random choices need no state: they are numbered
// by seed, epoch and step.
type Checkpoint struct {
	Info    Info
	tensors map[string][]float32
	shapes  map[string][]int
	order   []string
}

// optimizerPrefix marks the tensors of the optimizer.
const optimizerPrefix = "optimizer/"

// Capture copies the state of a training into a checkpoint; the optimizer may be
// nil.
func Capture(info Info, n *layers.Network, o optim.Optimizer) *Checkpoint {
	info.Version = checkpointVersion
	info.Classes, info.Input = n.Classes, n.Input
	c := &Checkpoint{Info: info, tensors: map[string][]float32{}, shapes: map[string][]int{}}
	for _, p := range n.Graph.Params() {
		c.put(p.Name, p.Shape, p.Value)
	}
	for _, s := range n.State() {
		c.put(s.Name, []int{len(s.Data)}, s.Data)
	}
	if o != nil {
		for _, t := range o.State() {
			c.put(optimizerPrefix+t.Name, []int{len(t.Data)}, t.Data)
		}
	}
	return c
}

func (c *Checkpoint) put(name string, shape []int, data []float32) {
	c.tensors[name] = append([]float32(nil), data...)
	c.shapes[name] = shape
	c.order = append(c.order, name)
}

// Restore copies the checkpoint's numbers into a network of the same shape, and
// into the optimizer unless it is nil. A checkpoint of another network is an error; the network may have some of its numbers
// then.
func (c *Checkpoint) Restore(n *layers.Network, o optim.Optimizer) error {
	for _, s := range append(parameters(n), n.State()...) {
		t, ok := c.tensors[s.Name]
		if !ok || len(t) != len(s.Data) {
			return fmt.Errorf("train: the checkpoint is of another network: it has %d values for %s, the network %d", len(t), s.Name, len(s.Data))
		}
		copy(s.Data, t)
	}
	if o == nil {
		return nil
	}
	var state []optim.Tensor
	for _, name := range c.order {
		if rest, ok := strings.CutPrefix(name, optimizerPrefix); ok {
			state = append(state, optim.Tensor{Name: rest, Data: c.tensors[name]})
		}
	}
	return o.Load(n.Graph.Params(), state)
}

// RestoreShared copies what the checkpoint has for the network's parameters and
// statistics, where name and size agree; it is how training starts from a checkpoint of
// another. Shadow weights must all be there, but for those of the layers in except, of
// which nothing is taken.
func (c *Checkpoint) RestoreShared(n *layers.Network, except ...string) error {
	if err := c.Shares(n, except...); err != nil {
		return err
	}
	for _, s := range append(parameters(n), n.State()...) {
		if t := c.tensors[s.Name]; len(t) == len(s.Data) && !of(s.Name, except) {
			copy(s.Data, t)
		}
	}
	return nil
}

// Shares says what RestoreShared would lack.
func (c *Checkpoint) Shares(n *layers.Network, except ...string) error {
	for _, p := range n.Graph.Params() {
		if t := c.tensors[p.Name]; len(t) != len(p.Value) && p.Group != graph.Clips && !of(p.Name, except) {
			return fmt.Errorf("train: the checkpoint is of another network: it has %d values for %s, the network %d", len(t), p.Name, len(p.Value))
		}
	}
	return nil
}

// of says whether a tensor is one of the named layers'.
func of(tensor string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return strings.HasPrefix(tensor, name+".") })
}

func parameters(n *layers.Network) []graph.State {
	var states []graph.State
	for _, p := range n.Graph.Params() {
		states = append(states, graph.State{Name: p.Name, Data: p.Value})
	}
	return states
}

// Write writes the checkpoint to path, which holds the old checkpoint or the new one,
// whatever happens.
func (c *Checkpoint) Write(path string) error {
	if err := atomicfile.Write(path, c.Encode); err != nil {
		return fmt.Errorf("train: checkpoint: %w", err)
	}
	return nil
}

// Encode writes the checkpoint to a file.
func (c *Checkpoint) Encode(w *os.File) error {
	meta, err := json.Marshal(c.Info)
	if err != nil {
		return fmt.Errorf("train: checkpoint: %w", err)
	}
	f := &safetensors.File{Metadata: []safetensors.Metadata{{Key: "goqat", Value: string(meta)}}}
	for _, name := range c.order {
		data := make([]byte, 0, 4*len(c.tensors[name]))
		for _, v := range c.tensors[name] {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
		}
		f.Tensors = append(f.Tensors, safetensors.Tensor{Name: name, DType: "F32", Shape: c.shapes[name], Data: data})
	}
	return f.Write(w)
}

// ReadCheckpoint reads the checkpoint at path. A file that is none, is damaged (its digest tells) or is of another version is an
// error.
func ReadCheckpoint(path string) (*Checkpoint, error) {
	c, err := readCheckpoint(path)
	if err != nil {
		return nil, fmt.Errorf("train: checkpoint %s: %w", path, err)
	}
	return c, nil
}

// ParseCheckpoint is ReadCheckpoint for the bytes of the file at path.
func ParseCheckpoint(data []byte, path string) (*Checkpoint, error) {
	f, err := safetensors.Read(bytes.NewReader(data), int64(len(data)))
	if err == nil {
		var c *Checkpoint
		if c, err = decode(f); err == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("train: checkpoint %s: %w", path, err)
}

func readCheckpoint(path string) (*Checkpoint, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	stat, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if stat.IsDir() {
		return nil, errors.New("it is a folder; name a file in it, such as checkpoint-float.safetensors")
	}
	f, err := safetensors.Read(file, stat.Size())
	if err != nil {
		return nil, fmt.Errorf("%w; make or copy it again", err)
	}
	return decode(f)
}

func decode(f *safetensors.File) (*Checkpoint, error) {
	meta, ok := f.Value("goqat")
	if !ok {
		if format, _ := f.Value("format"); format == "qmodel" {
			return nil, errors.New("it is a .qmodel, integers; name the checkpoint that it was exported from")
		}
		return nil, errors.New("it is a safetensors file, but not one of goqat's checkpoints")
	}
	c := &Checkpoint{tensors: map[string][]float32{}, shapes: map[string][]int{}}
	if err := json.Unmarshal([]byte(meta), &c.Info); err != nil {
		return nil, fmt.Errorf("its description is malformed: %w", err)
	}
	if c.Info.Version != checkpointVersion {
		return nil, fmt.Errorf("it has version %d, this program reads version %d", c.Info.Version, checkpointVersion)
	}
	if f.Digest == "" {
		return nil, errors.New("it has no digest")
	}
	if err := c.Info.check(); err != nil {
		return nil, err
	}
	for _, t := range f.Tensors {
		if t.DType != "F32" {
			return nil, fmt.Errorf("tensor %s has the type %s, want F32", t.Name, t.DType)
		}
		values := make([]float32, len(t.Data)/4)
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
		}
		c.tensors[t.Name], c.shapes[t.Name] = values, t.Shape
		c.order = append(c.order, t.Name)
	}
	return c, nil
}
