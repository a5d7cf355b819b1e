// SPDX-License-Identifier: Apache-2.0

package formats

import (
	"os"

	"github.com/goqat/goqat/export/agreement"
	"github.com/goqat/goqat/internal/atomicfile"
	"github.com/goqat/goqat/qmodel"
)

// An Exported is a model as it was written in a format.
type Exported struct {
	Format    string                `json:"format"`
	Files     []Written             `json:"files"` // empty where the format has no form of an operator
	Operators []agreement.Statement `json:"operators"`
}

// A Written file has so many bytes.
type Written struct {
	Path  string `json:"path"`
	Bytes int    `json:"bytes"`
}

// Write writes a model in a format. Where the format has no form of an operator the error is not nil
// and no file is written, but the outcome says of each operator how it would agree; it is nil
// after any other error.
func (f Format) Write(m *qmodel.Model, o Options) (*Exported, error) {
	files, statements, refused := f.Export(m, o)
	if refused != nil && statements == nil {
		return nil, refused
	}
	e := &Exported{Format: f.Name, Files: []Written{}, Operators: statements}
	for _, file := range files {
		err := atomicfile.Write(file.Path, func(w *os.File) error {
			_, err := w.Write(file.Content)
			return err
		})
		if err != nil {
			return nil, err
		}
		e.Files = append(e.Files, Written{file.Path, len(file.Content)})
	}
	return e, refused
}
