// SPDX-License-Identifier: Apache-2.0

//go:build long

package onnxeval

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/goqat/goqat/internal/onnxproto"
)

// TestStandardsOwnFiles evaluates the standard's own models with their recorded inputs and outputs, below the folder that
// GOQAT_ONNX_FILES names: site-packages/onnx of the onnx package of Python.
func TestStandardsOwnFiles(t *testing.T) {
	folder := os.Getenv("GOQAT_ONNX_FILES")
	if folder == "" {
		t.Skip("GOQAT_ONNX_FILES names no folder")
	}
	models, err := filepath.Glob(filepath.Join(folder, "backend/test/data/*/*/model.onnx"))
	if err != nil || len(models) == 0 {
		t.Fatalf("no models: %v", err)
	}
	same, left := 0, 0
	for _, path := range models {
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := onnxproto.Unmarshal(file)
		if err != nil {
			t.Logf("%s: %v", path, err)
			left++
			continue
		}
		sets := filepath.Join(filepath.Dir(path), "test_data_set_0")
		x, want := recorded(t, filepath.Join(sets, "input_0.pb")), recorded(t, filepath.Join(sets, "output_0.pb"))
		if x == nil || want == nil {
			left++
			continue
		}
		p, err := Prepare(m, x.Type, x.Dims, Options{Double: true})
		if err != nil {
			t.Logf("%s: %v", filepath.Base(filepath.Dir(path)), err)
			left++
			continue
		}
		got, err := p.Evaluate(context.Background(), x.Values(), m.Graph.Outputs[0].Name)
		if err != nil || len(got) != want.Len() {
			t.Errorf("%s: %d numbers, want %d, %v", path, len(got), want.Len(), err)
			continue
		}
		largest, off := 0.0, 0.0
		for i, v := range want.Values() {
			largest, off = max(largest, math.Abs(v)), max(off, math.Abs(v-got[i]))
		}
		if off > 1e-5*max(1, largest) {
			t.Errorf("%s: off by %g of %g", path, off, largest)
		}
		same++
	}
	t.Logf("of %d models %d give what is recorded, %d were left out", len(models), same, left)
}

// recorded reads a TensorProto, nil if there is none.
func recorded(t *testing.T, path string) *Tensor {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	graph := protowire.AppendBytes(protowire.AppendTag(nil, 5, protowire.BytesType), data)
	m, err := onnxproto.Unmarshal(protowire.AppendBytes(protowire.AppendTag(nil, 7, protowire.BytesType), graph))
	if err != nil {
		return nil
	}
	x, err := header(&m.Graph.Initializers[0])
	if err != nil {
		return nil
	}
	return x
}
