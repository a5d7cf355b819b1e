// SPDX-License-Identifier: Apache-2.0

package describe_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/describe"
	"github.com/goqat/goqat/internal/qmodeltest"
)

func TestWords(t *testing.T) {
	d := describe.Description{Layers: []describe.Layer{
		{WeightBits: 8, ActivationBits: 8, AccumulatorBits: 20, Kernel: "a"}, {ActivationBits: 4, Kernel: "c"},
		{WeightBits: 2, ActivationBits: 4, AccumulatorBits: 11, Kernel: "b"}, {WeightBits: 8, ActivationBits: 4, AccumulatorBits: 16, Kernel: "a"},
	}}
	if a, b := d.Layers[2].Bits(), d.Layers[1].Bits(); a != "w2a4" || b != "a4" {
		t.Errorf("%s, %s", a, b)
	}
	if got := d.Kernels(); !slices.Equal(got, []describe.KernelUse{{"a", 2}, {"b", 1}}) {
		t.Errorf("%v", got)
	}
	if got := d.Accumulators(); got != "accumulators of 2 of 3 layers fit 16 bits, the widest has 20" {
		t.Error(got)
	}
	for want, bits := range map[string][]int{"2-8": {2, 3, 4, 5, 6, 7, 8}, "1, 2, 4-6, 8": {1, 2, 4, 5, 6, 8}, "": nil} {
		if got := describe.Widths(bits); got != want {
			t.Errorf("%v: %s, want %s", bits, got, want)
		}
	}
	if got := describe.Dimensions([]int{28, 28, 1}) + describe.Dimensions(nil); got != "28x28x1-" {
		t.Error(got)
	}
	if !slices.ContainsFunc(describe.Methods(), func(m describe.Method) bool { return m.Name == "pact" && m.Integers && m.Trains }) {
		t.Error("no pact")
	}
}

func TestFile(t *testing.T) {
	var b bytes.Buffer
	if err := qmodeltest.Tiny(rand.New(rand.NewPCG(5, 5))).Write(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.qmodel")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	d, err := describe.File(path, "")
	if err != nil || d.Kind != "qmodel" || d.FileBytes != int64(b.Len()) {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := describe.File(path+"x", ""); err == nil {
		t.Error("a file that is not there is described")
	}
}
