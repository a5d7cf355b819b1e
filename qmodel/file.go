// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/goqat/goqat/internal/safetensors"
)

// ErrNewer is the error, wrapped, of a file written in a later version of the format.
var ErrNewer = errors.New("the model is of a newer version than this program reads, update it")

// Metadata of a .qmodel, beside the digest.
const (
	keyFormat  = "format"
	keyVersion = "version"
	keyModel   = "model"
	keyMethod  = "method"
	keyClasses = "classes" // JSON, as are the next three
	keyInput   = "input"
	keyGraph   = "graph" // before version 8
	keyData    = "data"  // since version 2

	format = "qmodel"
)

// Write writes the model as a .qmodel. Equal models give equal bytes. A model that is not valid is an error, before anything is
// written.
func (m *Model) Write(w io.Writer) error {
	if err := m.Validate(); err != nil {
		return err
	}
	if err := m.file().Write(w); err != nil {
		return fmt.Errorf("qmodel: %w", err)
	}
	return nil
}

// file returns the container of the model.
func (m *Model) file() *safetensors.File {
	f := &safetensors.File{Metadata: []safetensors.Metadata{
		{Key: keyFormat, Value: format},
		{Key: keyVersion, Value: strconv.Itoa(m.Version)},
		{Key: keyModel, Value: m.Name},
		{Key: keyMethod, Value: m.Method},
	}}
	g := &graph{m.Tensors, m.Operators}
	for _, p := range m.parts(g) {
		f.Metadata = append(f.Metadata, safetensors.Metadata{Key: p.key, Value: encode(p.describe)})
	}
	if m.Version >= Compact {
		f.Tensors = compact(g, m.numbers)
		return f
	}
	for i := range m.Operators {
		f.Tensors = append(f.Tensors, m.numbers(&m.Operators[i])...)
	}
	slices.SortStableFunc(f.Tensors, func(a, b safetensors.Tensor) int { // the widest first: all are aligned
		return cmp.Compare(elementBytes(b.DType), elementBytes(a.DType))
	})
	return f
}

// A part is a metadata entry in JSON.
type part struct {
	key      string
	describe func(*codec)
}

// parts are the metadata entries in JSON of the model's version.
func (m *Model) parts(g *graph) []part {
	list := []part{{keyClasses, describeClasses(&m.Classes)}, {keyInput, m.Input.describe(m.Version)}}
	if m.Version < Compact {
		list = append(list, part{keyGraph, g.describe})
	}
	if m.Version > 1 {
		list = append(list, part{keyData, m.Data.describe})
	}
	return list
}

// Read reads and validates a .qmodel of the given size. Every byte is covered by the digest at its head, which must be
// there and right, and everything after it is checked as if it were hostile. A file of a later version is ErrNewer.
func Read(r io.ReaderAt, size int64) (*Model, error) {
	f, err := safetensors.Read(r, size)
	if err != nil {
		return nil, fmt.Errorf("qmodel: %w", err)
	}
	m, err := fromFile(f)
	if err != nil {
		return nil, fmt.Errorf("qmodel: %w", err)
	}
	return m, m.Validate()
}

func fromFile(f *safetensors.File) (*Model, error) {
	if v, _ := f.Value(keyFormat); v != format {
		return nil, fmt.Errorf("the file is not a .qmodel: its %s is %.40q", keyFormat, v)
	}
	text := make(map[string]string, len(f.Metadata))
	for _, e := range f.Metadata {
		text[e.Key] = e.Value
	}
	version, err := strconv.Atoi(text[keyVersion])
	if err != nil || version < 1 || strconv.Itoa(version) != text[keyVersion] {
		return nil, fmt.Errorf("malformed version %.40q", text[keyVersion])
	}
	if version > Version {
		return nil, fmt.Errorf("version %d: %w", version, ErrNewer)
	}
	if f.Digest == "" {
		return nil, fmt.Errorf("the file does not start with its digest")
	}
	m := &Model{Version: version, Name: text[keyModel], Method: text[keyMethod]}
	var g graph
	parts := m.parts(&g)
	keys := []string{keyFormat, keyVersion, keyModel, keyMethod}
	for _, p := range parts {
		keys = append(keys, p.key)
	}
	for _, key := range keys {
		if _, ok := text[key]; !ok {
			return nil, fmt.Errorf("metadata %q is missing", key)
		}
	}
	if len(text) != len(keys) {
		return nil, fmt.Errorf("metadata of %d entries, want %d", len(text), len(keys))
	}
	for _, p := range parts {
		if err := decode(text[p.key], p.describe); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", p.key, err)
		}
	}
	numbers := f.Tensors
	if version >= Compact {
		if numbers, err = expand(f, &g); err != nil {
			return nil, err
		}
	}
	m.Tensors, m.Operators = g.Tensors, g.Operators
	if err := m.validateStructure(); err != nil {
		return nil, err
	}
	m.SpreadZeroPoints()
	return m, m.load(numbers)
}

// String returns the name of the kind.
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return "kind " + strconv.Itoa(int(k))
	}
	return kinds[k]
}

var kinds = []string{Codes: "codes", Accumulators: "accumulators", Logits: "logits", Values: "values"}
