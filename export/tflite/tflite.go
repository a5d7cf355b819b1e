// SPDX-License-Identifier: Apache-2.0

// Package tflite writes integer models as TFLite files, for LiteRT and TFLite Micro.
//
// Codes become int8, the greatest of a tensor 127, so that saturation is the upper end of the range; weights are int8, or
// int4, with a scale for each channel, found from the multipliers; biases are int32. The runtime rounds like goqat but
// for the bias, which it has in steps of the accumulator. The last layer is in floating point, so that no two logits
// become the same. The image is int8 [1, height, width, channels], a byte as decoded less 128.
//
// TFLite has one product for each layer and quantizes it before anything is added: what a residual sum adds is rounded to
// 8 bits, in a range that images tell. It has no sums of several products, no codes of several signs and no weights
// beyond int8.
package tflite

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/qmodel"
)

// Options are what a writer may choose.
type Options struct {
	Version string // of goqat, for the file's metadata
	Digest  string // SHA-256 of the .qmodel, for the file's metadata
	Pack    bool   // weights of up to 4 bits are stored in 4
	Images  []byte // images, one after the other, that tell the range of what residual sums add; without, those are refused
}

// Export returns a valid model as a TFLite file and what is stated of each operator. What TFLite has no word for is
// refused by name, with the statements. Equal models and options give equal bytes.
func Export(m *qmodel.Model, o Options) ([]byte, []agreement.Statement, error) {
	if err := m.Validate(); err != nil {
		return nil, nil, fmt.Errorf("tflite: %w", err)
	}
	w := &writer{model: m, pack: o.Pack, file: &file{}, pending: map[int]*qmodel.Operator{}, values: make([]value, len(m.Tensors))}
	if o.Images != nil {
		ranges, err := addedRanges(m, o.Images)
		if err != nil {
			return nil, nil, fmt.Errorf("tflite: %w", err)
		}
		w.ranges = ranges
	}
	image := &m.Tensors[0]
	w.values[0] = value{offset: 127 - image.Max()}
	w.values[0].tensor = w.codes(0, shapeOf(image))
	w.file.in = w.values[0].tensor
	var statements []agreement.Statement
	for i := range m.Operators {
		s := w.operator(&m.Operators[i])
		s.Operator, s.Op = m.Operators[i].Name, m.Operators[i].Op
		w.name(m.Operators[i].Output)
		statements = append(statements, s)
	}
	if err := agreement.Refused("tflite", statements); err != nil {
		return nil, statements, err
	}
	w.file.metadata = metadata(m, o)
	return w.file.marshal(), statements, nil
}

// metadata is what a reader of the file may want to know of the model, as JSON.
func metadata(m *qmodel.Model, o Options) []entry {
	text, err := json.Marshal(struct {
		Model     string   `json:"model"`
		Method    string   `json:"method"`
		Classes   []string `json:"classes"`
		Scale     float32  `json:"input_scale"`
		ZeroPoint int32    `json:"input_zero_point"`
		Version   string   `json:"goqat_version,omitempty"`
		Digest    string   `json:"qmodel_sha256,omitempty"`
	}{m.Name, m.Method, m.Classes, math.Float32frombits(m.Tensors[0].ScaleBits), m.Tensors[0].ZeroPoint, o.Version, o.Digest})
	if err != nil { // of strings and finite numbers: there is none
		panic(err)
	}
	return []entry{{"goqat", string(text)}}
}

// A writer lowers a model operator by operator.
type writer struct {
	model   *qmodel.Model
	file    *file
	pack    bool
	values  []value                  // by tensor of the model
	pending map[int]*qmodel.Operator // of the tensors of accumulators
	ranges  map[int][]span           // of what is added to the output of an operator, by that tensor and term
}

// A value is a tensor of codes in the file: int8 is code + offset.
type value struct {
	tensor int32
	offset int32
	flat   bool // [1, channels] instead of [1, height, width, channels]
}

func shapeOf(t *qmodel.Tensor) []int32 {
	return []int32{1, int32(t.Height), int32(t.Width), int32(t.Channels)}
}

// scale returns the real value of a step of a tensor of codes: of a sign, whose bit is 0 or 1, it is 2.
func (w *writer) scale(i int) float32 {
	if t := &w.model.Tensors[i]; !t.Signs {
		return math.Float32frombits(t.ScaleBits)
	}
	return 2
}

// codes adds a tensor of the file for codes of a tensor of the model, which has an offset.
func (w *writer) codes(i int, shape []int32) int32 {
	return w.file.add(tensor{name: fmt.Sprintf("%s_%d", w.model.Tensors[i].Name, len(w.file.tensors)), shape: shape, kind: typeInt8,
		scale: []float32{w.scale(i)}, zero: []int64{int64(w.model.Tensors[i].ZeroPoint + w.values[i].offset)}})
}

// name gives the tensor that holds one of the model its name; a number follows the names of others.
func (w *writer) name(i int) {
	at := w.values[i].tensor
	if w.model.Tensors[i].Kind == qmodel.Logits {
		at = w.file.out
	}
	if at > w.file.in {
		w.file.tensors[at].name = w.model.Tensors[i].Name
	}
}

// constant adds a tensor with data.
func (w *writer) constant(t tensor) int32 {
	t.name = fmt.Sprintf("%s_%d", t.name, len(w.file.tensors))
	return w.file.add(t)
}

func (w *writer) node(n node) { w.file.nodes = append(w.file.nodes, n) }

// input returns a tensor of codes as [1, channels] or [1, height, width, channels].
func (w *writer) input(i int, flat bool) int32 {
	v := &w.values[i]
	if v.flat == flat {
		return v.tensor
	}
	shape := shapeOf(&w.model.Tensors[i])
	if flat {
		shape = []int32{1, int32(w.model.Tensors[i].Len())}
	}
	return w.reshape(i, v.tensor, shape)
}

// reshape adds a RESHAPE. Its first size is -1: other ways to write it are refused by some readers.
func (w *writer) reshape(i int, from int32, shape []int32) int32 {
	to := w.codes(i, shape)
	sizes := append([]int32{-1}, shape[1:]...)
	w.node(node{code: opReshape, version: 1, in: []int32{from, w.constant(tensor{name: "shape", shape: []int32{int32(len(sizes))}, kind: typeInt32, data: bytesOf(sizes)})},
		out: []int32{to}, table: 17})
	return to
}
