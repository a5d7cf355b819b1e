// SPDX-License-Identifier: Apache-2.0

package classify

import (
	"bufio"
	"errors"
	"io/fs"
	"os"

	"github.com/goqat/goqat/internal/parquet"
)

// columns are those of a Parquet file of answers, named as in lines.
var columns = []parquet.Field{
	{Name: "model", Type: parquet.Text},
	{Name: "image", Type: parquet.Text},
	{Name: "row", Type: parquet.Int32, Optional: true},
	{Name: "top", Elements: []parquet.Field{
		{Name: "index", Type: parquet.Int32}, {Name: "class", Type: parquet.Text}, {Name: "logit", Type: parquet.Int32}, {Name: "probability", Type: parquet.Double},
	}},
	{Name: "error", Type: parquet.Text, Optional: true},
}

// The columns by their places.
const (
	columnModel = iota
	columnImage
	columnRow
	columnIndex
	columnClass
	columnLogit
	columnProbability
	columnError
)

// writeTable writes the answers of the lines as a Parquet file.
func (r *Record) writeTable(w *os.File) error {
	out := bufio.NewWriterSize(w, 1<<20)
	p := parquet.NewWriter(out, columns)
	if err := r.settled(func(_ []byte, a Answer) error { return a.row(p, r.model) }); err != nil {
		return err
	}
	return errors.Join(p.Close(), out.Flush())
}

// row writes an answer.
func (a Answer) row(p *parquet.Writer, model string) error {
	p.Text(columnModel, model)
	p.Text(columnImage, a.Image)
	if a.Row > 0 {
		p.Int(columnRow, int32(a.Row))
	}
	for _, c := range a.Top {
		p.Int(columnIndex, int32(c.Index))
		p.Text(columnClass, c.Class)
		p.Int(columnLogit, c.Logit)
		p.Double(columnProbability, c.Probability)
	}
	if a.Error != "" {
		p.Text(columnError, a.Error)
	}
	return p.EndRow()
}

// readTable learns which images the Parquet file has answers of, if it is there: then it has all. An
// error is the answer of an image then, too: the file is not added to.
func (r *Record) readTable() (whole bool, err error) {
	file, err := os.Open(r.table)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return false, err
	}
	t, err := parquet.Open(file, info.Size())
	if err != nil {
		return false, err
	}
	is := func(column int, name string) bool {
		c := t.Columns[column]
		return c.Name() == name && c.Kind == parquet.Bytes
	}
	if len(t.Columns) != columnError+1 || !is(columnModel, "model") || !is(columnImage, "image") || !is(columnError, "error") {
		return false, errors.New("holds no answers; name another file")
	}
	failed := int64(0)
	for g := range t.Groups {
		if err := errors.Join(
			t.Read(g, columnModel, func(_ int64, v parquet.Value) error {
				if string(v.Bytes) != r.model {
					return errors.New("answers of another model; name another file")
				}
				return nil
			}),
			t.Read(g, columnImage, func(_ int64, v parquet.Value) error { r.known[string(v.Bytes)] = true; return nil }),
			t.Read(g, columnError, func(_ int64, v parquet.Value) error {
				if !v.Missing {
					failed++
				}
				return nil
			}),
		); err != nil {
			return false, err
		}
	}
	if r.Failed = int(failed); t.Rows > failed { // a row without classes has one value, which is missing
		err = r.fits(false, int((t.Values(columnIndex)-failed)/(t.Rows-failed)))
	}
	return err == nil, err
}
