// SPDX-License-Identifier: Apache-2.0

package parquet

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write testdata/written.parquet anew; then check it by testdata/check.py")

var fields = []Field{
	{Name: "image", Type: Text},
	{Name: "row", Type: Int32, Optional: true},
	{Name: "top", Elements: []Field{{Name: "index", Type: Int32}, {Name: "class", Type: Text}, {Name: "probability", Type: Double}}},
	{Name: "error", Type: Text, Optional: true},
}

// writeRows writes n rows: every fifth has an error and no classes, the others have up to three.
func writeRows(p *Writer, n int) error {
	for i := range n {
		p.Text(0, fmt.Sprintf("photos/%d.jpg", i))
		if i%7 == 3 {
			p.Int(1, int32(-i))
		}
		if i%5 == 4 {
			p.Text(5, "no image")
		} else {
			for j := range i % 4 {
				p.Int(2, int32(10*i+j))
				p.Text(3, strings.Repeat("é", j))
				p.Double(4, math.Ldexp(float64(i), -j))
			}
		}
		if err := p.EndRow(); err != nil {
			return err
		}
	}
	return p.Close()
}

// The file is the one that PyArrow was held to by testdata/check.py. Packed, its bytes are those of the library of the
// day.
func TestWritten(t *testing.T) {
	var b bytes.Buffer
	p := NewWriter(&b, fields)
	p.codec = codecNone
	if err := writeRows(p, 100); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/written.parquet", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(b.Bytes(), load(t, "written.parquet")) {
		t.Error("other bytes than those of testdata/written.parquet")
	}
}

// What is written is read, packed and in several groups. No beginning of it is a file.
func TestWrittenIsRead(t *testing.T) {
	var b bytes.Buffer
	p := NewWriter(&b, fields)
	p.most = 1 << 14
	const rows = 1000
	if err := writeRows(p, rows); err != nil {
		t.Fatal(err)
	}
	f, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil || f.Rows != rows || f.Groups < 2 || len(f.Columns) != 6 {
		t.Fatalf("%+v, %v", f, err)
	}
	first := int64(0)
	for g := range f.Groups {
		var images []string
		err := errors.Join(
			f.Read(g, 0, func(_ int64, v Value) error { images = append(images, string(v.Bytes)); return nil }),
			f.Read(g, 1, func(row int64, v Value) error {
				if i := first + row; v.Missing != (i%7 != 3) || v.Int != 0 && v.Int != -i {
					return fmt.Errorf("row %d: %+v", i, v)
				}
				return nil
			}),
			f.Read(g, 5, func(row int64, v Value) error {
				if i := first + row; v.Missing != (i%5 != 4) {
					return fmt.Errorf("row %d: %+v", i, v)
				}
				return nil
			}))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("photos/%d.jpg", first); images[0] != want {
			t.Errorf("%s, not %s", images[0], want)
		}
		first += int64(len(images))
	}
	if first != rows {
		t.Errorf("%d images", first)
	}
	var small bytes.Buffer
	if err := writeRows(NewWriter(&small, fields), 20); err != nil {
		t.Fatal(err)
	}
	for n := range small.Len() {
		if _, err := Open(bytes.NewReader(small.Bytes()[:n]), int64(n)); err == nil {
			t.Fatalf("the first %d of %d bytes are a file", n, small.Len())
		}
	}
}

// A full disk and rows that are no rows are errors.
func TestWriteFails(t *testing.T) {
	full := errors.New("disk full")
	if err := writeRows(NewWriter(failing{full}, fields), 3); !errors.Is(err, full) {
		t.Error(err)
	}
	for _, columns := range [][]int{{}, {0, 0}} {
		p := NewWriter(&bytes.Buffer{}, fields)
		for _, c := range columns {
			p.Text(c, "")
		}
		if err := p.EndRow(); err == nil || !strings.Contains(err.Error(), "column image in a row") {
			t.Error(err)
		}
	}
	var b bytes.Buffer
	if err := NewWriter(&b, slices.Clone(fields)).Close(); err != nil {
		t.Error(err)
	}
	if f, err := Open(bytes.NewReader(b.Bytes()), int64(b.Len())); err != nil || f.Rows != 0 {
		t.Errorf("%+v, %v", f, err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }
