// SPDX-License-Identifier: Apache-2.0

// Package onnx imports float networks from ONNX files, as PyTorch's exporters, tf2onnx and Keras write them: as a
// [network.Network] with its parameters, which a program can edit before it trains them.
//
//	m, err := onnx.Open("net.onnx", onnx.Options{})
//	…
//	fmt.Print(m.Network)
//	n, err := m.Build(layers.Config{Batch: 64, Policy: policy, Pool: pool})
//
// What a file says by several nodes becomes what goqat has as one: a convolution with its batch normalization and its
// activation, constants that the file computes, paddings, transpositions and reshapes. What goqat has not is refused, all
// at once, with the nearest it has. See rules.go for what is taken.
package onnx

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/internal/onnxeval"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
)

// Options say what a file does not.
type Options struct {
	// Mean and Deviation say how the network's images are normalized outside the file: (pixel/255 − mean)/deviation, one
	// number for all channels or one for each. Without, a file is given pixels of 0 to 1, or of 0 to 255 where it divides
	// by about 255 itself or takes bytes.
	Mean, Deviation []float64
	// Classes are the names of the classes. Without, they are called by their index.
	Classes []string
	// Logits names the output of the file that the logits are, of several; what the others alone need is left out.
	Logits string
	// Memory bounds the bytes that evaluating the file in Compare may take, Work the multiplications for an image; 0 means
	// that nothing does.
	Memory, Work int64
}

// Check says what is wrong with the options.
func (o *Options) Check() error {
	if len(o.Mean) != len(o.Deviation) {
		return fmt.Errorf("onnx: the mean of pixels has length %d, their deviation %d; give both, one number or one a channel", len(o.Mean), len(o.Deviation))
	}
	for k, d := range o.Deviation {
		if m := o.Mean[k]; !(d > 0 && d <= 1) || !(m >= 0 && m <= 1) {
			return fmt.Errorf("onnx: the mean %v and the deviation %v of pixels, want numbers of 0 to 1, the deviation above 0; divide those of pixels of 0 to 255 by 255", m, d)
		}
	}
	return nil
}

// A Model is an imported network as data.
type Model struct {
	Network *network.Network
	// Parameters are the numbers of the network by the names of checkpoints: weight ([out, height, width, in / groups])
	// and bias or gamma, beta, mean and variance of an operator, after its name and a dot.
	Parameters map[string][]float32
	Input      layers.Input
	Classes    []string
	Unnamed    bool     // the classes are called by their index
	Notes      []string // what was left out or changed, in sentences

	program *onnxeval.Program
	result  string    // the tensor of the file that the logits are
	scale   []float64 // by which a channel's codes become what the file is given
	offset  []float64 // that is added to them then
	layout  [][]factor
	most    Options // its bounds
}

// A Refusal is a node that goqat cannot take.
type Refusal struct {
	Node     string `json:"node"`
	Operator string `json:"operator"`
	Reason   string `json:"reason"`
	Nearest  string `json:"nearest,omitempty"` // what goqat has instead
}

// An Unsupported is the error of a network that goqat has not, with every node that does not fit.
type Unsupported struct{ Nodes []Refusal }

// Error names the nodes, those of one reason together, and the nearest form of each kind once.
func (e *Unsupported) Error() string {
	const shown = 8 // nodes of a reason, and reasons
	var order []Refusal
	nodes := map[Refusal][]string{} // by all but the node
	for _, r := range e.Nodes {
		reason := Refusal{Operator: r.Operator, Reason: r.Reason, Nearest: r.Nearest}
		if nodes[reason] == nil {
			order = append(order, reason)
		}
		nodes[reason] = append(nodes[reason], r.Node)
	}
	var list []string
	said := map[string]bool{"": true}
	for i, r := range order {
		if i == shown {
			list = append(list, fmt.Sprintf("and %d more reasons", len(order)-i))
			break
		}
		of := nodes[r]
		names := strings.Join(of[:min(shown, len(of))], ", ")
		if len(of) > shown {
			names += fmt.Sprintf(" and %d more", len(of)-shown)
		}
		s := fmt.Sprintf("%s (%s): %s", names, r.Operator, r.Reason)
		if !said[r.Nearest] {
			s += "; nearest: " + r.Nearest
		}
		said[r.Nearest] = true
		list = append(list, s)
	}
	number := fmt.Sprint(len(e.Nodes), " nodes")
	if len(e.Nodes) == 1 {
		number = "one node"
	}
	return fmt.Sprintf("onnx: goqat cannot take %s: %s", number, strings.Join(list, "; "))
}

// Open imports a file, and what it has in files beside it.
func Open(path string, o Options) (*Model, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, fmt.Errorf("onnx: %s is a folder; name the ONNX file in it", path)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	m, err := onnxproto.Unmarshal(file)
	if err != nil {
		return nil, fmt.Errorf("%s is no ONNX file, or a damaged one: %w; export or copy it again", path, err)
	}
	if err := readExternal(path, m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	model, err := Import(m, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return model, nil
}

// Build builds the training graph of the network with its parameters. Operators that the file did not have start from
// random weights. The configuration's name, input and classes are the model's where it has none.
func (m *Model) Build(c layers.Config) (*layers.Network, error) {
	if c.Input.Height == 0 {
		c.Input = m.Input
	}
	if c.Classes == nil {
		c.Classes = m.Classes
	}
	if c.Name == "" {
		c.Name = "imported"
	}
	n, err := layers.Build(layers.Traced{Network: m.Network}, c)
	if err != nil {
		return nil, err
	}
	for _, p := range n.Graph.Params() {
		if from := m.Parameters[p.Name]; len(from) == len(p.Value) {
			copy(p.Value, from)
		}
	}
	for _, s := range n.State() {
		if from := m.Parameters[s.Name]; len(from) == len(s.Data) {
			copy(s.Data, from)
		}
	}
	return n, nil
}

// A Difference is how far the network's logits are from the file's.
type Difference struct {
	Images  int
	Largest float64 // difference
	Logit   float64 // the largest of the file's
	Top     int     // images whose top class differs
}

// Relative returns the largest difference as a part of the largest logit.
func (d Difference) Relative() float64 {
	if d.Largest == 0 {
		return 0
	}
	return d.Largest / d.Logit
}

// Evaluate computes the file's logits of an image of uint8 codes, height × width × channels, in float64.
func (m *Model) Evaluate(ctx context.Context, image []uint8) ([]float64, error) {
	size := m.Input.Height * m.Input.Width * m.Input.Channels
	if len(image) != size {
		return nil, fmt.Errorf("onnx: %d bytes are no image of %d", len(image), size)
	}
	if err := m.affordable(); err != nil {
		return nil, err
	}
	x := make([]float64, size)
	for k, at := range (view{tensor: m.Network.Image}).positions(slices.Concat(m.layout...)) {
		c := at % m.Input.Channels
		x[k] = float64(image[at])*m.scale[c] + m.offset[c]
	}
	logits, err := m.program.Evaluate(ctx, x, m.result)
	if err != nil {
		return nil, err
	}
	return logits, nil
}

// TooLarge is the error of a file whose evaluation would take more than its options allow.
type TooLarge struct{ reason string }

func (e *TooLarge) Error() string { return "onnx: the file is too large to be evaluated: " + e.reason }

// affordable holds an evaluation against the options.
func (m *Model) affordable() error {
	switch bytes, work := m.program.Cost(); {
	case m.most.Memory > 0 && bytes > m.most.Memory:
		return &TooLarge{fmt.Sprintf("its tensors take %d MiB, more than %d", bytes>>20, m.most.Memory>>20)}
	case m.most.Work > 0 && work > float64(m.most.Work):
		return &TooLarge{fmt.Sprintf("an image takes %.3g multiplications, more than %.3g", work, float64(m.most.Work))}
	}
	return nil
}

// Compare evaluates the file in float64 and a network built of the model, in float, on images. progress is told how many are
// compared, before each.
func (m *Model) Compare(ctx context.Context, n *layers.Network, images []uint8, progress func(done int)) (d Difference, err error) {
	size := m.Input.Height * m.Input.Width * m.Input.Channels
	for at := 0; at+size <= len(images); at += size {
		image := images[at:][:size]
		progress(d.Images)
		want, err := m.Evaluate(ctx, image)
		if err != nil {
			return d, err
		}
		got, err := n.Forward(graph.Pass{Mode: graph.Eval}, image, []int32{0})
		if err != nil {
			return d, err
		}
		top := [2]int{}
		for i, w := range want {
			d.Largest = max(d.Largest, math.Abs(w-float64(got[i])))
			d.Logit = max(d.Logit, math.Abs(w))
			if w > want[top[0]] {
				top[0] = i
			}
			if got[i] > got[top[1]] {
				top[1] = i
			}
		}
		if d.Images++; top[0] != top[1] {
			d.Top++
		}
		if math.IsNaN(d.Largest) || math.IsInf(d.Largest, 0) {
			return d, fmt.Errorf("onnx: the logits of image %d are no numbers", d.Images)
		}
	}
	return d, nil
}
