// SPDX-License-Identifier: Apache-2.0

package onnx_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/onnxproto"
	"github.com/goqat/goqat/internal/qmodeltest"
	"github.com/goqat/goqat/qmodel"
)

var update = flag.Bool("update", false, "write testdata anew")

// writers are all forms that this package writes.
var writers = []struct {
	name    string
	write   func(*qmodel.Model, onnx.Options) (*onnxproto.Model, []agreement.Statement, error)
	options onnx.Options
}{
	{"exact", onnx.Exact, onnx.Options{}},
	{"exact-packed", onnx.Exact, onnx.Options{Pack: true}},
	{"qdq", onnx.QDQ, onnx.Options{}},
	{"qdq-int32", onnx.QDQ, onnx.Options{Bias: onnx.Int32Bias}},
	{"qdq-packed", onnx.QDQ, onnx.Options{Pack: true}},
	{"qonnx", onnx.QONNX, onnx.Options{}},
}

// TestGoldenFiles holds the bytes of every form of a model of residual sums, signs, pools and codings.
func TestGoldenFiles(t *testing.T) {
	m := withoutTable(rand.New(rand.NewPCG(7, 7)))
	for _, w := range writers {
		f, _, err := w.write(m, w.options)
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
		path, got := filepath.Join("testdata", w.name+".onnx"), f.Marshal()
		if *update {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what is written; if that is meant, go test ./export/onnx -update", path)
		}
	}
}

// exportChanged exports a changed .qmodel that still reads in every form, or wants it to be refused; it says whether there
// was a file.
func exportChanged(t *testing.T, file []byte) (exported bool) {
	m, err := qmodeltest.ReadChanged(file)
	if err != nil || qmodeltest.Work(m) > 1<<20 {
		return false
	}
	for _, w := range writers {
		f, statements, err := w.write(m, w.options)
		if len(statements) != len(m.Operators) {
			t.Fatalf("%s: %d statements of %d operators", w.name, len(statements), len(m.Operators))
		}
		if err != nil {
			continue
		}
		exported = true
		b := f.Marshal()
		again, _, err := w.write(m, w.options)
		if err != nil || !bytes.Equal(again.Marshal(), b) {
			t.Fatalf("%s: the second export differs (%v)", w.name, err)
		}
		if _, err := onnxproto.Unmarshal(b); err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
	}
	return exported
}

// FuzzExport changes a model with a right digest and exports what is still read.
func FuzzExport(f *testing.F) {
	for _, file := range qmodeltest.Files() {
		f.Add(file, uint16(9), uint8(7))
	}
	f.Fuzz(func(t *testing.T, file []byte, place uint16, value uint8) {
		file = bytes.Clone(file)
		if int(place) < len(file) {
			file[place] = value
		}
		exportChanged(t, file)
	})
}

// TestChangedModelsExport is FuzzExport with random changes.
func TestChangedModelsExport(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 9))
	seeds := qmodeltest.Files()
	exported := 0
	for n := range 200 {
		if exportChanged(t, qmodeltest.ChangeBytes(rng, seeds[n%len(seeds)])) {
			exported++
		}
	}
	if exported < 10 {
		t.Errorf("only %d of 200 models were exported", exported)
	}
}
