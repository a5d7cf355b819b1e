// SPDX-License-Identifier: Apache-2.0

package formats_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/export/formats"
	"github.com/goqat/goqat/export/onnx"
	"github.com/goqat/goqat/internal/qmodeltest"
)

// Every format writes a file and states something of each operator, or writes none and
// says which operator it has no form of.
func TestWrite(t *testing.T) {
	m := qmodeltest.Tiny(rand.New(rand.NewPCG(1, 1)))
	for _, f := range formats.All() {
		path := filepath.Join(t.TempDir(), "m"+f.Extension)
		e, err := f.Write(m, formats.Options{Path: path, Bias: onnx.FloatBias})
		if e == nil || len(e.Operators) != len(m.Operators) || (err == nil) != (len(e.Files) > 0) {
			t.Fatalf("%s: %+v, %v", f.Name, e, err)
		}
		stat, missing := os.Stat(path)
		if (missing == nil) != (err == nil) || missing == nil && int(stat.Size()) != e.Files[0].Bytes {
			t.Errorf("%s: %v, %+v, %v", f.Name, missing, e.Files, err)
		}
		if named, err := formats.Named(f.Name); err != nil || named.Name != f.Name {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	for _, f := range formats.All() { // what a format does not read changes nothing, what it reads something
		path := filepath.Join(t.TempDir(), "m"+f.Extension)
		written := func(o formats.Options) []byte {
			o.Path = path
			if _, err := f.Write(m, o); err != nil {
				return nil // it has no form of an operator
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		plain := written(formats.Options{Bias: onnx.FloatBias})
		if plain == nil {
			continue
		}
		if same := bytes.Equal(plain, written(formats.Options{Bias: onnx.FloatBias, Pack: true})); same == f.Reads.Pack {
			t.Errorf("%s: packed %v, reads it %v", f.Name, !same, f.Reads.Pack)
		}
		if same := bytes.Equal(plain, written(formats.Options{Bias: onnx.Int32Bias})); same == f.Reads.Bias {
			t.Errorf("%s: other biases %v, reads them %v", f.Name, !same, f.Reads.Bias)
		}
	}
	for _, f := range formats.All() {
		second, err := f.Second("dir/m" + f.Extension)
		if f.Name == "c" && second != "dir/m.h" || f.Name != "c" && second != "" || err != nil {
			t.Errorf("%s: beside it %q, %v", f.Name, second, err)
		}
		if _, err := f.Second("m"); (err == nil) != (f.Beside == "") {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if _, err := formats.Named("tensorrt"); err == nil {
		t.Error("there is a format tensorrt")
	}
	c, _ := formats.Named("c")
	if e, err := c.Write(m, formats.Options{Path: "m.cpp"}); e != nil || err == nil {
		t.Errorf("%+v, %v", e, err)
	}
}
