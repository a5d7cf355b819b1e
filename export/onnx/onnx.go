// SPDX-License-Identifier: Apache-2.0

// Package onnx writes integer models as ONNX files, which other runtimes read.
//
// Exact writes a file that computes goqat's integers, all of them: sums of integers in float32 below 2^24, requantized
// in float64 below 2^53, so that nothing is rounded but by the one Round that the arithmetic asks for. QDQ writes the
// usual form, QuantizeLinear and DequantizeLinear around operators on real numbers, which runtimes turn into their
// own fast integer kernels.
//
// Both read the image as it is decoded, UINT8 [N, channels, height, width], and need nothing but the model: the scale of
// its weights, which a .qmodel does not hold, is found from its multipliers.
package onnx

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/qmodel"
)

// Options are what a writer may choose.
type Options struct {
	Version string // of goqat, for the file's metadata
	Digest  string // SHA-256 of the .qmodel, for the file's metadata
	Pack    bool   // weights of up to 4 bits are stored in 4, which asks for opset 21
	Bias    Bias   // of QDQ; "" for FloatBias
}

// opset returns the version of ONNX's operators, and the version of the format that goes with it.
func (o Options) opset() (opset, ir int64) {
	if o.Pack {
		return 21, 10 // INT4
	}
	return 13, 8
}

// finish returns the file of a lowered model, whose last tensor has the given type.
func (b *builder) finish(o Options, doc string, logits onnxproto.Type) *onnxproto.Model {
	m := b.model
	in, out := &m.Tensors[0], m.Operators[len(m.Operators)-1].Output
	batch := onnxproto.Dim{Name: "N"}
	b.graph.Name = m.Name
	b.graph.Inputs = []onnxproto.Value{{Name: b.names[0], Type: onnxproto.TypeUint8,
		Dims: []onnxproto.Dim{batch, {Size: int64(in.Channels)}, {Size: int64(in.Height)}, {Size: int64(in.Width)}}}}
	last := onnxproto.Value{Name: b.names[out], Type: logits, Dims: []onnxproto.Dim{batch, {Size: int64(len(m.Classes))}}}
	b.graph.Outputs = []onnxproto.Value{last}
	opset, ir := o.opset()
	return &onnxproto.Model{IR: ir, Producer: "goqat", ProducerVersion: o.Version, Doc: doc, Graph: b.graph,
		Opsets: []onnxproto.Opset{{Version: opset}}, Metadata: metadata(m, o)}
}

// metadata is what a reader of the file may want to know of the model.
func metadata(m *qmodel.Model, o Options) []onnxproto.Entry {
	classes, err := json.Marshal(m.Classes)
	if err != nil { // of strings: there is none
		panic(err)
	}
	real := func(bits uint32) string {
		return strconv.FormatFloat(float64(math.Float32frombits(bits)), 'g', -1, 32)
	}
	logits := &m.Tensors[m.Operators[len(m.Operators)-1].Output]
	entries := []onnxproto.Entry{
		{Key: "model", Value: m.Name},
		{Key: "method", Value: m.Method},
		{Key: "classes", Value: string(classes)},
		{Key: "input_scale", Value: join(m.Input.ScaleBits, real)},
		{Key: "input_zero_point", Value: join(m.Input.ZeroPoints, func(z int32) string { return fmt.Sprint(z) })},
		{Key: "logit_scale", Value: real(logits.ScaleBits)},
	}
	if o.Version != "" {
		entries = append(entries, onnxproto.Entry{Key: "goqat_version", Value: o.Version})
	}
	if o.Digest != "" {
		entries = append(entries, onnxproto.Entry{Key: "qmodel_sha256", Value: o.Digest})
	}
	return entries
}

// newest is the version of the .qmodel whose operators the writers have.
const newest = 4

// lower gives every operator to a method of a writer, which returns what it says of it.
func lower(m *qmodel.Model, each func(*qmodel.Operator) agreement.Statement) []agreement.Statement {
	statements := make([]agreement.Statement, len(m.Operators))
	for i := range m.Operators {
		o := &m.Operators[i]
		if m.ByImage(o) {
			statements[i] = agreement.Statement{Agreement: agreement.None, Note: "its range is taken from each image; the DynamicQuantizeLinear of ONNX takes one range for the tensor, of all images of a batch together"}
		} else if o.Since() > newest {
			statements[i] = agreement.Statement{Agreement: agreement.None, Note: "ONNX files are not written of it yet"}
		} else {
			statements[i] = each(o)
		}
		statements[i].Operator, statements[i].Op = o.Name, o.Op
	}
	return statements
}
