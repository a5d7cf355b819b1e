// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// idxSet is a data set of 3 training and 2 test images of 2 x 2, in files as published.
func idxSet() map[string][]byte {
	return map[string][]byte{
		idxNames[0]: idxBytes([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, 3, 2, 2),
		idxNames[1]: idxBytes([]byte{2, 0, 1}, 3),
		idxNames[2]: idxBytes([]byte{12, 13, 14, 15, 16, 17, 18, 19}, 2, 2, 2),
		idxNames[3]: idxBytes([]byte{1, 0}, 2),
	}
}

func TestOpenIDX(t *testing.T) {
	for _, compressed := range []bool{false, true} {
		dir := t.TempDir()
		for name, data := range idxSet() {
			if compressed {
				name, data = name+".gz", gzipped(t, data)
			}
			writeFile(t, filepath.Join(dir, name), data)
		}
		d, err := Open(dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if d.Shape != (Shape{2, 2, 1}) || !slices.Equal(d.Classes, []string{"0", "1", "2"}) || d.Name != dir {
			t.Errorf("%s: %v, classes %v", d.Name, d.Shape, d.Classes)
		}
		if !slices.Equal(d.Train.Labels, []int32{2, 0, 1}) || !bytes.Equal(d.Test.image(1), []byte{16, 17, 18, 19}) {
			t.Errorf("train %v, test %v", d.Train, d.Test)
		}
	}
}

func TestOpenIDXRefuses(t *testing.T) {
	good := idxSet()
	for name, c := range map[string]struct {
		file int
		data []byte
		want string
	}{
		"missing":              {3, nil, "no t10k-labels-idx1-ubyte.gz"},
		"empty":                {0, []byte{}, "cut short in the IDX header"},
		"cut short in header":  {0, good[idxNames[0]][:9], "cut short in the IDX header"},
		"cut short":            {0, good[idxNames[0]][:20], "cut short: 4 of 12 bytes"},
		"cut short, zipped":    {0, gzipped(t, good[idxNames[0]])[:30], "cut short"},
		"too long":             {1, append(slices.Clone(good[idxNames[1]]), 1), "goes on after"},
		"wrong magic":          {0, []byte("PK\x03\x04 and so on"), "not an IDX file"},
		"of 32-bit integers":   {0, []byte{0, 0, 0xc, 1, 0, 0, 0, 0}, "not an IDX file"},
		"huge":                 {0, idxBytes(nil, 1<<30, 1<<30, 1<<30), "declares more than 8 GiB"},
		"large and not there":  {0, idxBytes(nil, 1<<20, 28, 28), "cut short: 0 of 822083584"},
		"no images":            {0, idxBytes(nil, 0, 2, 2), "dimensions [0 2 2"},
		"no pixels":            {0, idxBytes(nil, 3, 0, 2), "images of 0x2x1"},
		"labels for images":    {0, good[idxNames[1]], "dimensions [3]"},
		"other labels":         {1, idxBytes([]byte{1, 2}, 2), "do not belong together"},
		"a label out of range": {3, idxBytes([]byte{1, 3}, 2), "test label 3"},
		"another shape":        {2, idxBytes(make([]byte, 8), 2, 4, 1), "one shape"},
	} {
		dir := t.TempDir()
		for i, file := range idxNames {
			data := good[file]
			if i == c.file {
				data = c.data
			}
			if data != nil {
				writeFile(t, filepath.Join(dir, file), data)
			}
		}
		_, err := Open(dir, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
	}
}

func FuzzIDX(f *testing.F) {
	for _, data := range idxSet() {
		f.Add(data)
		f.Add(gzipped(f, data))
	}
	f.Add(idxBytes(nil, 1<<30, 1<<30, 1<<30))
	f.Fuzz(func(t *testing.T, data []byte) {
		dims, values, err := readIDX(bytes.NewReader(data))
		if err != nil {
			return
		}
		n := 1
		for _, d := range dims {
			n *= d
		}
		if n != len(values) {
			t.Fatalf("dimensions %v, %d values", dims, len(values))
		}
	})
}
