// SPDX-License-Identifier: Apache-2.0

package export

import (
	"fmt"
	"io"
	"math"

	"github.com/goqat/goqat/layers"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/signals"
)

// About is what a model says of its training, and how its file is to pack weights.
type About struct {
	Method string // the name of the quantization
	// Packing is that of the file, see qmodel.Model.Repack.
	Packing qmodel.Packing
	// Data are the images: datasets.Dataset.Digest and the seed that divided them.
	Data qmodel.Data
}

// Write writes the network as a .qmodel file. It fails as Derive and Plan.Lower do, before anything is written, and where w does.
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
// an operator for each unit. A model that its file could not hold is an error, such as one of too long names.
func (p *Plan) Lower(about About) (*qmodel.Model, error) {
	n := p.Network
	m := &qmodel.Model{
		Name: n.Name, Method: about.Method, Classes: n.Classes, Data: about.Data,
		Input: qmodel.Input{
			Height: n.Input.Height, Width: n.Input.Width, Channels: n.Input.Channels,
		},
	}
	m.Input.Samples = signals.Encoding(n.Input.Samples).Samples()
	for _, c := range n.Input.Channelwise() {
		m.Input.ZeroPoints = append(m.Input.ZeroPoints, c.ZeroPoint)
		m.Input.ScaleBits = append(m.Input.ScaleBits, math.Float32bits(c.Scale))
	}
	index := map[*Tensor]int{p.Image: 0}
	m.Tensors = append(m.Tensors, p.tensor(p.Image))
	for _, u := range p.Units {
		l, t := lowerings[u.Kind], p.tensor(u.Output)
		o := qmodel.Operator{Name: u.Name, Op: l.op, Requantizer: u.Requantizer, Thresholds: u.Thresholds, Output: len(m.Tensors)}
		if l.operator != nil {
			l.operator(u, &o)
		}
		for _, in := range u.Inputs {
			o.Inputs = append(o.Inputs, index[in])
		}
		if r := u.Requantizer; r != nil && t.Kind == qmodel.Codes && !u.Ranged() && (r.Lo > 0 || r.Hi < t.Max()) {
			t.Range = [2]int32{r.Lo, r.Hi}
		}
		operators := []qmodel.Operator{o}
		if u.Ranged() {
			operators = append(operators, lowerValues(m, u, &operators[0], &t))
		}
		index[u.Output] = len(m.Tensors)
		m.Tensors = append(m.Tensors, t)
		m.Operators = append(m.Operators, operators...)
	}
	m.Repack(about.Packing)
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return m, nil
}

// shaped describes t for the model as far as it is known before any training.
func shaped(t *layers.Tensor) qmodel.Tensor {
	return qmodel.Tensor{Name: t.Name, Height: t.Height, Width: t.Width, Channels: t.Channels}
}

// tensor describes t for the model.
func (p *Plan) tensor(t *Tensor) qmodel.Tensor {
	q := shaped(t.Tensor)
	q.Bits, q.ZeroPoint, q.ZeroPoints, q.Signs = t.Bits, t.ZeroPoint, t.Zeros, t.Signs != nil
	switch {
	case t.Sums:
		q.Kind = qmodel.Accumulators
		return q
	case t.Tensor == p.Network.Logits:
		q.Kind = qmodel.Logits
	}
	q.ScaleBits = math.Float32bits(t.Scale)
	return q
}
