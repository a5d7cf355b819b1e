// SPDX-License-Identifier: Apache-2.0

package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/pipeline"
	"github.com/goqat/goqat/recipe"
)

// FuzzReadRecord reads any metrics and any summary in a run folder: nothing panics, and
// no more epochs are read than there are lines.
func FuzzReadRecord(f *testing.F) {
	f.Add([]byte(`{"phase":"float","epoch":1,"loss":0.5}`+"\n"+`{"phase":"qat","epo`), []byte(`{"model":"lenet","accuracy":{"float":0.5}}`))
	f.Add([]byte("null\n[]\n"), []byte("{"))
	f.Add([]byte{0xff, '\n'}, []byte(`{"per_class":[{"class":"a","accuracy":null}],"confusion":[[1]]}`))
	f.Fuzz(func(t *testing.T, metrics, summary []byte) {
		folder := t.TempDir()
		for name, text := range map[string][]byte{"config.yaml": recipe.Default().YAML(), "metrics.jsonl": metrics, "summary.json": summary} {
			if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		r, err := pipeline.ReadRecord(folder)
		if err != nil {
			return
		}
		lines := 1
		for _, b := range metrics {
			if b == '\n' {
				lines++
			}
		}
		if len(r.Epochs) > lines {
			t.Fatalf("%d epochs of %d lines", len(r.Epochs), lines)
		}
		r.Changes()
	})
}
