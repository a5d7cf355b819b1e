// SPDX-License-Identifier: Apache-2.0

package onnxproto

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// Unmarshal reads a file. Fields that goqat does not know are passed over; what it knows and cannot hold, such as
// sparse tensors, is refused. The model shares the bytes; beside them it takes no more memory than a few times the
// file and 32 MiB.
func Unmarshal(file []byte) (*Model, error) {
	m := &Model{}
	left := maxElements
	err := fields(file, &left, func(f field) (err error) {
		switch f.number {
		case 1:
			m.IR, err = f.int()
		case 2:
			m.Producer, err = f.string()
		case 3:
			m.ProducerVersion, err = f.string()
		case 6:
			m.Doc, err = f.string()
		case 7:
			err = f.message(m.Graph.field)
		case 8:
			err = element(f, &m.Opsets, (*Opset).field)
		case 14:
			err = element(f, &m.Metadata, (*Entry).field)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("onnx: %w", err)
	}
	return m, nil
}

// maxElements bounds the messages, strings and whole numbers of a file, which take more memory than they have bytes there.
const maxElements = 1 << 17

// A field is one of a protocol buffer.
type field struct {
	number protowire.Number
	wire   protowire.Type
	value  uint64 // of a varint or a fixed number
	bytes  []byte
	left   *int // elements that the file may still have
}

// take counts an element.
func (f field) take() error {
	if *f.left--; *f.left < 0 {
		return fmt.Errorf("the file has more than %d nodes, names and numbers of shapes", maxElements)
	}
	return nil
}

// fields calls read for each field of a message.
func fields(b []byte, left *int, read func(field) error) error {
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return fmt.Errorf("not a protocol buffer: %w", protowire.ParseError(n))
		}
		b = b[n:]
		f := field{number: number, wire: wire, left: left}
		var small uint32
		switch wire {
		case protowire.VarintType:
			f.value, n = protowire.ConsumeVarint(b)
		case protowire.Fixed32Type:
			small, n = protowire.ConsumeFixed32(b)
			f.value = uint64(small)
		case protowire.Fixed64Type:
			f.value, n = protowire.ConsumeFixed64(b)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(b)
		default:
			n = protowire.ConsumeFieldValue(number, wire, b)
		}
		if n < 0 {
			return fmt.Errorf("field %d: not a protocol buffer: %w", number, protowire.ParseError(n))
		}
		b = b[n:]
		if err := read(f); err != nil {
			return err
		}
	}
	return nil
}

func (f field) want(wire protowire.Type) error {
	if f.wire != wire {
		return fmt.Errorf("field %d has the wire type %d, want %d", f.number, f.wire, wire)
	}
	return nil
}

func (f field) int() (int64, error) { return int64(f.value), f.want(protowire.VarintType) }

func (f field) string() (string, error) {
	if err := f.want(protowire.BytesType); err != nil {
		return "", err
	}
	if err := f.take(); err != nil {
		return "", err
	}
	if !utf8.Valid(f.bytes) {
		return "", fmt.Errorf("field %d is not UTF-8", f.number)
	}
	return string(f.bytes), nil
}

func (f field) message(read func(field) error) error {
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	return fields(f.bytes, f.left, read)
}

// ints appends one number, or those of a packed list.
func (f field) ints(list *[]int64) error {
	if f.wire == protowire.VarintType {
		*list = append(*list, int64(f.value))
		return f.take()
	}
	if err := f.want(protowire.BytesType); err != nil {
		return err
	}
	for b := f.bytes; len(b) > 0; {
		if err := f.take(); err != nil {
			return err
		}
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return fmt.Errorf("field %d: %w", f.number, protowire.ParseError(n))
		}
		*list, b = append(*list, int64(v)), b[n:]
	}
	return nil
}

// element appends a message to a list.
func element[T any](f field, list *[]T, read func(*T, field) error) error {
	if err := f.take(); err != nil {
		return err
	}
	var v T
	err := f.message(func(f field) error { return read(&v, f) })
	*list = append(*list, v)
	return err
}

func (o *Opset) field(f field) (err error) {
	switch f.number {
	case 1:
		o.Domain, err = f.string()
	case 2:
		o.Version, err = f.int()
	}
	return err
}

func (e *Entry) field(f field) (err error) {
	switch f.number {
	case 1:
		e.Key, err = f.string()
	case 2:
		e.Value, err = f.string()
	}
	return err
}

func (g *Graph) field(f field) (err error) {
	switch f.number {
	case 1:
		err = element(f, &g.Nodes, (*Node).field)
	case 2:
		g.Name, err = f.string()
	case 5:
		err = element(f, &g.Initializers, (*Tensor).field)
	case 11:
		err = element(f, &g.Inputs, (*Value).field)
	case 12:
		err = element(f, &g.Outputs, (*Value).field)
	case 13:
		err = element(f, &g.Values, (*Value).field)
	}
	return err
}

func (n *Node) field(f field) (err error) {
	switch f.number {
	case 1, 2:
		var name string
		if name, err = f.string(); f.number == 1 {
			n.Inputs = append(n.Inputs, name)
		} else {
			n.Outputs = append(n.Outputs, name)
		}
	case 3:
		n.Name, err = f.string()
	case 4:
		n.Op, err = f.string()
	case 5:
		err = element(f, &n.Attributes, (*Attribute).field)
	case 7:
		n.Domain, err = f.string()
	}
	return err
}

func (a *Attribute) field(f field) (err error) {
	switch f.number {
	case 1:
		a.Name, err = f.string()
	case 2:
		a.Float, err = math.Float32frombits(uint32(f.value)), f.want(protowire.Fixed32Type)
	case 3:
		a.Int, err = f.int()
	case 4:
		a.String, err = f.string()
	case 5:
		a.Tensor = &Tensor{}
		err = f.message(a.Tensor.field)
	case 7:
		err = f.floats(&a.Floats)
	case 8:
		err = f.ints(&a.Ints)
	case 20:
		var kind int64
		kind, err = f.int()
		a.Kind = AttributeKind(kind)
	}
	return err
}

// external is the TensorProto.DataLocation of numbers in another file.
const external = 1

func (t *Tensor) field(f field) (err error) {
	switch f.number {
	case 1:
		err = f.ints(&t.Dims)
	case 2:
		var kind int64
		kind, err = f.int()
		t.Type = Type(kind)
	case 3:
		err = errors.New("a tensor is in segments, which goqat does not read")
	case 4, 5, 7, 10, 11:
		err = t.list(f)
	case 6:
		err = errors.New("a tensor has strings")
	case 8:
		t.Name, err = f.string()
	case 9:
		t.Data, err = slices.Clip(f.bytes), f.want(protowire.BytesType)
	case 13:
		err = t.place(f)
	case 14:
		var location int64
		if location, err = f.int(); location == external && t.External == nil {
			t.External = &External{}
		}
	}
	return err
}

// place reads an entry of where the numbers are.
func (t *Tensor) place(f field) error {
	var e Entry
	if err := f.message(e.field); err != nil {
		return err
	}
	if t.External == nil {
		t.External = &External{}
	}
	var number *int64
	switch e.Key {
	case "location":
		t.External.Location = e.Value
		return nil
	case "offset":
		number = &t.External.Offset
	case "length":
		number = &t.External.Length
	default: // a checksum or a name of a program's own
		return nil
	}
	v, err := strconv.ParseInt(e.Value, 10, 64)
	if err != nil || v < 0 {
		return fmt.Errorf("a tensor in another file has the %s %q", e.Key, e.Value)
	}
	*number = v
	return nil
}

func (v *Value) field(f field) (err error) {
	switch f.number {
	case 1:
		v.Name, err = f.string()
	case 2:
		err = f.message(func(f field) error { // TypeProto
			if f.number != 1 {
				return nil
			}
			return f.message(v.tensorType)
		})
	}
	return err
}

// tensorType reads a TypeProto.Tensor.
func (v *Value) tensorType(f field) (err error) {
	switch f.number {
	case 1:
		var kind int64
		kind, err = f.int()
		v.Type = Type(kind)
	case 2:
		err = f.message(func(f field) error {
			if f.number != 1 {
				return nil
			}
			return element(f, &v.Dims, (*Dim).field)
		})
	}
	return err
}

func (d *Dim) field(f field) (err error) {
	switch f.number {
	case 1:
		d.Size, err = f.int()
	case 2:
		d.Name, err = f.string()
	}
	return err
}
