// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Archives are read as NumPy reads them (see testdata/make_arrays.py): the classes, and every label and pixel of each
// part. Among them are float16 in Fortran order with the channels first, images of 16 bits, and labels as a column, as
// floats and as names.
func TestArraysOfNumPy(t *testing.T) {
	var sets map[string]struct {
		Classes []string
		Parts   map[string]struct{ Labels, Shape, Pixels []int }
	}
	text, err := os.ReadFile(filepath.Join("testdata", "arrays.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &sets); err != nil || len(sets) != 4 {
		t.Fatal(err, len(sets))
	}
	for name, want := range sets {
		d := openOK(t, filepath.Join("testdata", name), Options{})
		if !slices.Equal(d.Classes, want.Classes) {
			t.Errorf("%s: classes %v, not %v", name, d.Classes, want.Classes)
		}
		for part, s := range map[string]Split{partTrain: d.Train, partValidation: d.Validation, partTest: d.Test} {
			w := want.Parts[part]
			if !slices.EqualFunc(s.Labels, w.Labels, func(a int32, b int) bool { return int(a) == b }) {
				t.Errorf("%s: %s: labels %v, not %v", name, part, s.Labels, w.Labels)
			}
			if !slices.EqualFunc(s.Images, w.Pixels, func(a uint8, b int) bool { return int(a) == b }) {
				t.Errorf("%s: %s: pixels %v, not %v", name, part, s.Images, w.Pixels)
			}
			if len(w.Shape) == 4 && (Shape{w.Shape[1], w.Shape[2], w.Shape[3]}) != d.Shape {
				t.Errorf("%s: %v, not %v", name, d.Shape, w.Shape)
			}
		}
	}
}

// npyBytes is a .npy file in C order.
func npyBytes(t testing.TB, descr string, values any, shape ...int) []byte {
	t.Helper()
	sides := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s,)}", descr, sides)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)), byte(len(header)>>8))
	b, err := binary.Append(append(b, header...), binary.LittleEndian, values)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// npzFile writes a .npz archive and returns its path.
func npzFile(t testing.TB, arrays map[string][]byte) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range arrays {
		w, err := z.Create(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.npz")
	writeFile(t, path, b.Bytes())
	return path
}

func ascending[T uint8 | uint16 | float32 | int64](n int, times T) []T {
	out := make([]T, n)
	for i := range out {
		out[i] = T(i) * times
	}
	return out
}

// What arrays of images and of signals are is told by their types, dimensions, names and values.
func TestForms(t *testing.T) {
	labels := func() []byte { return npyBytes(t, "<i8", []int64{0, 1, 0, 1}, 4) }
	for _, c := range []struct {
		name   string
		values []byte
		shape  Shape // zero of signals
		first  []uint8
	}{
		{"x", npyBytes(t, "|u1", ascending[uint8](16, 1), 4, 2, 2), Shape{2, 2, 1}, []uint8{0, 1, 2, 3}},
		{"x", npyBytes(t, "|b1", slices.Repeat([]uint8{0, 1}, 8), 4, 2, 2), Shape{2, 2, 1}, []uint8{0, 255, 0, 255}},
		{"x", npyBytes(t, "<u2", ascending[uint16](16, 4000), 4, 2, 2), Shape{2, 2, 1}, []uint8{0, 16, 31, 47}},
		{"x", npyBytes(t, "<u2", ascending[uint16](16, 10), 4, 2, 2), Shape{2, 2, 1}, []uint8{0, 10, 20, 30}},
		{"x", npyBytes(t, "<i8", ascending[int64](16, 17), 4, 2, 2, 1), Shape{2, 2, 1}, []uint8{0, 17, 34, 51}},
		{"x", npyBytes(t, "<i8", ascending[int64](16, 17), 4, 2, 2), Shape{}, nil},
		{"x", npyBytes(t, "<f4", ascending[float32](16, 1./15), 4, 2, 2), Shape{}, nil},
		{"images", npyBytes(t, "<f4", ascending[float32](16, 1./15), 4, 2, 2), Shape{2, 2, 1}, []uint8{0, 17, 34, 51}},
		{"x", npyBytes(t, "<f4", ascending[float32](16, 1./15), 4, 1, 2, 2), Shape{2, 2, 1}, []uint8{0, 17, 34, 51}},
		{"x", npyBytes(t, "<f4", ascending[float32](16, -1), 4, 2, 2, 1), Shape{}, nil},
		{"x", npyBytes(t, "<f4", ascending[float32](48, 5), 4, 3, 2, 2), Shape{2, 2, 3}, []uint8{0, 20, 40, 5, 25, 45, 10, 30, 50, 15, 35, 55}},
		{"x", npyBytes(t, "<f4", ascending[float32](8, 1), 4, 2), Shape{}, nil},
	} {
		d := openOK(t, npzFile(t, map[string][]byte{c.name: c.values, "y": labels()}), Options{Undivided: true})
		if (d.Samples == nil) != (c.shape != Shape{}) {
			t.Errorf("%.120q: images of %v", c.values, d.Shape)
			continue
		}
		if d.Samples == nil && (d.Shape != c.shape || !slices.Equal(d.Test.image(0), c.first)) {
			t.Errorf("%.120q: %v, %v", c.values, d.Shape, d.Test.image(0))
		}
	}
}

// A folder of .npy files is what an archive of them is; a row without a label is left out and named.
func TestArrayFolder(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "X_train.npy"), npyBytes(t, "|u1", ascending[uint8](24, 1), 6, 2, 2))
	writeFile(t, filepath.Join(dir, "y_train.npy"), npyBytes(t, "<i4", []int32{0, 1, -1, 0, 1, 1}, 6))
	writeFile(t, filepath.Join(dir, "X_test.npy"), npyBytes(t, "|u1", ascending[uint8](8, 1), 2, 2, 2))
	writeFile(t, filepath.Join(dir, "y_test.npy"), npyBytes(t, "<i4", []int32{1, 0}, 2))
	var n notes
	d := openOK(t, dir, Options{Note: n.add})
	n.want(t, "left out, without a label: 1 file (X_train, row 2)")
	if d.Train.Len() != 5 || d.Test.Len() != 2 || d.Train.image(2)[0] != 12 || d.Train.Files[2].Path != "3" || d.Train.Labels[2] != 0 {
		t.Errorf("%d and %d images, %v of %d", d.Train.Len(), d.Test.Len(), d.Train.image(2), d.Train.Labels[2])
	}
	if _, err := Open(filepath.Join(dir, "X_train.npy"), Options{}); err == nil || !strings.Contains(err.Error(), "into a folder and name that") {
		t.Error(err)
	}
}

// What arrays of images cannot be is said.
func TestArraysOfImagesRefused(t *testing.T) {
	float := func(values ...float32) []byte {
		return npyBytes(t, "<f4", append(values, make([]float32, 16-len(values))...), 4, 2, 2)
	}
	for want, change := range map[string]func(map[string][]byte){
		"3 labels in \"y\"": func(a map[string][]byte) { a["y"] = npyBytes(t, "|u1", []uint8{0, 1, 0}, 3) },
		"\"y\" has the dimensions [4 2]": func(a map[string][]byte) {
			a["y"] = npyBytes(t, "|u1", ascending[uint8](8, 1), 4, 2)
		},
		"want whole numbers or names": func(a map[string][]byte) { a["y"] = npyBytes(t, "<f4", []float32{0, 1, 0.5, 1}, 4) },
		"has the dimensions [16]":     func(a map[string][]byte) { a["images"] = npyBytes(t, "|u1", ascending[uint8](16, 1), 16) },
		"from -0.5 to 1":              func(a map[string][]byte) { a["images"] = float(-0.5, 1) },
		"from 0 to 300":               func(a map[string][]byte) { a["images"] = float(0, 300) },
		"to +Inf, as they are after":  func(a map[string][]byte) { a["images"] = float(0, float32(math.NaN())) },
		"the training part of [2 2]": func(a map[string][]byte) {
			a["x_train"], a["y_train"] = a["images"], a["y"]
			delete(a, "images")
			delete(a, "y")
			a["x_test"], a["y_test"] = npyBytes(t, "|u1", ascending[uint8](4, 1), 1, 4, 1), npyBytes(t, "|u1", []uint8{0}, 1)
		},
		"npy: cut short":              func(a map[string][]byte) { a["images"] = a["images"][:len(a["images"])-1] },
		"nothing to train with":       func(a map[string][]byte) { a["y"] = npyBytes(t, "<i8", []int64{-1, -1, -1, -1}, 4) },
		"channels 1 or 3":             func(a map[string][]byte) { a["images"] = npyBytes(t, "|u1", ascending[uint8](32, 1), 4, 2, 2, 2) },
		"look as if both were":        func(a map[string][]byte) { a["labels"] = a["y"] },
		"an array of pickled objects": func(a map[string][]byte) { a["y"] = npyBytes(t, "|O", []uint8{}, 4) },
	} {
		arrays := map[string][]byte{"images": npyBytes(t, "|u1", ascending[uint8](16, 1), 4, 2, 2), "y": npyBytes(t, "|u1", []uint8{0, 1, 0, 1}, 4)}
		change(arrays)
		if _, err := Open(npzFile(t, arrays), Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
