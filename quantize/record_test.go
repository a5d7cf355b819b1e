// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/internal/lock"
	"github.com/goqat/goqat/ptq"
)

// Two processes that measure into one file would write over each other's lines: the second is refused.
func TestRecordIsHeld(t *testing.T) {
	path, checkpoint := filepath.Join(t.TempDir(), "measurements.jsonl"), filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(checkpoint, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open := func() (*record, error) { return openRecord(path, checkpoint, ptq.Options{}, head{}) }
	first, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(); !errors.Is(err, lock.ErrInUse) {
		t.Errorf("it is opened twice: %v", err)
	}
	first.close()
	again, err := open()
	if err != nil {
		t.Fatal(err)
	}
	again.close()
}

// FuzzRecord reads any bytes as measurements: nothing panics, what is read is found again,
// and what is refused has an error that names the file.
func FuzzRecord(f *testing.F) {
	const head = `{"checkpoint":"ab"}`
	f.Add([]byte(head + "\n" + `{"layer":"conv1","what":"weights","bits":4,"accuracy":0.5,"snr_db":9.5}` + "\n" +
		`{"hessian":{"layer":"conv1","what":"weights","trace":3,"probes":16},"seed":7}` + "\n"))
	f.Add([]byte(head + "\n{}\nnull\n[]\n"))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &record{path: "file", made: map[measured]ptq.Sensitivity{}, traces: map[traced]ptq.Trace{}}
		if err := r.read(data, []byte(head)); err != nil {
			if len(err.Error()) < len("file") || err.Error()[:4] != "file" {
				t.Fatal(err)
			}
			return
		}
		for _, s := range r.made {
			if found, ok := r.find(s); !ok || found != s {
				t.Fatalf("%+v was read and %+v is found", s, found)
			}
		}
	})
}
