// SPDX-License-Identifier: Apache-2.0

package datasets

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

func TestArchiveRefuses(t *testing.T) {
	good := without(pictures(t, 2, 0), "")
	packed := tarBytes(t, good)
	zipped := gzipped(t, packed)
	damaged := bytes.Clone(zipped)
	damaged[len(damaged)/2] ^= 0xff
	png := grayPNG(t, 4, 4, 1)
	out := func(name string) []entry { return append(good[:len(good):len(good)], entry{name, png}) }
	for name, c := range map[string]struct {
		file string
		data []byte
		want string
	}{
		"empty tar.gz":       {"a.tar.gz", nil, "one folder of images per class"},
		"cut short tar.gz":   {"a.tar.gz", zipped[:len(zipped)/2], "unexpected EOF"},
		"damaged tar.gz":     {"a.tar.gz", damaged, "damaged"},
		"not a tar":          {"a.tar.gz", gzipped(t, bytes.Repeat([]byte("hello"), 500)), "damaged archive"},
		"cut short zip":      {"a.zip", zipBytes(t, good)[:900], "damaged archive"},
		"not a zip":          {"a.zip", packed, "damaged archive"},
		"tar leading up":     {"a.tar", tarBytes(t, out("../cat/x.png")), "leads out of the archive"},
		"tar leading far up": {"a.tar", tarBytes(t, out("cat/../../x.png")), "leads out of the archive"},
		"tar leading away":   {"a.tar", tarBytes(t, out("/cat/x.png")), "leads out of the archive"},
		"zip leading up":     {"a.zip", zipBytes(t, out("../cat/x.png")), "leads out of the archive"},
		"zip leading back":   {"a.zip", zipBytes(t, out(`..\cat\x.png`)), "leads out of the archive"},
		"an endless path":    {"a.tar", tarBytes(t, out(strings.Repeat("cat/", 1000)+"x.png")), "leads out of the archive"},
		"twice":              {"a.tar", tarBytes(t, append(good, good[0])), "twice in the archive"},
		"another archive":    {"a.rar", packed, "neither a folder, an archive"},
	} {
		path := filepath.Join(t.TempDir(), c.file)
		writeFile(t, path, c.data)
		_, err := Open(path, Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "datasets: "+path+": ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, not %q", name, err, c.want)
		}
	}
}

// tarOf packs entries and then the given headers, which have no content.
func tarOf(t *testing.T, entries []entry, headers ...*tar.Header) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		headers := &tar.Header{Name: e.name, Size: int64(len(e.data)), Typeflag: tar.TypeReg}
		if err := w.WriteHeader(headers); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	for _, h := range headers {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.tar")
	writeFile(t, path, b.Bytes())
	return path
}

// zipWithLink packs entries and a symbolic link.
func zipWithLink(t *testing.T, entries []entry, name, target string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name}
	h.SetMode(fs.ModeSymlink | 0o777)
	for _, e := range append(entries[:len(entries):len(entries)], entry{name, []byte(target)}) {
		header := &zip.FileHeader{Name: e.name}
		if e.name == name {
			header = h
		}
		f, err := w.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "a.zip")
	writeFile(t, path, b.Bytes())
	return path
}

// Links in an archive are the images they lead to: hard links, symbolic ones, those to the folder of a class, and links
// to links.
func TestArchiveFollowsLinks(t *testing.T) {
	entries := without(pictures(t, 2, 0), "x/")
	for name, c := range map[string]struct {
		path    string
		images  int
		classes int
	}{
		"a hard link":      {tarOf(t, entries, &tar.Header{Name: "x/cat/link.png", Linkname: "x/dog/000.png", Typeflag: tar.TypeLink}), 7, 3},
		"a symbolic link":  {tarOf(t, entries, &tar.Header{Name: "x/cat/link.png", Linkname: "../dog/000.png", Typeflag: tar.TypeSymlink}), 7, 3},
		"a class":          {tarOf(t, entries, &tar.Header{Name: "x/wolf", Linkname: "dog", Typeflag: tar.TypeSymlink}), 8, 4},
		"a link in a .zip": {zipWithLink(t, entries, "x/cat/link.png", "../dog/000.png"), 7, 3},
		"a class in a zip": {zipWithLink(t, entries, "x/wolf", "dog"), 8, 4},
		"a link to a link": {tarOf(t, entries,
			&tar.Header{Name: "x/cat/a.png", Linkname: "b.png", Typeflag: tar.TypeSymlink},
			&tar.Header{Name: "x/cat/b.png", Linkname: "../dog/000.png", Typeflag: tar.TypeSymlink}), 8, 3},
	} {
		d := openOK(t, c.path, Options{Undivided: true})
		if d.Test.Len() != c.images || len(d.Classes) != c.classes {
			t.Errorf("%s: %d images, classes %v", name, d.Test.Len(), d.Classes)
		}
		for i, f := range d.Test.Files {
			if strings.Contains(f.Path, "link") && d.Test.image(i)[0] != picture(2, 0) {
				t.Errorf("%s: %s is not the image it leads to", name, f.Path)
			}
		}
	}
}

// A link out of the archive, or to nothing, is a file that cannot be read; a device is no image and said to be left
// out.
func TestArchiveRefusesLinksThatLeadOut(t *testing.T) {
	entries := without(pictures(t, 2, 0), "")
	for _, to := range []string{"/etc/passwd", "../../../etc/passwd", "nowhere.png", "link.png"} {
		for _, kind := range []byte{tar.TypeSymlink, tar.TypeLink} {
			path := tarOf(t, entries, &tar.Header{Name: "cat/link.png", Linkname: to, Typeflag: kind})
			_, err := Open(path, Options{})
			if err == nil || !strings.Contains(err.Error(), "1 file cannot be read: cat/link.png: a link to ") {
				t.Errorf("%s: %v", to, err)
			}
			if d := openOK(t, path, Options{SkipBroken: true}); d.Train.Len()+d.Test.Len() != 6 {
				t.Errorf("%d images", d.Train.Len()+d.Test.Len())
			}
		}
	}
	var notes notes
	openOK(t, tarOf(t, entries, &tar.Header{Name: "cat/null", Typeflag: tar.TypeChar}), Options{Note: notes.add})
	notes.want(t, "left out, no image by its name: 1 file (cat/null)")
}

// A file too large for an image is refused once its limit is reached, not when memory is.
func TestArchiveLimitsEntries(t *testing.T) {
	if _, err := readEntry(endless{}); err == nil || !strings.Contains(err.Error(), "larger than 64 MiB") {
		t.Errorf("error %v", err)
	}
	if _, _, err := entryName("a/b.png", maxEntries); err == nil {
		t.Error("no limit on their number")
	}
	bounded := &boundedReader{r: endless{}, left: 1000, packed: &countingReader{}}
	if n, err := io.Copy(io.Discard, bounded); n != 1000 || err == nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// checkArchive opens images from hostile files; what is accepted must be whole.
func checkArchive(t *testing.T, all files) {
	d, err := openImages(t.Context(), "set", all, Options{Height: 3, Width: 4, Channels: 3})
	if err != nil {
		if strings.Contains(err.Error(), "\n") {
			t.Fatalf("an error of several lines: %q", err)
		}
		return
	}
	if len(d.Classes) < 2 || d.Train.Len() == 0 || d.Test.Len() == 0 {
		t.Fatalf("classes %q, %d and %d images", d.Classes, d.Train.Len(), d.Test.Len())
	}
	for _, s := range []Split{d.Train, d.Test} {
		if len(s.Images) != s.Len()*d.Size() {
			t.Fatalf("%d values for %d images", len(s.Images), s.Len())
		}
		for _, label := range s.Labels {
			if label < 0 || int(label) >= len(d.Classes) {
				t.Fatalf("label %d of %d classes", label, len(d.Classes))
			}
		}
	}
}

// withChecksums makes the headers of a tar archive pass for undamaged: each in the block after the content of the one
// before.
func withChecksums(data []byte) []byte {
	data = bytes.Clone(data)
	for at := 0; at+512 <= len(data); {
		header := data[at : at+512]
		copy(header[148:156], "        ")
		sum := 0
		for _, b := range header {
			sum += int(b)
		}
		copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
		size, err := strconv.ParseUint(strings.Trim(string(header[124:136]), " \x00"), 8, 30)
		if err != nil {
			break
		}
		at += 512 + (int(size)+511)/512*512
	}
	return data
}

func FuzzTar(f *testing.F) {
	f.Add(tarBytes(f, pictures(f, 1, 1)))
	f.Add(tarBytes(f, without(pictures(f, 2, 0), "x/")))
	f.Add(tarBytes(f, []entry{{"data_batch_1.bin", cifarBytes(0, 1)}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = withChecksums(data)
		checkArchive(t, tarFiles(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }))
	})
}

func FuzzZip(f *testing.F) {
	f.Add(zipBytes(f, pictures(f, 1, 1)))
	f.Add(zipBytes(f, without(pictures(f, 2, 0), "x/")))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkArchive(t, zipFiles(bytes.NewReader(data), int64(len(data))))
	})
}
