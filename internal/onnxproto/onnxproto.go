// SPDX-License-Identifier: Apache-2.0

// Package onnxproto writes and reads the messages of ONNX, the Open Neural Network Exchange format, that goqat needs: a
// model of one graph without functions, training or subgraphs.
//
// The field numbers are those of onnx.proto (https://github.com/onnx/onnx, checked against onnx 1.23).
package onnxproto

// A Model is a ModelProto.
type Model struct {
	IR              int64 // version of the format; opset 13 asks for at least 7, 21 for 10
	Producer        string
	ProducerVersion string
	Doc             string
	Graph           Graph
	Opsets          []Opset
	Metadata        []Entry
}

// An Opset is an OperatorSetIdProto: a version of the operators of a domain; the empty domain is that of ONNX itself.
type Opset struct {
	Domain  string
	Version int64
}

// An Entry is a StringStringEntryProto.
type Entry struct{ Key, Value string }

// A Graph is a GraphProto. Its nodes are in an order in which they can run.
type Graph struct {
	Name         string
	Nodes        []Node
	Initializers []Tensor
	Inputs       []Value
	Outputs      []Value
	Values       []Value // of tensors between, where their type is told
}

// A Node is a NodeProto: an operator with the names of the tensors that it reads and makes. An input that is left out
// has an empty name.
type Node struct {
	Name       string
	Op         string
	Domain     string
	Inputs     []string
	Outputs    []string
	Attributes []Attribute
}

// Attribute returns the named attribute of a node, nil if there is none.
func (n *Node) Attribute(name string) *Attribute {
	for i := range n.Attributes {
		if n.Attributes[i].Name == name {
			return &n.Attributes[i]
		}
	}
	return nil
}

// An Attribute is an AttributeProto. Kind says which of the others holds.
type Attribute struct {
	Name   string
	Kind   AttributeKind
	Int    int64
	Float  float32
	String string
	Ints   []int64
}

// AttributeKind is AttributeProto.AttributeType.
type AttributeKind int32

// The kinds that goqat knows.
const (
	Float  AttributeKind = 1
	Int    AttributeKind = 2
	String AttributeKind = 3
	Ints   AttributeKind = 7
)

// A Tensor is a TensorProto: numbers in little-endian order, in row-major order of the dimensions. Two INT4 or UINT4 share
// a byte, the first in its low half.
type Tensor struct {
	Name string
	Type Type
	Dims []int64 // none for a single number
	Data []byte
}

// Type is TensorProto.DataType.
type Type int32

// The types that goqat knows.
const (
	TypeFloat  Type = 1
	TypeUint8  Type = 2
	TypeInt8   Type = 3
	TypeInt16  Type = 5
	TypeInt32  Type = 6
	TypeInt64  Type = 7
	TypeBool   Type = 9
	TypeDouble Type = 11
	TypeInt4   Type = 22
)

// A Value is a ValueInfoProto of a tensor. One of an output may have no type, 0, which readers then find.
type Value struct {
	Name string
	Type Type
	Dims []Dim
}

// A Dim is a dimension: a size or, if Name is not empty, a name for one that is not known before the model runs.
type Dim struct {
	Size int64
	Name string
}
