// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A pqRow is an image with its label; nil and minus ones are missing.
type pqRow struct {
	image []byte
	path  string
	label int64
}

const classLabel = `{"info":{"features":{"image":{"_type":"Image"},"label":{"names":["zebra","ant"],"_type":"ClassLabel"}}}}`

// parquetBytes writes a file of one group with the columns image.bytes, image.path and label, plain and not packed, as
// the format's description has it (https://parquet.apache.org/docs/file-format).
func parquetBytes(note string, rows []pqRow) []byte {
	file := []byte("PAR1")
	columns := []struct {
		path  []string
		kind  int64
		value func(r pqRow) ([]byte, bool)
	}{
		{[]string{"image", "bytes"}, 6, func(r pqRow) ([]byte, bool) { return pqText(r.image), r.image != nil }},
		{[]string{"image", "path"}, 6, func(r pqRow) ([]byte, bool) { return pqText([]byte(r.path)), r.path != "" }},
		{[]string{"label"}, 2, func(r pqRow) ([]byte, bool) {
			return binary.LittleEndian.AppendUint64(nil, uint64(r.label)), r.label > -2
		}},
	}
	var chunks []any
	for _, c := range columns {
		var levels, values []byte
		for _, r := range rows {
			v, there := c.value(r)
			level := byte(0) // a run of one
			if there {
				level, values = byte(len(c.path)), append(values, v...)
			}
			levels = append(levels, 2, level)
		}
		body := slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(levels))), levels, values)
		start := int64(len(file))
		head := pqStruct(pqFields{1: int64(0), 2: int64(len(body)), 3: int64(len(body)), 5: pqFields{1: int64(len(rows)), 2: int64(0), 3: int64(3), 4: int64(3)}})
		file = slices.Concat(file, head, body)
		size := pqLong(int64(len(file)) - start)
		chunks = append(chunks, pqFields{2: pqLong(start), 3: pqFields{1: c.kind, 2: []any{}, 3: []any{}, 4: int64(0), 5: pqLong(len(rows)), 6: size, 7: size, 9: pqLong(start)}})
	}
	footer := pqStruct(pqFields{
		1: int64(2),
		2: []any{
			pqFields{4: "schema", 5: int64(2)}, pqFields{3: int64(1), 4: "image", 5: int64(2)}, pqFields{1: int64(6), 3: int64(1), 4: "bytes"},
			pqFields{1: int64(6), 3: int64(1), 4: "path"}, pqFields{1: int64(2), 3: int64(1), 4: "label"},
		},
		3: pqLong(len(rows)),
		4: []any{pqFields{1: chunks, 2: pqLong(0), 3: pqLong(len(rows))}},
		5: []any{pqFields{1: "huggingface", 2: note}},
	})
	file = append(file, footer...)
	return append(binary.LittleEndian.AppendUint32(file, uint32(len(footer))), "PAR1"...)
}

func pqText(b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...)
}

// Values of Thrift's compact protocol: integers of 32 bits are int64, those of 64 bits pqLong.
type (
	pqFields map[int]any
	pqLong   int64
)

func pqStruct(f pqFields) []byte {
	var out []byte
	before := 0
	for id := range 16 {
		v, ok := f[id]
		if !ok {
			continue
		}
		kind, text := pqValue(v)
		out = append(append(out, byte(id-before)<<4|kind), text...)
		before = id
	}
	return append(out, 0)
}

func pqValue(v any) (kind byte, text []byte) {
	switch v := v.(type) {
	case int64:
		return 5, binary.AppendVarint(nil, v)
	case pqLong:
		return 6, binary.AppendVarint(nil, int64(v))
	case string:
		return 8, append(binary.AppendUvarint(nil, uint64(len(v))), v...)
	case pqFields:
		return 12, pqStruct(v)
	case []any:
		text = []byte{0xf0 | 12}
		text = binary.AppendUvarint(text, uint64(len(v)))
		for _, e := range v {
			_, element := pqValue(e)
			text = append(text, element...)
		}
		return 9, text
	}
	panic(v)
}

// pqRows are n rows from the first on, with labels in turn.
func pqRows(t testing.TB, first, n int) (rows []pqRow) {
	for i := first; i < first+n; i++ {
		rows = append(rows, pqRow{append(grayPNG(t, 3, 4, uint8(i)), fmt.Sprint(i)...), fmt.Sprintf("p%d.png", i), int64(i % 2)})
	}
	return rows
}

// Files are parts by their names; rows without a label are left out, rows without bytes are named.
func TestParquet(t *testing.T) {
	dir := t.TempDir()
	odd := append(pqRows(t, 8, 4), pqRow{grayPNG(t, 3, 4, 1), "", -1}, pqRow{grayPNG(t, 3, 4, 2), "", -2})
	writeFile(t, filepath.Join(dir, "data", "train-00000-of-00002.parquet"), parquetBytes(classLabel, pqRows(t, 0, 8)))
	writeFile(t, filepath.Join(dir, "data", "train-00001-of-00002.parquet"), parquetBytes(classLabel, odd))
	writeFile(t, filepath.Join(dir, "data", "validation-00000-of-00001.parquet"), parquetBytes(classLabel, pqRows(t, 20, 2)))
	writeFile(t, filepath.Join(dir, "data", "test-00000-of-00001.parquet"), parquetBytes(classLabel, pqRows(t, 30, 4)))
	writeFile(t, filepath.Join(dir, "README.md"), []byte("---"))
	useCache(t)
	var n notes
	d := openOK(t, dir, Options{Note: n.add})
	n.want(t, "left out, without a label: 2 files (data/train-00001-of-00002.parquet/row 4, data/train-00001-of-00002.parquet/row 5)")
	if !slices.Equal(d.Classes, []string{"zebra", "ant"}) || d.Train.Len() != 12 || d.Validation.Len() != 2 || d.Test.Len() != 4 || d.Divided {
		t.Fatalf("%v, %d, %d and %d images", d.Classes, d.Train.Len(), d.Validation.Len(), d.Test.Len())
	}
	for _, s := range []Split{d.Train, d.Validation, d.Test} {
		for i, label := range s.Labels {
			if v := s.image(i)[0]; int32(v%2) != label || !strings.HasSuffix(s.Files[i].Path, fmt.Sprintf("(p%d.png)", v)) {
				t.Errorf("%s: image %d has the label %d", s.Files[i].Path, v, label)
			}
		}
	}
	wantSame(t, openOK(t, dir, Options{Memory: 1}), d)

	bad := filepath.Join(dir, "data", "train-00002-of-00002.parquet")
	writeFile(t, bad, parquetBytes(classLabel, append(pqRows(t, 40, 2), pqRow{nil, "gone.png", 1}, pqRow{[]byte("no image"), "", 0})))
	_, err := Open(dir, Options{})
	for _, want := range []string{"2 files cannot be read", "row 2 (gone.png): a row without the bytes of its image", "row 3: "} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	if d := openOK(t, dir, Options{SkipBroken: true}); d.Train.Len() != 14 {
		t.Errorf("%d images", d.Train.Len())
	}
}

// What Hugging Face's library writes is what it reads, see testdata/make_parquet.py.
func TestParquetOfDatasets(t *testing.T) {
	var want struct {
		Classes []string
		Labels  []int32
		Pixels  [][]int
	}
	text, err := os.ReadFile(filepath.Join("testdata", "rows.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	d := openOK(t, filepath.Join("testdata", "rows.parquet"), Options{Undivided: true})
	if !slices.Equal(d.Classes, want.Classes) || d.Test.Len() != len(want.Labels) || d.Shape != (Shape{3, 4, 3}) {
		t.Fatalf("%v, %d images of %v", d.Classes, d.Test.Len(), d.Shape)
	}
	for i, f := range d.Test.Files {
		var row int
		if _, err := fmt.Sscanf(f.Path, "rows.parquet/row %d", &row); err != nil {
			t.Fatal(f.Path, err)
		}
		if d.Test.Labels[i] != want.Labels[row] {
			t.Errorf("%s: label %d", f.Path, d.Test.Labels[i])
		}
		for k, v := range d.Test.image(i) {
			if int(v) != want.Pixels[row][k] {
				t.Fatalf("%s: value %d is %d, not %d", f.Path, k, v, want.Pixels[row][k])
			}
		}
	}
}

// Files that are no set of labelled images are refused in a sentence.
func TestParquetRefused(t *testing.T) {
	rows := pqRows(t, 0, 4)
	for text, data := range map[string][]byte{
		"row 3: label 1 of 1 classes":                    parquetBytes(strings.Replace(classLabel, `,"ant"`, "", 1), append(slices.Clone(rows[:1]), rows[0], rows[0], rows[1])),
		"two classes of one name":                        parquetBytes(strings.Replace(classLabel, "ant", "zebra", 1), rows),
		"the name of class 1, \"\\x1b[2J\"":              parquetBytes(strings.Replace(classLabel, "ant", `\u001b[2J`, 1), rows),
		"noted of its columns":                           parquetBytes("{", rows),
		"0 columns of images {bytes, path}":              parquetBytes(strings.Replace(classLabel, `"Image"`, `"Audio"`, 1), rows),
		"no Parquet file, or one cut short":              parquetBytes(classLabel, rows)[:200],
		"all images are of the class zebra; two or more": parquetBytes(classLabel, []pqRow{rows[0], rows[2]}),
		"no image has a label":                           parquetBytes(classLabel, []pqRow{{rows[0].image, "", -1}}),
	} {
		path := filepath.Join(t.TempDir(), "a.parquet")
		writeFile(t, path, data)
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("want %q: %v", text, err)
		}
	}
	dir := t.TempDir()
	for _, name := range []string{"gray/train-0.parquet", "coloured/train/0.parquet"} {
		writeFile(t, filepath.Join(dir, name), parquetBytes(classLabel, rows))
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "2 folders hold Parquet files, coloured, gray") {
		t.Error(err)
	}
	writeFile(t, filepath.Join(dir, "gray", "test-0.parquet"), parquetBytes(strings.Replace(classLabel, "ant", "bee", 1), rows))
	if _, err := Open(filepath.Join(dir, "gray"), Options{}); err == nil || !strings.Contains(err.Error(), "have other names of classes") {
		t.Error(err)
	}
}

// Labels without names are numbers.
func TestParquetOfNumbers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "numbers.parquet")
	rows := pqRows(t, 0, 8)
	for i := range rows {
		rows[i].label += 9
	}
	writeFile(t, path, parquetBytes("{}", rows))
	if d := openOK(t, path, Options{Undivided: true}); !slices.Equal(d.Classes, []string{"9", "10"}) || d.Test.Len() != 8 {
		t.Errorf("%v, %d images", d.Classes, d.Test.Len())
	}
}

// FuzzParquet holds that no file does harm, and that what is accepted is whole.
func FuzzParquet(f *testing.F) {
	f.Add(parquetBytes(classLabel, pqRows(f, 0, 4)))
	data, err := os.ReadFile(filepath.Join("testdata", "rows.parquet"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	path := filepath.Join(f.TempDir(), "a.parquet")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := Open(path, Options{SkipBroken: true, Height: 2, Width: 2, Channels: 1})
		if err != nil {
			return
		}
		for _, s := range []Split{d.Train, d.Test} {
			if len(s.Images) != s.Len()*d.Size() || len(s.Files) != s.Len() {
				t.Errorf("%d values, %d files, %d labels", len(s.Images), len(s.Files), s.Len())
			}
		}
	})
}
