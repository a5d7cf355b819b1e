// SPDX-License-Identifier: Apache-2.0

package layers

import (
	"errors"
	"fmt"

	"github.com/goqat/goqat/graph"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qat"
	"github.com/goqat/goqat/quant"
)

// Config is what Build needs beside the modules.
type Config struct {
	Name    string
	Input   Input
	Classes []string
	Batch   int // the greatest batch
	Policy  qat.Policy
	Seed    uint64 // of the initial weights
	Loss    graph.Loss
	Pool    *graph.Pool

	// Parts says that training steps are taken in several runs; see graph.Graph.
	Parts bool
	// Memory is what there is, in bytes: a network whose training may take more is
	// not built. 0 means that it is not known.
	Memory int64
	// Sizes, if not nil, are the numbers of weights by name that the network must
	// have to be built: the numbers in the checkpoint that it is built for.
	Sizes map[string]int
}

// A Network is modules built into a training graph.
type Network struct {
	Config
	Assignment *qat.Assignment // of which the graph is built
	Graph      *graph.Graph
	Units      []*Unit // in the order of execution
	Image      *Tensor
	Logits     *Tensor

	stage int
	reals [][256]float32 // of the codes of each channel of the images, or of all: those of the last batch
}

// Build traces m, whose result must be one value for each class, assigns how it is
// quantized by the policy, and builds its training graph. It is an error where modules do not fit each other or the classes,
// the network takes more memory than Config.Memory, or a method has not the bits that the policy asks of it.
func Build(m Module, c Config) (*Network, error) {
	traced, err := Trace(m, c.Input.Height, c.Input.Width, c.Input.Channels)
	if err != nil {
		return nil, err
	}
	if err := check(traced, c.Classes); err != nil {
		return nil, err
	}
	if err := c.checkSize(traced); err != nil {
		return nil, err
	}
	a, err := qat.Assign(traced, &c.Policy)
	if err != nil {
		return nil, err
	}
	return Emit(a, c)
}

// check says why a network does not classify.
func check(n *network.Network, classes []string) error {
	l := n.Logits
	switch o := l.Source; {
	case o == nil || !o.Kind.Weighted() && !o.Kind.Averages():
		return errors.New("layers: a network must end with a linear layer, a convolution or an average")
	case o.Activation != network.Identity || len(o.Added()) > 0:
		return fmt.Errorf("layers: %s is the last layer: it can have no activation and be no part of an addition", l.Name)
	case l.Height != 1 || l.Width != 1 || l.Channels != len(classes):
		return fmt.Errorf("layers: the result %s is %s, want one value for each of %d classes", l.Name, l.Shape(), len(classes))
	}
	return nil
}

// Emit builds the training graph of an assignment.
func Emit(a *qat.Assignment, c Config) (*Network, error) {
	n := &Network{Config: c, Assignment: a, stage: len(c.Policy.Stages), Graph: graph.New(c.Batch, c.Pool)}
	n.Graph.Memory, n.Graph.Parts = c.Memory, c.Parts
	n.reals = make([][256]float32, max(1, len(c.Input.Own)))
	n.Image = &Tensor{Tensor: a.Network.Image}
	n.Image.node = n.Graph.Input(n.Image.Height, n.Image.Width, n.Image.Channels)
	tensors := map[*network.Tensor]*Tensor{a.Network.Image: n.Image}
	for _, o := range a.Network.Operators {
		u := &Unit{Operator: o, Assigned: a.Layers[o.Name]}
		for _, in := range o.Inputs {
			u.Inputs = append(u.Inputs, tensors[in])
		}
		u.Output = &Tensor{Tensor: o.Output, Source: u}
		tensors[o.Output] = u.Output
		n.Units = append(n.Units, u)
		n.emit(u)
	}
	for _, u := range n.Units {
		if joint, ok := a.Shared[u.Output.Name]; ok {
			u.Output.Shared = tensors[a.Network.Operator(joint).Output]
		}
	}
	n.Logits = tensors[a.Network.Logits]
	if err := n.checkSteady(); err != nil {
		return nil, err
	}
	if err := n.Graph.Finish(n.Logits.node, c.Loss); err != nil {
		return nil, err
	}
	return n, nil
}

// Step computes the loss and the gradients of a batch, of at most Config.Batch images: images are uint8 codes, NHWC. Images
// that are not as many as labels, and more than fit, are an error.
func (n *Network) Step(p graph.Pass, images []uint8, labels []int32) (loss float32, err error) {
	if err := n.feed(images, labels, n.Input.Scale); err != nil {
		return 0, err
	}
	return n.Graph.Step(p)
}

// Forward computes the logits of a batch, [len(labels), classes]; Integer runs need
// integer parameters (package export sets them). It fails where Step does. The logits are overwritten by the next pass.
func (n *Network) Forward(p graph.Pass, images []uint8, labels []int32) ([]float32, error) {
	scale := n.Input.Scale
	if p.Mode == graph.Integer {
		scale = 1
	}
	if err := n.feed(images, labels, scale); err != nil {
		return nil, err
	}
	if err := n.Graph.Forward(p); err != nil {
		return nil, err
	}
	return n.Graph.Logits(), nil
}

// feed binds a batch: a code q of channel c is scale·(q − zero point of c).
func (n *Network) feed(images []uint8, labels []int32, scale float32) error {
	size := n.Image.Height * n.Image.Width * n.Image.Channels
	if len(images) != len(labels)*size {
		return fmt.Errorf("layers: %d bytes are not %d images of %s", len(images), len(labels), n.Image.Shape())
	}
	tables := n.reals
	for c := range tables {
		p := quant.Params{Scale: scale, ZeroPoint: n.Input.Channel(c).ZeroPoint}
		for code := range tables[c] {
			tables[c][code] = p.Real(int32(code))
		}
	}
	n.Graph.SetInputSteps(graph.Steps{Step: scale, Least: -quant.Activation(qat.ImageBits).Max(), Most: quant.Activation(qat.ImageBits).Max()})
	return n.Graph.Feed(labels, func(x []float32) {
		if len(tables) == 1 {
			for i, code := range images {
				x[i] = tables[0][code]
			}
			return
		}
		for i, code := range images {
			x[i] = tables[i%len(tables)][code]
		}
	})
}

// MACs returns the multiply-accumulates of one image.
func (n *Network) MACs() int {
	var total int
	for _, u := range n.Units {
		if u.Kind.Weighted() {
			total += u.Output.Height * u.Output.Width * len(u.Weight.Value)
		}
	}
	return total
}

// Parameters returns the number of trained values.
func (n *Network) Parameters() int {
	var total int
	for _, p := range n.Graph.Params() {
		total += len(p.Value)
	}
	return total
}

// Scales returns the scale in use of every quantized tensor, by name.
func (n *Network) Scales() map[string]float64 {
	scales := map[string]float64{}
	for _, u := range n.Units {
		if q := u.Output.Quantizer; q != nil {
			scales[u.Output.Name] = float64(q.Quantization().Scale)
		}
	}
	return scales
}
