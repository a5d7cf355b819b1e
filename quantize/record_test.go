// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"testing"

	"github.com/goqat/goqat/ptq"
)

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
