// SPDX-License-Identifier: Apache-2.0

// Package onnxproto writes and reads the messages of ONNX, the Open Neural Network Exchange format, that goqat needs: a
// model of one graph without functions, training or subgraphs.
//
// The field numbers are those of onnx.proto (https://github.com/onnx/onnx, checked against onnx 1.23).
package onnxproto

import "fmt"

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

// QONNX is the domain of the operators Quant and BipolarQuant, of which goqat writes version 2 (https://github.com/fastmachinelearning/qonnx).
const QONNX = "qonnx.custom_op.general"

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

// Int returns an attribute, or the given value if there is none.
func (n *Node) Int(name string, otherwise int) int {
	if a := n.Attribute(name); a != nil {
		return int(a.Int)
	}
	return otherwise
}

// Fed returns the inputs that a run needs: those that no initializer gives, which old files list, too, and that a node reads, since
// Keras declares constants of its normalization that nobody reads. Where nobody reads any, it returns them all.
func (g *Graph) Fed() []*Value {
	stored, read := map[string]bool{}, map[string]bool{}
	for i := range g.Initializers {
		stored[g.Initializers[i].Name] = true
	}
	for i := range g.Nodes {
		for _, name := range g.Nodes[i].Inputs {
			read[name] = true
		}
	}
	var all, fed []*Value
	for i := range g.Inputs {
		v := &g.Inputs[i]
		if stored[v.Name] {
			continue
		}
		if all = append(all, v); read[v.Name] {
			fed = append(fed, v)
		}
	}
	if fed == nil {
		return all
	}
	return fed
}

// Float returns an attribute, or the given value if there is none.
func (n *Node) Float(name string, otherwise float64) float64 {
	if a := n.Attribute(name); a != nil {
		return float64(a.Float)
	}
	return otherwise
}

// Text returns an attribute, or the given value if there is none.
func (n *Node) Text(name, otherwise string) string {
	if a := n.Attribute(name); a != nil {
		return a.String
	}
	return otherwise
}

// An Attribute is an AttributeProto. Kind says which of the others holds.
type Attribute struct {
	Name   string
	Kind   AttributeKind
	Int    int64
	Float  float32
	String string
	Tensor *Tensor
	Floats []float32
	Ints   []int64
}

// AttributeKind is AttributeProto.AttributeType.
type AttributeKind int32

// The kinds that goqat knows.
const (
	Float       AttributeKind = 1
	Int         AttributeKind = 2
	String      AttributeKind = 3
	TensorValue AttributeKind = 4
	Floats      AttributeKind = 6
	Ints        AttributeKind = 7
)

// A Tensor is a TensorProto: numbers in little-endian order, in row-major order of the dimensions. Two INT4 or UINT4 share
// a byte, the first in its low half.
type Tensor struct {
	Name string
	Type Type
	Dims []int64 // none for a single number
	Data []byte
	// External, if not nil, says where the numbers are instead: in another file.
	External *External
}

// An External is the place of a tensor's numbers in another file.
type External struct {
	Location       string // path below the folder of the model
	Offset, Length int64  // bytes; a length of 0 means the rest of the file
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
	TypeHalf   Type = 10
	TypeDouble Type = 11
	TypeInt4   Type = 22
)

// types are the names of the types by number, and the bytes of a number where there are whole ones.
var types = map[Type]struct {
	name  string
	bytes int
}{
	TypeFloat: {"FLOAT", 4}, TypeUint8: {"UINT8", 1}, TypeInt8: {"INT8", 1}, 4: {"UINT16", 2}, TypeInt16: {"INT16", 2}, TypeInt32: {"INT32", 4}, TypeInt64: {"INT64", 8},
	8: {"STRING", 0}, TypeBool: {"BOOL", 1}, TypeHalf: {"FLOAT16", 2}, TypeDouble: {"DOUBLE", 8}, 12: {"UINT32", 4}, 13: {"UINT64", 8}, 16: {"BFLOAT16", 2}, TypeInt4: {"INT4", 0},
}

// Size returns the bytes of a number, 0 where two share one or goqat does not know.
func (t Type) Size() int { return types[t].bytes }

// String returns the standard's name of the type.
func (t Type) String() string {
	if k, ok := types[t]; ok {
		return k.name
	}
	return fmt.Sprintf("type %d", int32(t))
}

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
