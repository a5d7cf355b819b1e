// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"bytes"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// picture is the gray of image i of a class in the folders of these tests.
func picture(class, i int) uint8 { return uint8(100*class + i) }

// pictures are gray images of one colour, in three classes.
func pictures(t testing.TB, train, test int) []entry {
	var entries []entry
	for part, n := range map[string]int{"train": train, "test": test} {
		for class, name := range []string{"bird", "cat", "dog"} {
			for i := range n {
				path := fmt.Sprintf("%s/%s/%03d.png", part, name, i)
				entries = append(entries, entry{path, grayPNG(t, 6, 5, picture(class, i))})
			}
		}
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(b.name, a.name) })
	return entries
}

// without moves the entries out of their topmost folder, into another or none.
func without(entries []entry, top string) []entry {
	var out []entry
	for _, e := range entries {
		_, rest, _ := strings.Cut(e.name, "/")
		out = append(out, entry{top + rest, e.data})
	}
	return out
}

func writeFolder(t testing.TB, entries []entry) string {
	dir := t.TempDir()
	for _, e := range entries {
		writeFile(t, filepath.Join(dir, e.name), e.data)
	}
	return dir
}

// writeEvery writes the entries in every form that Open reads, and returns the paths.
func writeEvery(t testing.TB, entries []entry) []string {
	dir := t.TempDir()
	packed := tarBytes(t, entries)
	for name, data := range map[string][]byte{
		"a.tar.gz": gzipped(t, packed), "a.tgz": gzipped(t, packed), "a.tar": packed, "a.ZIP": zipBytes(t, entries),
	} {
		writeFile(t, filepath.Join(dir, name), data)
	}
	all, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return append(all, writeFolder(t, entries))
}

func openOK(t *testing.T, path string, o Options) *Dataset {
	t.Helper()
	d, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	d.Name = ""
	return d
}

// A folder and every archive of it give one data set, whatever the order of the files and whatever else lies there.
func TestOpenImages(t *testing.T) {
	entries := append(pictures(t, 4, 2),
		entry{"README.md", []byte("about")}, entry{"train/cat/.hidden.png", []byte("no image")},
		entry{"__MACOSX/train/cat/._000.png", []byte("no image")}, entry{"train/cat/Thumbs.db", nil})
	var inside []entry
	for _, e := range entries {
		inside = append(inside, entry{"pets/" + e.name, e.data})
	}
	for _, path := range append(writeEvery(t, entries), writeEvery(t, inside)...) {
		d := openOK(t, path, Options{})
		if d.Shape != (Shape{6, 5, 1}) || !slices.Equal(d.Classes, []string{"bird", "cat", "dog"}) {
			t.Fatalf("%s: %v, classes %v", path, d.Shape, d.Classes)
		}
		for n, s := range map[int]Split{4: d.Train, 2: d.Test} {
			if s.Len() != 3*n {
				t.Fatalf("%s: %d images, not %d", path, s.Len(), 3*n)
			}
			for i, label := range s.Labels {
				if int(label) != i%3 {
					t.Fatalf("%s: the classes do not take turns: %v", path, s.Labels)
				}
				if want := bytes.Repeat([]byte{picture(i%3, i/3)}, 30); !bytes.Equal(s.image(i), want) {
					t.Fatalf("%s: image %d is %v", path, i, s.image(i))
				}
			}
		}
	}
}

func TestOpenImagesSplitsBySeed(t *testing.T) {
	entries := without(pictures(t, 12, 0), "")
	var first, other *Dataset
	for i, path := range writeEvery(t, entries) {
		d := openOK(t, path, Options{Seed: 3})
		if i == 0 {
			first, other = d, openOK(t, path, Options{Seed: 4})
		}
		if !reflect.DeepEqual(d, first) {
			t.Errorf("%s: another choice of test images", path)
		}
	}
	if first.Train.Len()+first.Test.Len() != 36 || first.Test.Len() < 3 || !first.Divided {
		t.Errorf("%d for testing, %d for training", first.Test.Len(), first.Train.Len())
	}
	if reflect.DeepEqual(first.Test, other.Test) {
		t.Error("two seeds, one choice")
	}
}

// Any colour image makes the set coloured; the first image gives the size, within bounds; options come before both.
func TestOpenImagesShape(t *testing.T) {
	red := color.RGBA{255, 0, 0, 255}
	entries := []entry{
		{"a/1.png", grayPNG(t, 300, 600, 7)},
		{"a/2.jpg", grayJPEG(t, 20, 20, 128)},
		{"b/1.JPEG", grayJPEG(t, 20, 20, 128)},
		{"b/2.PNG", colourPNG(t, 9, 9, red)},
	}
	for _, c := range []struct {
		entries []entry
		o       Options
		want    Shape
	}{
		{entries, Options{}, Shape{128, 256, 3}},
		{entries[:3], Options{}, Shape{128, 256, 1}},
		{entries, Options{Channels: 1}, Shape{128, 256, 1}},
		{entries, Options{Height: 8, Width: 12}, Shape{8, 12, 3}},
		{entries, Options{Height: 8, Width: 12, Channels: 1}, Shape{8, 12, 1}},
	} {
		all := append(slices.Clone(c.entries), entry{"b/9.png", grayPNG(t, 1, 1, 0)})
		d := openOK(t, writeFolder(t, all), c.o)
		if d.Shape != c.want || len(d.Train.Images) != d.Train.Len()*c.want.Size() || d.Train.Len()+d.Test.Len() != len(all) {
			t.Errorf("%+v: %v, not %v", c.o, d.Shape, c.want)
		}
	}
	for _, o := range []Options{{Height: 8}, {Width: 8}, {Height: -1, Width: 4}, {Height: 5000, Width: 5000}, {Channels: 2}} {
		if _, err := Open(writeFolder(t, entries), o); err == nil {
			t.Errorf("%+v: accepted", o)
		}
	}
}

func TestOpenImagesRefuses(t *testing.T) {
	good := without(pictures(t, 2, 0), "")
	with := func(name string, data []byte) []entry { return append(slices.Clone(good), entry{name, data}) }
	png := grayPNG(t, 4, 4, 1)
	for name, c := range map[string]struct {
		entries []entry
		want    string
	}{
		"no images":          {[]entry{{"a/readme.txt", nil}}, "one folder of images per class"},
		"a damaged image":    {with("cat/x.png", png[:len(png)-8]), "1 file cannot be read: cat/x.png: PNG file cut short"},
		"not an image":       {with("cat/x.jpg", []byte("hello")), "cat/x.jpg: none of PNG, JPEG, WebP, BMP, TIFF, GIF"},
		"an empty image":     {with("cat/x.jpg", nil), "cat/x.jpg: an empty file"},
		"another format":     {with("cat/x.avif", nil), "cat/x.avif: a format that is not read; convert it"},
		"a garbled name":     {with("cat/\x1b[2J\n.png", png), `"cat/\x1b[2J\n.png": a name that cannot be printed`},
		"one image a class":  {[]entry{{"a/1.png", png}, {"b/1.png", png}}, "one image a class"},
		"one class":          {[]entry{{"a/1.png", png}}, "one class only, a"},
		"nothing whatsoever": {nil, "one folder of images per class"},
	} {
		for _, path := range writeEvery(t, c.entries) {
			_, err := Open(path, Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "datasets: "+path+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, not %q", name, err, c.want)
			}
		}
	}
}

func TestOpenImagesFollowsLinksToFiles(t *testing.T) {
	dir := writeFolder(t, without(pictures(t, 2, 0), ""))
	if err := os.Symlink(filepath.Join(dir, "cat", "000.png"), filepath.Join(dir, "cat", "link.png")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if d := openOK(t, dir, Options{}); d.Train.Len()+d.Test.Len() != 7 {
		t.Errorf("%d images", d.Train.Len()+d.Test.Len())
	}
}
