// SPDX-License-Identifier: Apache-2.0

package peer

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goqat/goqat/datasets"
	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/logits"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// A Comparison is the agreement of a runtime with goqat on a number of images.
type Comparison struct {
	Runtime string   `json:"runtime"` // name and version
	Images  int      `json:"images"`
	Tensors []Tensor `json:"tensors"` // those that the runtime shows, in the model's order
	// Integers counts the integers of all these tensors, Differ those that are not goqat's.
	Integers int64 `json:"integers"`
	Differ   int64 `json:"differ"`
	// TopClassDiffers counts images with another top class, TopClassTies those among them for which the two greatest
	// logits of goqat are equal, so that only the choice between them differs.
	TopClassDiffers int     `json:"top_class_differs"`
	TopClassTies    int     `json:"top_class_ties"`
	Accuracy        float64 `json:"accuracy"`      // of goqat
	PeerAccuracy    float64 `json:"peer_accuracy"` // of the runtime
}

// A Tensor is the agreement in one tensor.
type Tensor struct {
	Name     string  `json:"name"`
	Integers int64   `json:"integers"`
	Differ   int64   `json:"differ"`
	MaxSteps float64 `json:"max_steps"` // the largest difference
}

const batch = 20 // images at a time

// Compare runs the images through the model and through a file that it was exported to, and compares what the runtime of
// the file shows of the tensors between and the logits.
//
// The logits are those of the file as it is. The tensors between are those of a run of their own, since a runtime that is
// asked for them computes otherwise: it merges no operators across them.
func Compare(ctx context.Context, q *qmodel.Model, file string, s datasets.Split, o Options, progress func(done int)) (*Comparison, error) {
	ctx, end := context.WithCancel(ctx)
	defer end() // of a runtime that is left when the other one fails
	if s.Len() == 0 {
		return nil, fmt.Errorf("there are no images to compare with")
	}
	name, err := o.runtime(file)
	if err != nil {
		return nil, err
	}
	c := &comparer{q: q, all: make([]Tensor, len(q.Tensors)), want: make([][]int32, len(q.Tensors))}
	m, err := infer.New(q)
	if err != nil {
		return nil, err
	}
	if c.runner, err = m.NewRunner(infer.Options{Batch: batch, Threads: o.Threads, Work: m.Work(), Observe: c.observe}); err != nil {
		return nil, err
	}
	defer c.runner.Close()
	shown, remove, err := c.show(name, file)
	if err != nil {
		return nil, err
	}
	defer remove()
	in := &q.Tensors[0]
	shape := [3]int{in.Channels, in.Height, in.Width}
	if c.between, err = start(ctx, o, name, shown, shape, c.names()); err != nil {
		return nil, err
	}
	if c.whole, err = start(ctx, o, name, file, shape, []string{logitsName}); err != nil {
		return nil, errors.Join(err, c.between.close())
	}
	for b, err := range s.Batches(batch) {
		if err != nil {
			return nil, err
		}
		if err := c.batch(b.Images, b.Labels); err != nil {
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, err
		}
		if progress != nil {
			progress(b.End())
		}
	}
	return c.result(s.Len()), errors.Join(c.between.close(), c.whole.close())
}

type comparer struct {
	q       *qmodel.Model
	runner  *infer.Runner
	between *process  // gives the tensors between
	whole   *process  // gives the logits
	want    [][]int32 // tensors of the runtime of goqat in the current batch
	all     []Tensor
	sum     Comparison
	right   [2]int // images that goqat and the peer classify right
}

// last is the index of the logits.
func (c *comparer) last() int { return c.q.Operators[len(c.q.Operators)-1].Output }

// logitsName is what the logits are called in a file.
const logitsName = "logits"

// names are those that the model's tensors can have in a file.
func (c *comparer) names() []string {
	names := []string{logitsName}
	for _, o := range c.q.Operators {
		if !o.Aliases() {
			names = append(names, c.q.Tensors[o.Output].Name)
		}
	}
	return names
}

// tensor returns the index of the tensor with a name in a file, or -1. Flattened tensors are those they are made of.
func (c *comparer) tensor(name string) int {
	if name == logitsName {
		return c.last()
	}
	for _, o := range c.q.Operators {
		if c.q.Tensors[o.Output].Name == name && !o.Aliases() {
			return o.Output
		}
	}
	return -1
}

// show returns the path of a copy of an ONNX file that gives the tensors between as well, and how to remove it.
func (c *comparer) show(runtime, file string) (string, func(), error) {
	if runtime == "litert" || runtime == "qonnx" { // have a way of their own
		_, err := os.Stat(file)
		return file, func() {}, err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return "", nil, err
	}
	m, err := onnxproto.Unmarshal(content)
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w; export it again", file, err)
	}
	var outputs []onnxproto.Value
	for _, n := range m.Graph.Nodes {
		for _, name := range n.Outputs {
			given := slices.ContainsFunc(m.Graph.Outputs, func(v onnxproto.Value) bool { return v.Name == name })
			if c.tensor(name) >= 0 && !given {
				outputs = append(outputs, onnxproto.Value{Name: name})
			}
		}
	}
	dir, err := os.MkdirTemp("", "qat-compare-")
	if err != nil {
		return "", nil, err
	}
	path := filepath.Join(dir, "model.onnx")
	if err := os.WriteFile(path, onnxproto.AppendOutputs(content, outputs), 0o600); err != nil {
		os.RemoveAll(dir)
		return "", nil, err
	}
	return path, func() { os.RemoveAll(dir) }, nil
}

// observe keeps a copy of a tensor of goqat's runtime.
func (c *comparer) observe(o infer.Observation) {
	kept := append(c.want[o.Tensor][:0], o.Wide...)
	for _, q := range o.Codes {
		kept = append(kept, int32(q))
	}
	c.want[o.Tensor] = kept
}

func (c *comparer) batch(images []uint8, labels []int32) error {
	n := len(labels)
	logits := make([]int32, n*len(c.q.Classes))
	if err := c.runner.Run(logits, images); err != nil {
		return err
	}
	planes := make([]uint8, len(images))
	for i, v := range images {
		planes[toPlanes(&c.q.Tensors[0], i)] = v
	}
	for _, p := range []*process{c.between, c.whole} {
		x := images
		if p.hello.Layout == "NCHW" {
			x = planes
		}
		if err := c.ask(p, x, logits, labels); err != nil {
			return err
		}
	}
	return nil
}

// ask has a process compute a batch, and compares what it gives; of the logits those of the whole alone.
func (c *comparer) ask(p *process, images []uint8, logits, labels []int32) error {
	var tensors, want []int
	for _, name := range p.hello.Outputs {
		i := c.tensor(name)
		if i < 0 {
			return p.fail(fmt.Errorf("it has an output %.80q, which is no tensor of the model", name))
		}
		tensors, want = append(tensors, i), append(want, len(labels)*c.q.Tensors[i].Len())
	}
	outputs, err := p.run(len(labels), images, want)
	if err != nil {
		return err
	}
	for k, i := range tensors {
		if (i == c.last()) == (p == c.whole) {
			c.tally(p.hello, i, outputs[k])
		}
		if i == c.last() && p == c.whole {
			c.classes(logits, outputs[k], labels)
		}
	}
	return nil
}

// toPlanes returns where number i of images, channels innermost, is with the channels outermost.
func toPlanes(t *qmodel.Tensor, i int) int {
	image, at, channel := i/t.Len(), i%t.Len()/t.Channels, i%t.Channels
	return (image*t.Channels+channel)*t.Height*t.Width + at
}

// tally compares a tensor.
func (c *comparer) tally(from hello, i int, got []float64) {
	t, sum := &c.q.Tensors[i], &c.all[i]
	scale, zero := 1.0, 0.0
	switch {
	case t.Kind == qmodel.Logits && slices.ContainsFunc(got, func(v float64) bool { return v != math.Trunc(v) }):
		scale = float64(math.Float32frombits(t.ScaleBits))
	case from.Centered && t.Signs: // -1 and +1
		scale, zero = 2, 0.5
	}
	centered := from.Centered && !t.Signs && t.Kind == qmodel.Codes
	sum.Name = t.Name
	for k, want := range c.want[i] {
		at := k
		if from.Layout == "NCHW" {
			at = toPlanes(t, k)
		}
		if centered {
			zero = float64(t.Zero(k % t.Channels))
		}
		sum.Integers++
		if d := math.Abs(math.RoundToEven(got[at]/scale+zero) - float64(want)); d != 0 { // NaN is a difference
			sum.Differ++
			sum.MaxSteps = max(sum.MaxSteps, d)
		}
	}
}

// classes compares the top classes.
func (c *comparer) classes(want []int32, got []float64, labels []int32) {
	k := len(c.q.Classes)
	for i, label := range labels {
		a, b := want[i*k:][:k], got[i*k:][:k]
		ours, theirs := logits.Top(a), logits.Top(b)
		if ours == int(label) {
			c.right[0]++
		}
		if theirs == int(label) {
			c.right[1]++
		}
		if ours != theirs {
			c.sum.TopClassDiffers++
			if theirs >= 0 && a[theirs] == a[ours] {
				c.sum.TopClassTies++
			}
		}
	}
}

func (c *comparer) result(images int) *Comparison {
	r := &c.sum
	r.Runtime, r.Images = strings.ToValidUTF8(c.whole.hello.Runtime, ""), images
	r.Accuracy, r.PeerAccuracy = float64(c.right[0])/float64(images), float64(c.right[1])/float64(images)
	for _, o := range c.q.Operators {
		if t := c.all[o.Output]; t.Integers > 0 {
			r.Tensors = append(r.Tensors, t)
			r.Integers += t.Integers
			r.Differ += t.Differ
		}
	}
	return r
}
