// SPDX-License-Identifier: Apache-2.0

package onnxproto

import (
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// A message is a protocol buffer as it is written.
type message []byte

func (m *message) varint(field protowire.Number, v int64) {
	*m = protowire.AppendVarint(protowire.AppendTag(*m, field, protowire.VarintType), uint64(v))
}

func (m *message) bytes(field protowire.Number, v []byte) {
	*m = protowire.AppendBytes(protowire.AppendTag(*m, field, protowire.BytesType), v)
}

func (m *message) string(field protowire.Number, v string) { m.bytes(field, []byte(v)) }

// optional writes a string that is not empty.
func (m *message) optional(field protowire.Number, v string) {
	if v != "" {
		m.string(field, v)
	}
}

// repeated writes each of a list of messages.
func repeated[T any](m *message, field protowire.Number, list []T, marshal func(*T) message) {
	for i := range list {
		m.bytes(field, marshal(&list[i]))
	}
}

// Marshal returns the bytes of the file. Equal models give equal bytes.
func (m *Model) Marshal() []byte {
	var b message
	b.varint(1, m.IR)
	b.optional(2, m.Producer)
	b.optional(3, m.ProducerVersion)
	b.optional(6, m.Doc)
	b.bytes(7, m.Graph.marshal())
	repeated(&b, 8, m.Opsets, (*Opset).marshal)
	repeated(&b, 14, m.Metadata, (*Entry).marshal)
	return b
}

// AppendOutputs returns a file of a model with further outputs of its graph. A message of a protocol buffer that is there
// twice is merged, so that nothing in the file is read or changed.
func AppendOutputs(file []byte, outputs []Value) []byte {
	g := Graph{Outputs: outputs}
	b := message(append([]byte(nil), file...))
	b.bytes(7, g.marshal())
	return b
}

func (o *Opset) marshal() (b message) {
	b.string(1, o.Domain)
	b.varint(2, o.Version)
	return b
}

func (e *Entry) marshal() (b message) {
	b.string(1, e.Key)
	b.string(2, e.Value)
	return b
}

func (g *Graph) marshal() (b message) {
	repeated(&b, 1, g.Nodes, (*Node).marshal)
	b.optional(2, g.Name)
	repeated(&b, 5, g.Initializers, (*Tensor).marshal)
	repeated(&b, 11, g.Inputs, (*Value).marshal)
	repeated(&b, 12, g.Outputs, (*Value).marshal)
	repeated(&b, 13, g.Values, (*Value).marshal)
	return b
}

func (n *Node) marshal() (b message) {
	for _, in := range n.Inputs {
		b.string(1, in)
	}
	for _, out := range n.Outputs {
		b.string(2, out)
	}
	b.optional(3, n.Name)
	b.string(4, n.Op)
	repeated(&b, 5, n.Attributes, (*Attribute).marshal)
	b.optional(7, n.Domain)
	return b
}

func (a *Attribute) marshal() (b message) {
	b.string(1, a.Name)
	switch a.Kind {
	case Float:
		b = protowire.AppendFixed32(protowire.AppendTag(b, 2, protowire.Fixed32Type), math.Float32bits(a.Float))
	case Int:
		b.varint(3, a.Int)
	case String:
		b.string(4, a.String)
	case TensorValue:
		if a.Tensor != nil {
			b.bytes(5, a.Tensor.marshal())
		}
	case Floats:
		for _, v := range a.Floats {
			b = protowire.AppendFixed32(protowire.AppendTag(b, 7, protowire.Fixed32Type), math.Float32bits(v))
		}
	case Ints:
		for _, v := range a.Ints {
			b.varint(8, v)
		}
	}
	b.varint(20, int64(a.Kind))
	return b
}

func (t *Tensor) marshal() (b message) {
	for _, d := range t.Dims {
		b.varint(1, d)
	}
	b.varint(2, int64(t.Type))
	b.string(8, t.Name)
	if t.External == nil {
		b.bytes(9, t.Data)
		return b
	}
	for _, e := range t.External.entries() {
		b.bytes(13, e.marshal())
	}
	b.varint(14, external)
	return b
}

func (e *External) entries() []Entry {
	return []Entry{{"location", e.Location}, {"offset", strconv.FormatInt(e.Offset, 10)}, {"length", strconv.FormatInt(e.Length, 10)}}
}

func (v *Value) marshal() (b message) {
	b.string(1, v.Name)
	if v.Type == 0 { // the reader finds it
		return b
	}
	var shape, tensor, typ message
	repeated(&shape, 1, v.Dims, (*Dim).marshal)
	tensor.varint(1, int64(v.Type))
	tensor.bytes(2, shape)
	typ.bytes(1, tensor)
	b.bytes(2, typ)
	return b
}

func (d *Dim) marshal() (b message) {
	if d.Name != "" {
		b.string(2, d.Name)
	} else {
		b.varint(1, d.Size)
	}
	return b
}
