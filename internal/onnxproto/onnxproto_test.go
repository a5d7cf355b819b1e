// SPDX-License-Identifier: Apache-2.0

package onnxproto

import (
	"bytes"
	"reflect"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
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
				{Name: "value", Kind: TensorValue, Tensor: &Tensor{Name: "t", Type: TypeFloat, Data: []byte{0, 0, 128, 63}}},
				{Name: "scales", Kind: Floats, Floats: []float32{1, -2}},
			}}},
			Initializers: []Tensor{{Name: "w", Type: TypeInt8, Dims: []int64{2, 1}, Data: []byte{1, 255}}, {Name: "s", Type: TypeUint8, Data: []byte{7}}, {Name: "far", Type: TypeInt8, Dims: []int64{4}, External: &External{Location: "w.bin", Offset: 8, Length: 4}}},
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

// TestUnmarshalTypedLists reads numbers that are not in raw_data.
func TestUnmarshalTypedLists(t *testing.T) {
	tensor := func(kind Type, number protowire.Number, list []byte) []byte {
		m := message{}
		m.varint(2, int64(kind))
		m.bytes(number, list)
		graph, model := message{}, message{}
		graph.bytes(5, m)
		model.bytes(7, graph)
		return model
	}
	varints := protowire.AppendVarint([]byte{3}, uint64(1<<64-2)) // 3, -2
	for _, c := range []struct {
		kind   Type
		number protowire.Number
		list   []byte
		want   []byte
	}{
		{TypeFloat, 4, []byte{0, 0, 128, 63}, []byte{0, 0, 128, 63}},
		{TypeInt8, 5, varints, []byte{3, 254}},
		{TypeInt64, 7, varints, []byte{3, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255}},
	} {
		m, err := Unmarshal(tensor(c.kind, c.number, c.list))
		if err != nil || !bytes.Equal(m.Graph.Initializers[0].Data, c.want) {
			t.Errorf("%v: %v, %v, want %v", c.kind, m, err, c.want)
		}
	}
	if _, err := Unmarshal(tensor(TypeInt8, 7, varints)); err == nil {
		t.Error("int64_data of INT8 is accepted")
	}
}

// TestUnmarshalBounds refuses files whose many small parts would take far more memory than the file.
func TestUnmarshalBounds(t *testing.T) {
	graph, model := message{}, message{}
	for range maxElements + 1 {
		graph.bytes(1, nil)
	}
	model.bytes(7, graph)
	if _, err := Unmarshal(model); err == nil {
		t.Error("a file of nothing but nodes is accepted")
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
