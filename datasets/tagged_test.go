// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// shard are the files of n samples of WebDataset: image i has the label i mod 3 + 8.
func shard(t testing.TB, from, n int) []entry {
	var entries []entry
	for i := from; i < from+n; i++ {
		name := fmt.Sprintf("some/%04d", i)
		entries = append(entries, entry{name + ".seg.png", append(grayPNG(t, 3, 4, uint8(i)), fmt.Sprint(i)...)}, entry{name + ".cls", []byte(fmt.Sprint(i%3+8, "\n"))})
	}
	return entries
}

// Shards of WebDataset are one set, each of the part that its name says; a sample without a label is named.
func TestShards(t *testing.T) {
	dir := t.TempDir()
	bad := append(shard(t, 12, 6), entry{"some/x.png", grayPNG(t, 3, 4, 1)}, entry{"some/y.png", grayPNG(t, 3, 4, 1)}, entry{"some/y.cls", []byte("-1")})
	writeFile(t, filepath.Join(dir, "set-train-0000.tar"), tarBytes(t, shard(t, 0, 12)))
	writeFile(t, filepath.Join(dir, "set-train-0001.tar.gz"), gzipped(t, tarBytes(t, bad)))
	writeFile(t, filepath.Join(dir, "set-test-0000.tar"), tarBytes(t, shard(t, 30, 6)))
	useCache(t)
	var n notes
	d := openOK(t, dir, Options{Note: n.add})
	n.want(t, "left out, without a label: 2 files (set-train-0001.tar.gz/some/x.png, set-train-0001.tar.gz/some/y.png)")
	if !slices.Equal(d.Classes, []string{"8", "9", "10"}) || d.Train.Len() != 18 || d.Test.Len() != 6 || d.Divided {
		t.Fatalf("%v, %d and %d images", d.Classes, d.Train.Len(), d.Test.Len())
	}
	for _, s := range []Split{d.Train, d.Test} {
		for i, label := range s.Labels {
			if v := s.image(i)[0]; int32(v%3) != label {
				t.Errorf("%s: image %d has the label %d", s.Files[i].Path, v, label)
			}
		}
	}
	wantSame(t, openOK(t, dir, Options{Memory: 1}), d)
	one := openOK(t, filepath.Join(dir, "set-test-0000.tar"), Options{Undivided: true}) // of one shard all parts are one
	if one.Test.Len() != 6 {
		t.Errorf("%d images", one.Test.Len())
	}
	writeFile(t, filepath.Join(dir, "set-train-0002.tar"), tarBytes(t, []entry{{"a.cls", []byte("\x1b[2J")}, {"a.png", nil}}))
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "is no label") {
		t.Error(err)
	}
}

// A folder of images and a table of them has no folders of classes: the table is named.
func TestFolderOfAnImageTable(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "0.png"), grayPNG(t, 3, 4, 1))
	_, err := Open(dir, Options{})
	if err == nil || !strings.HasSuffix(err.Error(), "make one folder of images per class") {
		t.Errorf("without a table: %v", err)
	}
	table := filepath.Join(dir, "labels.csv")
	writeFile(t, table, []byte("path,label\n0.png,cat\n"))
	if _, err := Open(dir, Options{}); err == nil || !strings.HasSuffix(err.Error(), "or name the table of its images, "+table) {
		t.Errorf("with a table: %v", err)
	}
}

// A table names images and their classes; its files are those of its folder.
func TestImageTable(t *testing.T) {
	dir := t.TempDir()
	text := "\xef\xbb\xbfFile,Label,split\n"
	for i := range 12 {
		name := fmt.Sprintf("pictures/%d.png", i)
		writeFile(t, filepath.Join(dir, name), append(grayPNG(t, 3, 4, uint8(i)), fmt.Sprint(i)...))
		text += fmt.Sprintf("%s,\"T-shirt / %d\",%s\n", name, i%2, []string{"train", "train", "val", "test"}[i/3])
	}
	table := filepath.Join(dir, "labels.csv")
	write := func(text string) {
		t.Helper()
		writeFile(t, table, []byte(text))
	}
	write(text + "pictures/0.png,T-shirt / 0,train\n")
	d := openOK(t, table, Options{})
	if !slices.Equal(d.Classes, []string{"T-shirt / 0", "T-shirt / 1"}) || d.Train.Len() != 6 || d.Validation.Len() != 3 || d.Test.Len() != 3 {
		t.Fatalf("%v, %d, %d and %d images", d.Classes, d.Train.Len(), d.Validation.Len(), d.Test.Len())
	}
	for i, label := range d.Train.Labels {
		if int32(d.Train.image(i)[0]%2) != label {
			t.Errorf("image %d has the label %d", d.Train.image(i)[0], label)
		}
	}
	write(strings.Replace(text, "0.png,\"T-shirt / 0\"", "0.png,\"T-shirt / 1\"", 1))
	if other := openOK(t, table, Options{}); other.Digest == d.Digest {
		t.Error("another label, the same digest")
	}
	secret := filepath.Join(t.TempDir(), "secret.png")
	writeFile(t, secret, grayPNG(t, 3, 4, 9))
	if err := os.Symlink(secret, filepath.Join(dir, "link.png")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	for added, want := range map[string]string{
		"../secret.png,x,train\n":              "leads out of the folder",
		secret + ",x,train\n":                  "leads out of the folder",
		"link.png,T-shirt / 0,train\n":         "link.png: ",
		"missing.png,T-shirt / 0,train\n":      "missing.png: ",
		"notes.txt,x,train\n":                  "line 14: notes.txt is no image by its name",
		"pictures/0.png,,train\n":              "label \"\"",
		"pictures/0.png,T-shirt / 1,train\n":   "another label or part than before",
		"pictures/0.png,T-shirt / 0,holdout\n": "of the part \"holdout\"",
		"pictures/0.png,T-shirt / 0\n":         "not as many columns as the first",
		"link.png,new,test\n":                  "class new has no training images",
	} {
		write(text + added)
		if _, err := Open(table, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", added, err, want)
		}
	}
	write(text + "missing.png,T-shirt / 0,train\n")
	var n notes
	if d := openOK(t, table, Options{SkipBroken: true, Note: n.add}); d.Train.Len() != 6 {
		t.Errorf("%d images", d.Train.Len())
	}
	n.want(t, "left out: 1 file cannot be read: missing.png")
	write("a,b\n")
	if _, err := readImageTable(table); err == nil || !strings.Contains(err.Error(), "it names the columns: path and label") {
		t.Error(err)
	}
}

// FuzzImageTable holds that no table makes Open read outside its folder or fail otherwise than by an error.
func FuzzImageTable(f *testing.F) {
	f.Add([]byte("path,label\na.png,x\nb.png,y\n"))
	f.Add([]byte("\xef\xbb\xbfimage,class,split\r\na.png,\"x\"\"y\",train\r\n../c.png,y,test\n"))
	dir := f.TempDir()
	for _, name := range []string{"a.png", "b.png"} {
		writeFile(f, filepath.Join(dir, name), grayPNG(f, 2, 2, 3))
	}
	table := filepath.Join(dir, "t.csv")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(table, data, 0o600); err != nil {
			t.Fatal(err)
		}
		rows, err := readImageTable(table)
		if err != nil {
			return
		}
		for _, r := range rows {
			if !filepath.IsLocal(filepath.FromSlash(r.path)) {
				t.Errorf("%q leads out", r.path)
			}
		}
		_, _ = Open(table, Options{SkipBroken: true})
	})
}

// FuzzShard holds the same of a shard of WebDataset.
func FuzzShard(f *testing.F) {
	f.Add(tarBytes(f, shard(f, 0, 3)))
	path := filepath.Join(f.TempDir(), "a.tar")
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if !isShard(path) {
			return
		}
		_, _ = openShards(t.Context(), path, []string{path}, Options{SkipBroken: true, Height: 2, Width: 2, Channels: 1})
	})
}
