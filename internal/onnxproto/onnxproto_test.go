// SPDX-License-Identifier: Apache-2.0

package onnxproto

import (
	"bytes"
	"reflect"
	"testing"
)

// example has every field.
func example() *Model {
	return &Model{
		IR: 8, Producer: "goqat", ProducerVersion: "1", Doc: "text",
		Graph: Graph{
			Name: "g",
			Nodes: []Node{{Name: "n", Op: "Conv", Domain: "d", Inputs: []string{"x", "", "b"}, Outputs: []string{"y"}, Attributes: []Attribute{
				{Name: "pads", Kind: Ints, Ints: []int64{0, -1, 1 << 40}},
				{Name: "group", Kind: Int, Int: -3},
				{Name: "alpha", Kind: Float, Float: 0.5},
				{Name: "mode", Kind: String, String: "ROUND"},
			}}},
			Initializers: []Tensor{{Name: "w", Type: TypeInt8, Dims: []int64{2, 1}, Data: []byte{1, 255}}, {Name: "s", Type: TypeUint8, Data: []byte{7}}},
			Inputs:       []Value{{Name: "x", Type: TypeUint8, Dims: []Dim{{Name: "N"}, {Size: 3}}}},
			Outputs:      []Value{{Name: "y", Type: TypeInt32, Dims: []Dim{{Size: 1}}}},
			Values:       []Value{{Name: "m", Type: TypeDouble, Dims: []Dim{{Size: 2}}}},
		},
		Opsets:   []Opset{{Version: 13}, {Domain: "d", Version: 1}},
		Metadata: []Entry{{"a", "b"}, {"c", ""}},
	}
}

func TestUnmarshalReturnsWhatMarshalWrote(t *testing.T) {
	want := example()
	file := want.Marshal()
	got, err := Unmarshal(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read  %+v\nwrote %+v", got, want)
	}
	if !bytes.Equal(got.Marshal(), file) {
		t.Error("the bytes differ")
	}
}

func TestAppendOutputsKeepsAllElse(t *testing.T) {
	want := example()
	more := Value{Name: "m", Type: TypeFloat, Dims: []Dim{{Size: 2}}}
	got, err := Unmarshal(AppendOutputs(want.Marshal(), []Value{more}))
	if err != nil {
		t.Fatal(err)
	}
	want.Graph.Outputs = append(want.Graph.Outputs, more)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v\nwant %+v", got, want)
	}
}

func TestUnmarshalRefusesNumbersElsewhere(t *testing.T) {
	tensor := message{}
	tensor.varint(14, 1) // data_location: EXTERNAL
	graph := message{}
	graph.bytes(5, tensor)
	model := message{}
	model.bytes(7, graph)
	if _, err := Unmarshal(model); err == nil {
		t.Error("a tensor in another file is accepted")
	}
}

// FuzzUnmarshal proves that no bytes make the reader panic, and that what it accepts is the same when written and read.
func FuzzUnmarshal(f *testing.F) {
	f.Add(example().Marshal())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		m, err := Unmarshal(file)
		if err != nil {
			return
		}
		again := m.Marshal()
		m, err = Unmarshal(again)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(m.Marshal(), again) {
			t.Error("written again, the bytes differ")
		}
	})
}
