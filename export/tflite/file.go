// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"math"

	flatbuffers "github.com/google/flatbuffers/go"
)

// Numbers of the schema of TFLite, schema.fbs, version 3.
const (
	typeFloat32 = 0
	typeInt32   = 2
	typeInt8    = 9
	typeInt4    = 17

	opAdd            = 0
	opConcatenation  = 2
	opConv2D         = 3
	opDepthwise      = 4
	opDequantize     = 6
	opFullyConnected = 9
	opMaxPool        = 17
	opMul            = 18
	opReshape        = 22
	opPad            = 34
	opGather         = 36
	opCast           = 53
	opMaximum        = 55
	opPadV2          = 60
	opSlice          = 65
	opResizeNearest  = 97
	opQuantize       = 114

	paddingSame  = 0
	paddingValid = 1

	activationNone = 0
	activationRelu = 1
)

// A tensor of the file. Without data it is computed. Without scales it is not quantized.
type tensor struct {
	name  string
	shape []int32
	kind  int8
	data  []byte
	scale []float32
	zero  []int64
	axis  int32
}

// A node is an operator of the file. Its options are of a table of the schema, the fields by their slot.
type node struct {
	code, version int32
	in, out       []int32
	table         byte // number of the table in the union of options
	options       []field
}

// A field is a number of a table: an enumeration, of a byte, or an int.
type field struct {
	slot  int
	value int32
	small bool
}

// A file is a TFLite model of one graph.
type file struct {
	tensors  []tensor
	nodes    []node
	in, out  int32
	metadata []entry
}

type entry struct{ name, value string }

// add adds a tensor and returns its index.
func (f *file) add(t tensor) int32 {
	f.tensors = append(f.tensors, t)
	return int32(len(f.tensors) - 1)
}

// marshal returns the bytes of the file.
func (f *file) marshal() []byte {
	b := flatbuffers.NewBuilder(1 << 16)
	var buffers []flatbuffers.UOffsetT
	buffers = append(buffers, table(b, 3, nil)) // the first buffer is empty, by convention
	place := make([]uint32, len(f.tensors))
	for i, t := range f.tensors {
		if t.data != nil {
			place[i] = uint32(len(buffers))
			buffers = append(buffers, buffer(b, t.data))
		}
	}
	var metadata []flatbuffers.UOffsetT
	for _, e := range f.metadata {
		at := uint32(len(buffers))
		buffers = append(buffers, buffer(b, []byte(e.value)))
		name := b.CreateString(e.name)
		metadata = append(metadata, table(b, 2, func() {
			b.PrependUOffsetTSlot(0, name, 0)
			b.PrependUint32Slot(1, at, 0)
		}))
	}
	codes, index := f.codes(b)
	var tensors, nodes []flatbuffers.UOffsetT
	for i := range f.tensors {
		tensors = append(tensors, f.tensors[i].marshal(b, place[i]))
	}
	for i := range f.nodes {
		nodes = append(nodes, f.nodes[i].marshal(b, index[i]))
	}
	tensorList, nodeList := offsets(b, tensors), offsets(b, nodes)
	ins, outs, main := int32s(b, []int32{f.in}), int32s(b, []int32{f.out}), b.CreateString("main")
	graph := table(b, 5, func() {
		b.PrependUOffsetTSlot(0, tensorList, 0)
		b.PrependUOffsetTSlot(1, ins, 0)
		b.PrependUOffsetTSlot(2, outs, 0)
		b.PrependUOffsetTSlot(3, nodeList, 0)
		b.PrependUOffsetTSlot(4, main, 0)
	})
	codeList, graphs, bufferList, metadataList := offsets(b, codes), offsets(b, []flatbuffers.UOffsetT{graph}), offsets(b, buffers), offsets(b, metadata)
	description := b.CreateString("goqat")
	model := table(b, 8, func() {
		b.PrependUint32Slot(0, 3, 0)
		b.PrependUOffsetTSlot(1, codeList, 0)
		b.PrependUOffsetTSlot(2, graphs, 0)
		b.PrependUOffsetTSlot(3, description, 0)
		b.PrependUOffsetTSlot(4, bufferList, 0)
		b.PrependUOffsetTSlot(6, metadataList, 0)
	})
	b.FinishWithFileIdentifier(model, []byte("TFL3"))
	return b.FinishedBytes()
}

// codes writes the list of operators in use, by code and version, and returns which of them each node is.
func (f *file) codes(b *flatbuffers.Builder) ([]flatbuffers.UOffsetT, []uint32) {
	var codes []flatbuffers.UOffsetT
	known := map[[2]int32]uint32{}
	index := make([]uint32, len(f.nodes))
	for i, n := range f.nodes {
		key := [2]int32{n.code, n.version}
		at, ok := known[key]
		if !ok {
			at = uint32(len(codes))
			known[key] = at
			codes = append(codes, table(b, 4, func() {
				b.PrependInt8Slot(0, int8(min(n.code, 127)), 0)
				b.PrependInt32Slot(2, n.version, 1)
				b.PrependInt32Slot(3, n.code, 0)
			}))
		}
		index[i] = at
	}
	return codes, index
}

func (t *tensor) marshal(b *flatbuffers.Builder, buffer uint32) flatbuffers.UOffsetT {
	name, shape := b.CreateString(t.name), int32s(b, t.shape)
	var quantization flatbuffers.UOffsetT
	if t.scale != nil {
		var scales, zeros []byte
		for _, s := range t.scale {
			scales = binary.LittleEndian.AppendUint32(scales, math.Float32bits(s))
		}
		for _, z := range t.zero {
			zeros = binary.LittleEndian.AppendUint64(zeros, uint64(z))
		}
		scale, zero := numbers(b, scales, 4, 4), numbers(b, zeros, 8, 8)
		quantization = table(b, 7, func() {
			b.PrependUOffsetTSlot(2, scale, 0)
			b.PrependUOffsetTSlot(3, zero, 0)
			b.PrependInt32Slot(6, t.axis, 0)
		})
	}
	return table(b, 9, func() {
		b.PrependUOffsetTSlot(0, shape, 0)
		b.PrependInt8Slot(1, t.kind, 0)
		b.PrependUint32Slot(2, buffer, 0)
		b.PrependUOffsetTSlot(3, name, 0)
		if t.scale != nil {
			b.PrependUOffsetTSlot(4, quantization, 0)
		}
		b.PrependBoolSlot(8, true, false) // the rank is that of the shape
	})
}

func (n *node) marshal(b *flatbuffers.Builder, code uint32) flatbuffers.UOffsetT {
	options := table(b, 8, func() {
		for _, f := range n.options {
			if f.small {
				b.PrependInt8Slot(f.slot, int8(f.value), 0)
			} else {
				b.PrependInt32Slot(f.slot, f.value, 0)
			}
		}
	})
	in, out := int32s(b, n.in), int32s(b, n.out)
	return table(b, 5, func() {
		b.PrependUint32Slot(0, code, 0)
		b.PrependUOffsetTSlot(1, in, 0)
		b.PrependUOffsetTSlot(2, out, 0)
		b.PrependByteSlot(3, n.table, 0)
		b.PrependUOffsetTSlot(4, options, 0)
	})
}

// table writes a table of so many slots.
func table(b *flatbuffers.Builder, slots int, fill func()) flatbuffers.UOffsetT {
	b.StartObject(slots)
	if fill != nil {
		fill()
	}
	return b.EndObject()
}

// buffer writes the data of a tensor, which starts at a multiple of 16.
func buffer(b *flatbuffers.Builder, data []byte) flatbuffers.UOffsetT {
	at := numbers(b, data, 1, 16)
	return table(b, 3, func() { b.PrependUOffsetTSlot(0, at, 0) })
}

// numbers writes a vector of numbers of so many bytes each, given by their bytes.
func numbers(b *flatbuffers.Builder, data []byte, size, alignment int) flatbuffers.UOffsetT {
	b.StartVector(size, len(data)/size, alignment)
	for i := len(data) - 1; i >= 0; i-- {
		b.PlaceByte(data[i])
	}
	return b.EndVector(len(data) / size)
}

func int32s(b *flatbuffers.Builder, values []int32) flatbuffers.UOffsetT {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, uint32(v))
	}
	return numbers(b, data, 4, 4)
}

func offsets(b *flatbuffers.Builder, all []flatbuffers.UOffsetT) flatbuffers.UOffsetT {
	b.StartVector(4, len(all), 4)
	for i := len(all) - 1; i >= 0; i-- {
		b.PrependUOffsetT(all[i])
	}
	return b.EndVector(len(all))
}
