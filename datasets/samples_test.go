// SPDX-License-Identifier: Apache-2.0

package datasets_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goqat/goqat/datasets"
)

func put(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func imageOf(t testing.TB, s datasets.Split, i int) []uint8 {
	t.Helper()
	image, err := s.Image(i)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// npz returns an archive of arrays: float32 values of a shape, int64 labels or names.
func npz(t testing.TB, arrays map[string]any, shape []int) []byte {
	t.Helper()
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	for name, values := range arrays {
		w, err := z.Create(name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		var content bytes.Buffer
		descr, dims := "<f4", strings.Trim(strings.Join(strings.Fields(fmt.Sprint(shape)), ", "), "[]")
		switch v := values.(type) {
		case []uint8:
			descr = "|u1"
		case []int64:
			descr, dims = "<i8", fmt.Sprintf("%d,", len(v))
		case []string:
			descr, dims = "<U8", fmt.Sprintf("%d,", len(v))
			var runes []uint32
			for _, s := range v {
				for i := range 8 {
					var r uint32
					if i < len(s) {
						r = uint32(s[i])
					}
					runes = append(runes, r)
				}
			}
			values = runes
		}
		header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, dims)
		header += strings.Repeat(" ", 63-(10+len(header))%64) + "\n"
		fmt.Fprintf(&content, "\x93NUMPY\x01\x00%c%c%s", len(header)&255, len(header)>>8, header)
		if err := binary.Write(&content, binary.LittleEndian, values); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// waves are n signals of 3 samples of 2 channels: those of class k are about k.
func waves(n int) (values []float32, labels []int64, names []string) {
	for i := range n {
		for j := range 6 {
			values = append(values, float32(i%2)+float32(math.Sin(float64(7*i+j)))/4)
		}
		labels, names = append(labels, int64(i%2)), append(names, []string{"flat", "wave"}[i%2])
	}
	return values, labels, names
}

// TestSignalsOfEveryForm reads the same signals from arrays, from a folder of CSV files and from memory.
func TestSignalsOfEveryForm(t *testing.T) {
	values, labels, names := waves(60)
	dir := t.TempDir()
	put(t, filepath.Join(dir, "named.npz"), npz(t, map[string]any{"X": values, "y": names}, []int{60, 3, 2}))
	put(t, filepath.Join(dir, "numbered.npz"), npz(t, map[string]any{"data": values, "labels": labels, "class_names": []string{"flat", "wave"}}, []int{60, 3, 2}))
	for i, name := range names {
		text := "ax,ay\n"
		for k := range 3 {
			text += fmt.Sprintf("%v;%v\n", values[6*i+2*k], values[6*i+2*k+1])
		}
		put(t, filepath.Join(dir, "folder", name, fmt.Sprintf("%03d.csv", i)), []byte(strings.ReplaceAll(text, ",", ";")))
	}
	index := make([]int32, len(labels))
	for i, l := range labels {
		index[i] = int32(l)
	}
	memory, err := datasets.FromSamples(datasets.Shape{Height: 1, Width: 3, Channels: 2}, []string{"flat", "wave"}, datasets.Samples{Values: values, Labels: index}, datasets.Samples{}, datasets.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	sets := []*datasets.Dataset{memory}
	for _, name := range []string{"named.npz", "numbered.npz", "folder"} {
		d, err := datasets.Open(filepath.Join(dir, name), datasets.Options{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		sets = append(sets, d)
	}
	for i, d := range sets {
		if d.Shape != (datasets.Shape{Height: 1, Width: 3, Channels: 2}) || !slices.Equal(d.Classes, []string{"flat", "wave"}) || d.Train.Len()+d.Test.Len() != 60 || d.Test.Len() == 0 || !d.Divided {
			t.Errorf("set %d: %v %v, %d and %d", i, d.Shape, d.Classes, d.Train.Len(), d.Test.Len())
		}
		lo, hi := slices.Min(d.Train.Images), slices.Max(d.Train.Images)
		if lo > 1 || hi < 254 {
			t.Errorf("set %d: codes of %d to %d", i, lo, hi)
		}
		for k := range d.Test.Len() { // what the codes stand for is near one of the signals of the class
			image := imageOf(t, d.Test, k)
			best := math.Inf(1)
			for j := range 60 {
				far := 0.0
				for c, code := range image {
					p := d.Samples[c%2]
					far = max(far, math.Abs(float64(p.Real(int32(code))-values[6*j+c]))/float64(p.Scale))
				}
				if int32(labels[j]) == d.Test.Labels[k] {
					best = min(best, far)
				}
			}
			if best > 30 { // few values outside of those for training are cut off
				t.Errorf("set %d: test signal %d is %v steps from all", i, k, best)
			}
		}
	}
	again, err := datasets.Open(filepath.Join(dir, "named.npz"), datasets.Options{Samples: memory.Samples})
	if err != nil || !slices.Equal(again.Samples, memory.Samples) {
		t.Errorf("codes that are given: %v, %v", again, err)
	}
}

// TestReadingOfSignalsIsInterrupted cancels between two signals of a folder, and before other forms are read.
func TestReadingOfSignalsIsInterrupted(t *testing.T) {
	values, _, names := waves(20)
	dir := t.TempDir()
	arrays := map[string]any{"x": values, "y": names}
	put(t, filepath.Join(dir, "arrays.npz"), npz(t, arrays, []int{20, 3, 2}))
	archive, err := zip.OpenReader(filepath.Join(dir, "arrays.npz"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	if err := os.CopyFS(filepath.Join(dir, "arrays"), archive); err != nil {
		t.Fatal(err)
	}
	table := "x,label\n"
	for i, name := range names {
		put(t, filepath.Join(dir, "folder", name, fmt.Sprintf("%03d.csv", i)), fmt.Appendln(nil, values[i]))
		table += fmt.Sprintf("%v,%s\n", values[i], name)
	}
	put(t, filepath.Join(dir, "table.csv"), []byte(table))
	for _, form := range []string{"folder", "arrays.npz", "arrays", "table.csv"} {
		path := filepath.Join(dir, form)
		if _, err := datasets.Open(path, datasets.Options{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		last := 0
		o := datasets.Options{Progress: func(done, total int) {
			if last = done; done == 10 {
				cancel()
			}
		}}
		if form != "folder" {
			cancel()
		}
		if _, err := datasets.OpenContext(ctx, path, o); !errors.Is(err, context.Canceled) || form == "folder" && last != 10 {
			t.Errorf("%s: %v after %d signals", form, err, last)
		}
	}
}

// TestArraysOfImages takes bytes of three and of four dimensions for images, as they are.
func TestArraysOfImages(t *testing.T) {
	pixels := make([]uint8, 8*12)
	for i := range pixels {
		pixels[i] = uint8(37 * i)
	}
	labels := []int64{0, 1, 0, 1, 0, 1, 0, 1}
	path := filepath.Join(t.TempDir(), "set.npz")
	for _, c := range []struct {
		dims []int
		want datasets.Shape
	}{{[]int{8, 4, 3}, datasets.Shape{Height: 4, Width: 3, Channels: 1}}, {[]int{8, 2, 2, 3}, datasets.Shape{Height: 2, Width: 2, Channels: 3}}} {
		put(t, path, npz(t, map[string]any{"x_train": pixels, "y_train": labels, "x_test": pixels, "y_test": labels}, c.dims))
		d, err := datasets.Open(path, datasets.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Shape != c.want || d.Samples != nil || d.Train.Len() != 8 || d.Test.Len() != 8 || !slices.Equal(d.Test.Images, pixels) || !slices.Equal(imageOf(t, d.Train, 1), pixels[12:24]) {
			t.Errorf("%v: %v, codes %v, %d and %d images", c.dims, d.Shape, d.Samples, d.Train.Len(), d.Test.Len())
		}
	}
	values, _, _ := waves(8)
	for want, content := range map[string][]byte{
		"channels 1 or 3":            npz(t, map[string]any{"x": pixels, "y": labels}, []int{8, 2, 3, 2}),
		"save all images with one":   npz(t, map[string]any{"x_train": pixels[:48], "y_train": labels, "x_test": values, "y_test": labels}, []int{8, 2, 3, 1}),
		"96 rows in \"x\", 8 labels": npz(t, map[string]any{"x": pixels, "y": labels}, []int{96, 1, 1}),
	} {
		put(t, path, content)
		if _, err := datasets.Open(path, datasets.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestTable reads a table with a row for each example.
func TestTable(t *testing.T) {
	text := "width,kind,height\n"
	for i := range 40 {
		text += fmt.Sprintf("%v, %s, %v\n", i%7, []string{"b", "a"}[i%2], 100+i%2)
	}
	path := filepath.Join(t.TempDir(), "table.csv")
	put(t, path, []byte("\xef\xbb\xbf"+text))
	d, err := datasets.Open(path, datasets.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if d.Shape != (datasets.Shape{Height: 1, Width: 1, Channels: 2}) || !slices.Equal(d.Classes, []string{"a", "b"}) {
		t.Errorf("%v, %v", d.Shape, d.Classes)
	}
	for i := range d.Train.Len() {
		if want := []uint8{255, 0}[d.Train.Labels[i]]; imageOf(t, d.Train, i)[1] != want {
			t.Errorf("row %d of class %d has the height %d", i, d.Train.Labels[i], imageOf(t, d.Train, i)[1])
		}
	}
}

// TestSignalsRefused names what is wrong.
func TestSignalsRefused(t *testing.T) {
	dir := t.TempDir()
	values, labels, _ := waves(8)
	for want, content := range map[string][]byte{
		"call the values x":              npz(t, map[string]any{"a": values}, []int{8, 6}),
		"has no labels":                  npz(t, map[string]any{"x": values}, []int{8, 6}),
		"8 rows in \"x\", 7 labels":      npz(t, map[string]any{"x": values, "y": labels[:7]}, []int{8, 6}),
		"has the dimensions [48]":        npz(t, map[string]any{"x": values, "y": labels}, []int{48}),
		"class 1 has nothing":            npz(t, map[string]any{"x_train": values, "y_train": make([]int64, 8), "x_test": values, "y_test": labels}, []int{8, 6}),
		"1 class; two or more":           npz(t, map[string]any{"x": values, "y": make([]int64, 8)}, []int{8, 6}),
		"sample 0 of channel 0 is NaN":   npz(t, map[string]any{"x": slices.Repeat([]float32{float32(math.NaN())}, 48), "y": labels}, []int{8, 6}),
		"look as if both were the label": npz(t, map[string]any{"x": values, "y": labels, "labels": labels}, []int{8, 6}),
		"damaged archive":                []byte("PK"),
	} {
		path := filepath.Join(dir, "set.npz")
		put(t, path, content)
		if _, err := datasets.Open(path, datasets.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	for want, text := range map[string]string{
		"one column":                       "1\n2\n",
		"an empty file":                    "",
		"all columns hold numbers":         "a,b\n1,2\n3,4\n",
		"one row, of names":                "a,b,label\n",
		"line 3, column 3: bare":           "v,label\n1,a\n2 \"x\",b\n",
		"2 columns hold no numbers":        "a,b,c\n1,x,y\n2,x,y\n",
		"line 3, column 1: \"x\" is no":    "v,label\n1,a\nx,b\n2,a\n",
		"4 different labels in 4 rows":     "v,label\n1,a\n2,b\n3,c\n4,d\n",
		"not as many columns as the first": "v,label\n1,a\n2\n",
		"line 2, column 1: \"NaN\" is n":   "v,label\nNaN,a\n1,b\n2,a\n3,b\n",
	} {
		path := filepath.Join(dir, "set.csv")
		put(t, path, []byte(text))
		if _, err := datasets.Open(path, datasets.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	put(t, filepath.Join(dir, "folder", "a", "1.csv"), []byte("1,2\n3,4\n"))
	put(t, filepath.Join(dir, "folder", "b", "1.csv"), []byte("1,2\n"))
	if _, err := datasets.Open(filepath.Join(dir, "folder"), datasets.Options{}); err == nil || !strings.Contains(err.Error(), "b/1.csv: 1 row of 2 columns, others have 2 of 2") {
		t.Error(err)
	}
}
