// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goqat/goqat/infer"
	"github.com/goqat/goqat/internal/kernel"
	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/qmodel"
	"github.com/goqat/goqat/recipe"
)

// readModel reads a .qmodel, and counts the bytes of its numbers.
func readModel(t *testing.T, path string) (m *qmodel.Model, numbers int) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m, err = qmodel.Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Operators {
		numbers += m.PayloadBytes(i)
	}
	return m, numbers
}

// logitsOf runs a model on images.
func logitsOf(t *testing.T, path string, images []uint8, n int) []int32 {
	t.Helper()
	m, err := infer.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := m.NewRunner(infer.Options{Batch: n})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	logits := make([]int32, n*len(m.Classes()))
	if err := r.Run(logits, images); err != nil {
		t.Fatal(err)
	}
	return logits
}

// TestDensePacking trains with dense packing, and exports the checkpoint again with aligned packing: both models have the
// same integers, the dense one in as many bytes less as its codes leave.
func TestDensePacking(t *testing.T) {
	for name, c := range map[string]struct {
		settings     []string
		codes, bytes int // of a group; 0 for no dense packing
	}{
		"ternary":          {[]string{"qat.method=twn"}, 5, 1},
		"split ternary":    {[]string{"qat.method=ttq"}, 5, 1},
		"3 bits":           {[]string{"qat.method=lsq", "qat.weight_bits=3", "qat.activation_bits=3"}, 8, 3},
		"powers of 5 bits": {[]string{"qat.method=inq", "qat.weight_bits=5", "qat.epochs=4"}, 8, 5},
		"odd 2 bits":       {[]string{"qat.method=dorefa", "qat.weight_bits=2", "qat.activation_bits=2"}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := filepath.Join(t.TempDir(), "run")
			r := small(t, slices.Concat([]string{body, "qat.packing=dense", "data.train_limit=128", "data.test_limit=16", "float.epochs=1", "qat.epochs=1", "qat.batchnorm_freeze=0", "out=" + folder}, c.settings)...)
			if s := trained(t, r); s.Verify == nil || s.Verify.IntegerMismatches != 0 {
				t.Fatalf("verification: %+v", s.Verify)
			}
			pool := kernel.NewPool(1)
			defer pool.Close()
			restored, err := pipeline.OpenQuantized(filepath.Join(folder, "checkpoint-best.safetensors"), 8, pool)
			if err != nil {
				t.Fatal(err)
			}
			images, err := restored.Images(t.Context(), recipe.Data{}, r.Seed, 0, pipeline.Reading{})
			if err != nil {
				t.Fatal(err)
			}
			restored.Recipe.QAT.Packing = "aligned"
			paths := []string{filepath.Join(folder, "model.qmodel"), filepath.Join(folder, "aligned.qmodel")}
			if _, err := restored.Export(paths[1]); err != nil {
				t.Fatal(err)
			}
			dense, size := readModel(t, paths[0])
			aligned, alignedSize := readModel(t, paths[1])
			saved := 0
			for i, o := range aligned.Operators {
				w, d := o.Weights, dense.Operators[i].Weights
				if w == nil {
					continue
				}
				if !slices.Equal(w.Codes(), d.Codes()) || w.Packing != qmodel.Aligned {
					t.Errorf("%s: the codes differ, or are packed otherwise", o.Name)
				}
				if w.Bits == 8 || c.codes == 0 {
					continue
				}
				want := (w.Len()*c.bytes + c.codes - 1) / c.codes
				if d.Packing != qmodel.Dense || len(d.Packed) != want {
					t.Errorf("%s: %d codes of %d bits take %d bytes, want %d", o.Name, w.Len(), w.Bits, len(d.Packed), want)
				}
				saved += len(w.Packed) - want
			}
			if size+saved != alignedSize || aligned.Version != 2 || dense.Version != qmodel.Compact || (saved > 0) != (c.codes > 0) {
				t.Errorf("versions %d and %d, %d and %d bytes of numbers; want %d less", dense.Version, aligned.Version, size, alignedSize, saved)
			}
			pixels, err := images.Test.Pixels()
			if err != nil {
				t.Fatal(err)
			}
			if n := images.Test.Len(); !slices.Equal(logitsOf(t, paths[0], pixels, n), logitsOf(t, paths[1], pixels, n)) {
				t.Error("the logits of the two models differ")
			}
		})
	}
}
