// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cifarBytes makes a file of CIFAR-10 whose pixels tell image, channel, row and column.
func cifarBytes(first int, labels ...byte) []byte {
	var b []byte
	for i, label := range labels {
		b = append(b, label)
		for c := range 3 {
			for p := range 1024 {
				b = append(b, cifarPixel(first+i, c, p))
			}
		}
	}
	return b
}

func cifarPixel(image, channel, position int) uint8 {
	return uint8(image*31 + channel*7 + position*3 + position/256)
}

func cifarSet() []entry {
	var entries []entry
	for i, name := range cifarFiles {
		entries = append(entries, entry{cifarFolder + "/" + name, cifarBytes(2*i, byte(i), byte(9-i))})
	}
	return append(entries, entry{cifarFolder + "/readme.html", []byte("<html>")})
}

func checkCIFAR(t *testing.T, d *Dataset) {
	t.Helper()
	if d.Shape != cifarShape || !slices.Equal(d.Classes, cifarClasses) {
		t.Errorf("%v, classes %v", d.Shape, d.Classes)
	}
	if !slices.Equal(d.Train.Labels, []int32{0, 9, 1, 8, 2, 7, 3, 6, 4, 5}) || !slices.Equal(d.Test.Labels, []int32{5, 4}) {
		t.Fatalf("labels %v, %v", d.Train.Labels, d.Test.Labels)
	}
	for i := range 12 {
		image := d.Test.image(max(0, i-10))
		if i < 10 {
			image = d.Train.image(i)
		}
		for p := range 1024 {
			for c := range 3 {
				if image[3*p+c] != cifarPixel(i, c, p) {
					t.Fatalf("image %d, pixel %d, channel %d: %d", i, p, c, image[3*p+c])
				}
			}
		}
	}
}

func TestOpenCIFAR(t *testing.T) {
	root := t.TempDir()
	archive := filepath.Join(root, "archived", "cifar-10-binary.tar.gz")
	writeFile(t, archive, gzipped(t, tarBytes(t, cifarSet())))
	for _, e := range cifarSet() {
		writeFile(t, filepath.Join(root, "unpacked", e.name), e.data)
	}
	for _, c := range []struct {
		name string
		o    Options
	}{
		{archive, Options{}},
		{filepath.Join(root, "unpacked"), Options{}},
		{filepath.Join(root, "unpacked", cifarFolder), Options{}},
		{"cifar10", Options{Dir: filepath.Join(root, "archived")}},
		{"cifar10", Options{Dir: filepath.Join(root, "unpacked")}},
	} {
		d, err := Open(c.name, c.o)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		checkCIFAR(t, d)
	}
	d, err := Open(archive, Options{Height: 16, Width: 16, Channels: 1})
	if err != nil || d.Shape != (Shape{16, 16, 1}) || len(d.Train.Images) != 10*256 {
		t.Errorf("resized: %v", err)
	}
}

func TestOpenCIFARRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		file int
		data []byte
		want string
	}{
		"missing":        {4, nil, "no data_batch_5.bin"},
		"cut short":      {2, cifarBytes(0, 1, 2)[:5000], "data_batch_3.bin: 5000 bytes, not a multiple of the 3073"},
		"empty":          {2, []byte{}, "0 bytes"},
		"a wrong class":  {5, cifarBytes(0, 1, 10), "class 10 of image 1"},
		"not CIFAR data": {0, make([]byte, 4096), "4096 bytes"},
	} {
		entries := cifarSet()
		entries[c.file].data = c.data
		if c.data == nil {
			entries = slices.Delete(entries, c.file, c.file+1)
		}
		path := filepath.Join(t.TempDir(), "cifar.tar.gz")
		writeFile(t, path, gzipped(t, tarBytes(t, entries)))
		_, err := Open(path, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
	}
}

func FuzzCIFAR(f *testing.F) {
	f.Add(cifarBytes(0, 3))
	f.Add(cifarBytes(0, 10, 2))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := parseCIFAR(data)
		if err != nil {
			return
		}
		if s.Len() == 0 || len(s.Images) != s.Len()*3072 || slices.Max(s.Labels) > 9 {
			t.Fatalf("%d images, %d values", s.Len(), len(s.Images))
		}
	})
}
