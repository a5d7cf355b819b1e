// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"math"
	"testing"

	flatbuffers "github.com/google/flatbuffers/go"
)

// A reader goes through the tables of a file by the slots of the schema.
type reader struct{ flatbuffers.Table }

func root(b []byte) reader {
	return reader{flatbuffers.Table{Bytes: b, Pos: flatbuffers.GetUOffsetT(b)}}
}

func (r reader) field(slot int) flatbuffers.UOffsetT {
	return flatbuffers.UOffsetT(r.Offset(flatbuffers.VOffsetT(4 + 2*slot)))
}

func (r reader) int32(slot int, otherwise int32) int32 {
	if o := r.field(slot); o != 0 {
		return r.GetInt32(r.Pos + o)
	}
	return otherwise
}

func (r reader) int8(slot int) int8 {
	if o := r.field(slot); o != 0 {
		return r.GetInt8(r.Pos + o)
	}
	return 0
}

func (r reader) table(slot int) reader {
	return reader{flatbuffers.Table{Bytes: r.Bytes, Pos: r.Indirect(r.Pos + r.field(slot))}}
}

func (r reader) string(slot int) string { return r.String(r.Pos + r.field(slot)) }

// vector returns a vector's start and length.
func (r reader) vector(slot int) (flatbuffers.UOffsetT, int) {
	o := r.field(slot)
	if o == 0 {
		return 0, 0
	}
	return r.Vector(o), r.VectorLen(o)
}

func (r reader) int32s(slot int) (all []int32) {
	at, n := r.vector(slot)
	for i := range n {
		all = append(all, r.GetInt32(at+flatbuffers.UOffsetT(4*i)))
	}
	return all
}

func (r reader) tables(slot int) (all []reader) {
	at, n := r.vector(slot)
	for i := range n {
		all = append(all, reader{flatbuffers.Table{Bytes: r.Bytes, Pos: r.Indirect(at + flatbuffers.UOffsetT(4*i))}})
	}
	return all
}

// A parsed tensor has its numbers as real numbers, nil where it is computed.
type parsed struct {
	name     string
	shape    []int32
	kind     int8
	scale    []float32
	zero     []int64
	constant []float64
}

func (p *parsed) len() int {
	n := 1
	for _, s := range p.shape {
		n *= int(s)
	}
	return n
}

// A parsedNode is an operator.
type parsedNode struct {
	code    int32
	in, out []int32
	options reader
}

// parse reads a file back, and wants the conventions of TFLite to hold.
func parse(t *testing.T, b []byte) ([]parsed, []parsedNode) {
	t.Helper()
	if !flatbuffers.BufferHasIdentifier(b, "TFL3") {
		t.Fatal("no identifier")
	}
	model := root(b)
	graphs, codes, buffers := model.tables(2), model.tables(1), model.tables(4)
	if model.int32(0, 0) != 3 || len(graphs) != 1 {
		t.Fatalf("version %d, %d graphs", model.int32(0, 0), len(graphs))
	}
	if _, n := buffers[0].vector(0); n != 0 {
		t.Error("the first buffer is not empty")
	}
	var tensors []parsed
	for _, r := range graphs[0].tables(0) {
		p := parsed{name: r.string(3), shape: r.int32s(0), kind: r.int8(1)}
		if r.field(4) != 0 {
			q := r.table(4)
			at, n := q.vector(2)
			zeros, m := q.vector(3)
			if n != m || n == 0 {
				t.Errorf("%s: %d scales and %d zero points", p.name, n, m)
			}
			for i := range n {
				p.scale = append(p.scale, q.GetFloat32(at+flatbuffers.UOffsetT(4*i)))
				p.zero = append(p.zero, q.GetInt64(zeros+flatbuffers.UOffsetT(8*i)))
			}
		}
		if buffer := r.int32(2, 0); buffer != 0 {
			at, n := buffers[buffer].vector(0)
			if at%16 != 0 {
				t.Errorf("%s: data at %d", p.name, at)
			}
			p.constant = numbersOf(b[at:][:n], p.kind, p.len())
			if len(p.constant) != p.len() {
				t.Errorf("%s: %d numbers for %v", p.name, len(p.constant), p.shape)
			}
		}
		tensors = append(tensors, p)
	}
	var nodes []parsedNode
	for _, r := range graphs[0].tables(3) {
		code := codes[r.int32(0, 0)]
		if code.int8(0) != int8(min(127, code.int32(3, 0))) {
			t.Error("the old number of the operator is another")
		}
		nodes = append(nodes, parsedNode{code: code.int32(3, 0), in: r.int32s(1), out: r.int32s(2), options: r.table(4)})
	}
	return tensors, nodes
}

func numbersOf(b []byte, kind int8, n int) (all []float64) {
	for i := range n {
		switch kind {
		case typeFloat32:
			all = append(all, float64(math.Float32frombits(flatbuffers.GetUint32(b[4*i:]))))
		case typeInt32:
			all = append(all, float64(flatbuffers.GetInt32(b[4*i:])))
		case typeInt4:
			all = append(all, float64(int8(b[i/2]>>(i%2*4)<<4)>>4))
		default:
			all = append(all, float64(int8(b[i])))
		}
	}
	return all
}
