// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"io"
	"math"

	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/network"
	"github.com/goqat/goqat/qmodel"
)

// About is what a model says of its training.
type About struct {
	Method string // the name of the quantization
	// Data are the images: datasets.Dataset.Digest and the seed that divided them.
	Data qmodel.Data
}

// Write writes the network as a .qmodel file.
func Write(w io.Writer, n *layers.Network, about About) error {
	p, err := Derive(n)
	if err != nil {
		return err
	}
	m, err := p.Lower(about)
	if err != nil {
		return err
	}
	return m.Write(w)
}

// Lower returns the plan as the model of the integer runtime, with a tensor and
// an operator for each unit.
func (p *Plan) Lower(about About) (*qmodel.Model, error) {
	n := p.Network
	m := &qmodel.Model{
		Version: qmodel.Version, Name: n.Name, Method: about.Method, Classes: n.Classes, Data: about.Data,
		Input: qmodel.Input{
			Height: n.Input.Height, Width: n.Input.Width, Channels: n.Input.Channels,
			ZeroPoints: []int32{n.Input.ZeroPoint}, ScaleBits: []uint32{math.Float32bits(n.Input.Scale)},
		},
	}
	index := map[*layers.Tensor]int{}
	image, err := p.tensor(n.Image)
	if err != nil {
		return nil, err
	}
	m.Tensors = append(m.Tensors, image)
	index[n.Image] = 0
	for i := range p.Units {
		u := &p.Units[i]
		t, err := p.tensor(u.Output)
		if err != nil {
			return nil, fmt.Errorf("export: layer %s: %w", u.Name, err)
		}
		o := u.operator()
		for _, in := range u.Inputs {
			o.Inputs = append(o.Inputs, index[undropped(in)])
		}
		if r := u.Requantizer; r != nil && t.Kind == qmodel.Codes && (r.Lo > 0 || r.Hi < t.Max()) {
			t.Range = [2]int32{r.Lo, r.Hi}
		}
		o.Output = len(m.Tensors)
		index[u.Output] = o.Output
		m.Tensors = append(m.Tensors, t)
		m.Operators = append(m.Operators, o)
	}
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return m, nil
}

// undropped returns the tensor before any dropout: outside training the same.
func undropped(t *layers.Tensor) *layers.Tensor {
	for t.Source != nil && t.Source.Kind.TrainingOnly() {
		t = t.Source.Input()
	}
	return t
}

// shaped describes t for the model as far as it is known before any training.
func shaped(t *layers.Tensor) qmodel.Tensor {
	return qmodel.Tensor{Name: t.Name, Height: t.Height, Width: t.Width, Channels: t.Channels}
}

// tensor describes t for the model.
func (p *Plan) tensor(t *layers.Tensor) (qmodel.Tensor, error) {
	q := shaped(t)
	switch {
	case t.Sums:
		q.Kind, q.Bits = qmodel.Accumulators, 32
	case t == p.Network.Logits:
		q.Kind, q.Bits, q.ScaleBits = qmodel.Logits, 32, math.Float32bits(p.LogitScale)
	default:
		bits, a, err := p.Quantization(t)
		if err != nil {
			return q, err
		}
		q.Bits, q.ZeroPoint, q.ScaleBits = bits, a.ZeroPoint, math.Float32bits(a.Scale)
		_, q.Signs = t.Signs()
	}
	return q, nil
}

// operator describes the unit for the model, but for its tensors.
func (u *Unit) operator() qmodel.Operator {
	o := qmodel.Operator{Name: u.Name, Requantizer: u.Requantizer, Thresholds: u.Thresholds}
	w := u.Window
	switch u.Kind {
	case network.Reshape:
		o.Op = qmodel.Flatten
		return o
	case network.Lookup:
		o.Op, o.Table = qmodel.Table, u.Table
		return o
	case network.Addition:
		o.Op = qmodel.Add
		return o
	case network.Sign:
		o.Op = qmodel.Sign
		return o
	case network.Maximum:
		o.Op = qmodel.MaxPool
	case network.Average:
		o.Op = qmodel.AvgPool
	case network.FullyConnected:
		o.Op = qmodel.Linear
	default:
		o.Op = qmodel.Conv2D
		if w.Groups > 1 && w.Groups == u.Input().Channels && u.Channels == u.Input().Channels {
			o.Op = qmodel.Depthwise
		}
	}
	o.Kernel, o.Stride, o.Pad = w.Kernel, w.Stride, w.Pad
	if u.Kind.Weighted() {
		o.Method, o.Groups = u.Assigned.Weights.Info().Name, w.Groups
		o.Weights = u.Weights
	}
	return o
}
