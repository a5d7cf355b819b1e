// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goqat/goqat/images"
	"github.com/goqat/goqat/internal/plural"
)

// A Table is a CSV file of numbers, row by row.
type Table struct {
	Header        []string // names of the columns; nil without
	Values        []float32
	Rows, Columns int
}

// maxTable bounds the bytes of a CSV file. It is a variable for its test.
var maxTable int64 = 1 << 30

// ReadTable reads a CSV file of numbers, divided by commas, semicolons or tabs, perhaps with a line of names before
// them: a signal with a row for each moment and a column for each channel. Rows of unequal length, and what is no finite number,
// are errors with their line.
func ReadTable(r io.Reader) (*Table, error) {
	rows, header, err := records(r)
	if err != nil {
		return nil, err
	}
	return newTable(rows, header)
}

// ReadExamples reads a CSV file with a row for each example, of so many numbers. A column of labels beside them, as the
// table for training has, called label or class or the only one without numbers, is left out.
func ReadExamples(r io.Reader, columns int) (*Table, error) {
	rows, header, err := records(r)
	if err != nil {
		return nil, err
	}
	if len(rows[0]) == columns+1 {
		if at, err := labelColumn(header, rows); err == nil && (!isNumber(rows[0][at]) || slices.Contains(labelColumns, strings.ToLower(strings.TrimSpace(header[at])))) {
			for i := range rows {
				rows[i] = slices.Delete(rows[i], at, at+1)
			}
		}
	}
	return newTable(rows, header)
}

func newTable(rows [][]string, header []string) (t *Table, err error) {
	t = &Table{Header: header, Rows: len(rows), Columns: len(rows[0])}
	for i, row := range rows {
		if t.Values, err = appendNumbers(t.Values, row, i+t.before()); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// before is the number of the line of the first row.
func (t *Table) before() int {
	if t.Header != nil {
		return 2
	}
	return 1
}

func appendNumbers(values []float32, row []string, line int) ([]float32, error) {
	for k, text := range row {
		v, err := strconv.ParseFloat(strings.TrimSpace(text), 32)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return nil, fmt.Errorf("line %d, column %d: %q is more than float32 holds; give numbers of another unit, or take the row out", line, k+1, short(text))
		case err != nil || math.IsNaN(v) || math.IsInf(v, 0):
			return nil, fmt.Errorf("line %d, column %d: %q is no number; write one, or take the row out", line, k+1, short(text))
		}
		values = append(values, float32(v))
	}
	return values, nil
}

// short is the beginning of a text.
func short(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// records reads the rows of a CSV file, of one length, and the line of names before them, if there is one: a first line
// in which a column has no number where the second line has one, or none at all.
func records(r io.Reader) (rows [][]string, header []string, err error) {
	b := bufio.NewReader(&wholeReader{r, maxTable})
	start, _ := b.Peek(1 << 12)
	start = bytes.TrimPrefix(start, []byte("\xef\xbb\xbf"))
	if n := len(start); n > 0 && b.Size() > 0 {
		if first, _ := b.Peek(3); bytes.Equal(first, []byte("\xef\xbb\xbf")) {
			_, _ = b.Discard(3)
		}
	}
	line, _, _ := bytes.Cut(start, []byte("\n"))
	c := csv.NewReader(b)
	c.Comma, c.TrimLeadingSpace = separator(line), true
	if rows, err = c.ReadAll(); err != nil {
		return nil, nil, malformed(err)
	}
	if len(rows) == 0 || len(rows[0]) == 0 {
		return nil, nil, errors.New("an empty file; want rows of numbers")
	}
	if len(rows) > 1 && titled(rows[0], rows[1]) {
		return rows[1:], rows[0], nil
	}
	return rows, nil, nil
}

// A wholeReader reads at most left bytes, and says where there are more: what was cut off would pass for the end.
type wholeReader struct {
	r    io.Reader
	left int64
}

func (w *wholeReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if w.left -= int64(n); w.left < 0 {
		return 0, fmt.Errorf("a table of more than %d MiB; divide it, or save it as arrays of NumPy", maxTable>>20)
	}
	return n, err
}

// titled says whether a line has names for the columns of the next.
func titled(first, second []string) bool {
	for i, text := range first {
		if !isNumber(text) && isNumber(second[i]) {
			return true
		}
	}
	return false
}

func isNumber(text string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// separator is what divides the columns of a line.
func separator(line []byte) rune {
	for _, s := range []byte{',', ';', '\t'} {
		if bytes.IndexByte(line, s) >= 0 {
			return rune(s)
		}
	}
	return ','
}

// openTable reads a CSV file with a row for each example: a column of labels, called label, class, target or y or the
// only one that holds no numbers, and columns of numbers, which become channels.
func openTable(ctx context.Context, path string, o Options) (*Dataset, error) {
	f, err := openFile(ctx, path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, header, err := records(f)
	if err != nil {
		return nil, err
	}
	at, err := labelColumn(header, rows)
	if err != nil {
		return nil, err
	}
	var s Samples
	labels := make(labelList, len(rows))
	first := 1
	if header != nil {
		first = 2
	}
	for i, row := range rows {
		labels[i] = strings.TrimSpace(row[at])
		if s.Values, err = appendNumbers(s.Values, slices.Delete(slices.Clone(row), at, at+1), i+first); err != nil {
			return nil, err
		}
	}
	classes := distinct(labels)
	if s.Labels, err = labels.indices(classes); err != nil {
		return nil, err
	}
	if n := len(classes); n > len(rows)/2 {
		return nil, fmt.Errorf("%d different labels in %d rows; labels are classes, which several rows have", n, len(rows))
	}
	return fromSamples(Shape{1, 1, len(rows[0]) - 1}, classes, [3]Samples{s}, o)
}

// malformed says what is wrong with the rows of a CSV file, and what to do.
func malformed(err error) error {
	var at *csv.ParseError
	switch {
	case !errors.As(err, &at):
		return err
	case errors.Is(err, csv.ErrFieldCount):
		return fmt.Errorf("line %d has not as many columns as the first; complete it, or take the row out", at.Line)
	}
	return fmt.Errorf("line %d, column %d: %w; mend it, or take the row out", at.Line, at.Column, at.Err)
}

// labelColumn returns the column of the labels.
func labelColumn(header []string, rows [][]string) (int, error) {
	if len(rows[0]) < 2 {
		return 0, errors.New("one column; want columns of numbers and one of labels")
	}
	for i, name := range header {
		if slices.Contains(labelNames, strings.ToLower(strings.TrimSpace(name))) {
			return i, nil
		}
	}
	var words []int
	for i, text := range rows[0] {
		if !isNumber(text) {
			words = append(words, i)
		}
	}
	switch {
	case len(words) == 1:
		return words[0], nil
	case len(words) == 0:
		return 0, errors.New("all columns hold numbers, and none is called label; call the column of the classes label")
	case header == nil && len(rows) == 1:
		return 0, errors.New("one row, of names; want rows of numbers below it")
	}
	return 0, fmt.Errorf("%d columns hold no numbers, and none is called label; call the column of the classes label", len(words))
}

// tableFiles returns the .csv files in folders below a folder, where it holds no images.
func tableFiles(path string) []string {
	names := filesBelow(path, ".csv")
	if !slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, "/") }) {
		return nil
	}
	return names
}

// filesBelow returns the paths of the files below a folder whose names end so, relative to it and in order; none where
// it holds images, too.
func filesBelow(path, extension string) []string {
	var names []string
	beside := false
	_ = filepath.WalkDir(path, func(name string, e os.DirEntry, err error) error {
		switch {
		case err != nil:
		case name != path && hidden(e.Name()):
			if e.IsDir() {
				return filepath.SkipDir
			}
		case e.IsDir():
		case strings.ToLower(filepath.Ext(name)) == extension:
			if rel, err := filepath.Rel(path, name); err == nil {
				names = append(names, filepath.ToSlash(rel))
			}
		default:
			if beside, _ = images.Named(name); beside {
				return filepath.SkipAll
			}
		}
		return nil
	})
	if beside {
		return nil
	}
	return names
}

// openTables reads a folder with a folder of .csv files for each class, a signal each, perhaps in folders of parts.
func openTables(ctx context.Context, path string, names []string, o Options) (*Dataset, error) {
	l, err := newLayout(names)
	if err != nil {
		return nil, err
	}
	var parts [3]Samples
	var shape Shape
	done, total := 0, len(l.train)+len(l.validation)+len(l.test)
	for k, list := range [][]labelled{inTurns(l.train), inTurns(l.validation), inTurns(l.test)} {
		for _, f := range list {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			b, err := os.ReadFile(filepath.Join(path, filepath.FromSlash(f.name)))
			if err != nil {
				return nil, err
			}
			t, err := ReadTable(bytes.NewReader(b))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", printed(f.name), err)
			}
			own := Shape{1, t.Rows, t.Columns}
			if shape == (Shape{}) {
				shape = own
			}
			if own != shape {
				return nil, fmt.Errorf("%s: %s of %s, others have %d of %d; cut all signals to one length", printed(f.name), plural.Of(own.Width, "row"), plural.Of(own.Channels, "column"), shape.Width, shape.Channels)
			}
			parts[k].Values = append(parts[k].Values, t.Values...)
			parts[k].Labels = append(parts[k].Labels, f.class)
			parts[k].Files = append(parts[k].Files, File{Path: f.name, SHA256: sha256.Sum256(b)})
			if done++; o.Progress != nil {
				o.Progress(done, total)
			}
		}
	}
	return fromSamples(shape, l.classes, parts, o)
}
