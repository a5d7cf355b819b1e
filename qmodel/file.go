// SPDX-License-Identifier: Apache-2.0

package qmodel

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

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
	keyClasses = "classes" // JSON, as are the next two
	keyInput   = "input"
	keyGraph   = "graph"

	format = "qmodel"
)

// maxGraph bounds the length of the graph's JSON, and with maxOperators what it takes to decode it.
const maxGraph = 1 << 22

// A graph is the structure of a model; its numbers are in the tensors of the file.
type graph struct {
	Tensors   []Tensor   `json:"tensors"`
	Operators []Operator `json:"operators"`
}

// Write validates the model and writes it as a .qmodel. Equal models give equal bytes.
func (m *Model) Write(w io.Writer) error {
	if err := m.Validate(); err != nil {
		return err
	}
	f := &safetensors.File{Metadata: []safetensors.Metadata{
		{Key: keyFormat, Value: format},
		{Key: keyVersion, Value: strconv.Itoa(m.Version)},
		{Key: keyModel, Value: m.Name},
		{Key: keyMethod, Value: m.Method},
		{Key: keyClasses, Value: encode(m.Classes)},
		{Key: keyInput, Value: encode(m.Input)},
		{Key: keyGraph, Value: encode(graph{m.Tensors, m.Operators})},
	}}
	for i := range m.Operators {
		f.Tensors = append(f.Tensors, m.Operators[i].tensors()...)
	}
	slices.SortStableFunc(f.Tensors, func(a, b safetensors.Tensor) int { // the widest first: all are aligned
		return cmp.Compare(elementBytes(b.DType), elementBytes(a.DType))
	})
	if err := f.Write(w, true); err != nil {
		return fmt.Errorf("qmodel: %w", err)
	}
	return nil
}

func encode(v any) string {
	text, _ := json.Marshal(v) // structs of numbers and strings cannot fail
	return string(text)
}

// decode is the inverse of encode and accepts nothing else: no unknown, repeated or left out field, no other spelling.
func decode(text string, v any) error {
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if encode(v) != text {
		return fmt.Errorf("not in the form that goqat writes")
	}
	return nil
}

// Read reads and validates a .qmodel of the given size. Every byte is covered by the digest at its head, which must be
// there and right, and everything behind it is checked as if it were hostile. A file of a later version is ErrNewer.
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
	for _, key := range []string{keyFormat, keyVersion, keyModel, keyMethod, keyClasses, keyInput, keyGraph} {
		if _, ok := text[key]; !ok {
			return nil, fmt.Errorf("metadata %q is missing", key)
		}
	}
	if len(text) != 7 {
		return nil, fmt.Errorf("metadata of %d entries, want 7", len(text))
	}
	m := &Model{Version: version, Name: text[keyModel], Method: text[keyMethod]}
	var g graph
	for _, part := range []struct {
		key string
		v   any
	}{{keyClasses, &m.Classes}, {keyInput, &m.Input}, {keyGraph, &g}} {
		json := text[part.key]
		if len(json) > maxGraph || strings.Count(json, "{") > 4*maxOperators || strings.Count(json, ",") > maxGraph/16 {
			return nil, fmt.Errorf("metadata %q is too large", part.key)
		}
		if err := decode(json, part.v); err != nil {
			return nil, fmt.Errorf("metadata %q: %w", part.key, err)
		}
	}
	m.Tensors, m.Operators = g.Tensors, g.Operators
	if err := m.validateStructure(); err != nil {
		return nil, err
	}
	return m, m.load(f.Tensors)
}

// MarshalText returns the name of the kind.
func (k Kind) MarshalText() ([]byte, error) {
	if int(k) >= len(kinds) {
		return nil, fmt.Errorf("qmodel: unknown kind %d", k)
	}
	return []byte(kinds[k]), nil
}

// UnmarshalText sets the kind from its name.
func (k *Kind) UnmarshalText(text []byte) error {
	i := slices.Index(kinds, string(text))
	if i < 0 {
		return fmt.Errorf("qmodel: unknown kind %.40q", text)
	}
	*k = Kind(i)
	return nil
}

// String returns the name of the kind.
func (k Kind) String() string {
	if int(k) >= len(kinds) {
		return "kind " + strconv.Itoa(int(k))
	}
	return kinds[k]
}

var kinds = []string{Codes: "codes", Accumulators: "accumulators", Logits: "logits"}
