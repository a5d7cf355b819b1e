// SPDX-License-Identifier: Apache-2.0

package datasets_test

import (
	"archive/zip"
	"bytes"
	"math"
	"path/filepath"
	"testing"

	"github.com/goqat/goqat/datasets"
)

// checkOpen opens a file of any content: what is read belongs together.
func checkOpen(t *testing.T, name string, content []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	put(t, path, content)
	d, err := datasets.Open(path, datasets.Options{Seed: 1})
	if err != nil {
		return
	}
	if len(d.Classes) < 2 || d.Train.Len() == 0 || d.Size() < 1 {
		t.Fatalf("classes %q, %d training signals of %v", d.Classes, d.Train.Len(), d.Shape)
	}
	if d.Samples != nil && len(d.Samples) != d.Channels {
		t.Fatalf("codes of %d channels for %v", len(d.Samples), d.Shape)
	}
	for _, s := range []datasets.Split{d.Train, d.Validation, d.Test} {
		if len(s.Images) != s.Len()*d.Size() || len(s.Files) != 0 && len(s.Files) != s.Len() {
			t.Fatalf("%d signals of %v, %d codes, %d files", s.Len(), d.Shape, len(s.Images), len(s.Files))
		}
		for _, label := range s.Labels {
			if label < 0 || int(label) >= len(d.Classes) {
				t.Fatalf("label %d of %d classes", label, len(d.Classes))
			}
		}
	}
}

func FuzzTable(f *testing.F) {
	for _, text := range []string{"", "1,2\n3,4\n", "a,label\n1,x\n2,y\n3,x\n4,y\n", "\xef\xbb\xbf1;2\r\n3;4\r\n", "1\t\"2\"\n", "a\n", "1,2\n3\n",
		"NaN,1\n", "1e39,1\n", "v,label\n1,-1\n2,1\n3,-1\n4,1\n", "v,label\n1,\n2,b\n3,\n4,b\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		checkOpen(t, "table.csv", text)
		table, err := datasets.ReadTable(bytes.NewReader(text))
		if err != nil {
			return
		}
		if table.Rows < 1 || table.Columns < 1 || len(table.Values) != table.Rows*table.Columns || table.Header != nil && len(table.Header) != table.Columns {
			t.Fatalf("%d rows of %d columns, %d values, the names %q", table.Rows, table.Columns, len(table.Values), table.Header)
		}
		for i, v := range table.Values {
			if x := float64(v); math.IsNaN(x) || math.IsInf(x, 0) {
				t.Fatalf("value %d is %v", i, x)
			}
		}
	})
}

// arraysOf returns the .npy files of an archive.
func arraysOf(f *testing.F, archive []byte) map[string][]byte {
	f.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		f.Fatal(err)
	}
	files := map[string][]byte{}
	for _, file := range z.File {
		r, err := file.Open()
		if err != nil {
			f.Fatal(err)
		}
		var content bytes.Buffer
		if _, err := content.ReadFrom(r); err != nil {
			f.Fatal(err)
		}
		files[file.Name] = content.Bytes()
	}
	return files
}

// FuzzArrays reads archives of three arrays of any content.
func FuzzArrays(f *testing.F) {
	values, labels, names := waves(8)
	below := make([]int64, len(labels))
	for i, l := range labels {
		below[i] = l - 1
	}
	for _, arrays := range []map[string]any{
		{"x": values, "y": labels, "classes": []string{"flat", "wave"}},
		{"x": values, "y": below, "classes": []string{"flat", "wave"}},
		{"x": values, "y": names, "classes": names},
		{"x": values, "y": make([]float32, 8), "classes": values},
		{"x": make([]uint8, 48), "y": labels, "classes": names},
		{"x": make([]float32, 48), "y": labels, "classes": names},
	} {
		for _, shape := range [][]int{{8, 6}, {8, 3, 2}, {8, 1, 3, 2}, {8, 2, 3, 1}, {8}, {0, 6}, {48, 0}} {
			files := arraysOf(f, npz(f, arrays, shape))
			f.Add(files["x.npy"], files["y.npy"], files["classes.npy"])
		}
	}
	f.Fuzz(func(t *testing.T, x, y, classes []byte) {
		var file bytes.Buffer
		z := zip.NewWriter(&file)
		for name, content := range map[string][]byte{"x.npy": x, "y.npy": y, "classes.npy": classes} {
			w, err := z.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(content); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		checkOpen(t, "arrays.npz", file.Bytes())
	})
}
